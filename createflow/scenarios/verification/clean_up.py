"""Removes what a load created, if the profile allows it and the user requests it.

Only what a 201 of this run named is deleted, on the target's own origin: never what only a sink shows, and never
what a Location elsewhere names.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import unquote, urlsplit

from createflow.scenarios.load.plan.created import CreatedRow
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.location import names_one_resource, names_resource, usable_id
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.representation import LOCATION
from createflow.scenarios.target.run_context import Created
from createflow.scenarios.target.setup_and_cleanup import delete_resources


async def clean_up(
    connection: HttpConnection,
    *,
    created: Iterable[CreatedRow],
    writers: Sequence[Principal],
    own: Iterable[Created] = (),
    within_s: float,
    on_removed: Callable[[int], None] = lambda _: None,
) -> int:
    """Remove the resources of a load, each by the principal that created it. Returns the number removed.

    Args:
        connection: to the target.
        created: by the load, as its replies named it.
        writers: arrival ``k`` was sent by number ``k % len(writers)``. Empty for an endpoint without authentication.
        own: what else the run created: before the load, and while sampling.
        within_s: what is not removed in this time stays.
        on_removed: called with the number removed so far, after each.
    """
    removed = 0

    def count(_: Created) -> None:
        nonlocal removed
        removed += 1
        on_removed(removed)

    def resources() -> Iterator[Created]:
        """One at a time, because a load can leave a million of them."""
        yield from own
        for row in created:
            who = writers[row.k % len(writers)] if writers else ANONYMOUS
            if (resource := resource_of(connection, row, who)) is not None:
                yield resource

    await delete_resources(connection, resources(), within_s=within_s, on_deleted=count)
    return removed


def resource_of(connection: HttpConnection, row: CreatedRow, who: Principal) -> Created | None:
    """What to delete for one 201; None where it does not say for certain what it created.

    The same rules as for ``createflow run``: a Location must name one resource, and that of the id where there is one.
    """
    context, fields = connection.context, connection.context.target.fields
    base_url, collection = context.target.base_url.rstrip("/"), context.target.path.partition("/{new_id}")[0]
    path, resource_id = row.path, row.id
    if fields.id == LOCATION:
        resource_id = usable_id(unquote(urlsplit(path).path.rpartition("/")[2])) or ""
    if context.target.read_path and resource_id:
        return Created(base_url + context.path(context.target.read_path, id=resource_id), who, resource_id)
    fits = not resource_id or fields.id == LOCATION or names_resource(path, resource_id)
    if path and fits and names_one_resource(path, context.path(collection)):
        return Created(base_url + path, who, resource_id)
    if not resource_id or fields.id == LOCATION:
        return None
    url = base_url + context.path(f"{collection.rstrip('/')}/{{id}}", id=resource_id)
    # A 404 there does not mean that the resource is gone, unless the reply had no Location at all.
    return Created(url, who, resource_id, is_guessed=bool(path))
