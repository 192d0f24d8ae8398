"""Removes what a load created, if the profile allows it and the user requests it.

Only what a 201 of this run named is deleted, on the target's own origin: never what only a sink shows, and never
what a Location elsewhere names.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from createflow.scenarios.load.plan.created import CreatedRow
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.run_context import Created
from createflow.scenarios.target.setup_and_cleanup import delete_resources, resource_named

_TOLD_EVERY = 100


async def clean_up(
    connection: HttpConnection,
    *,
    created: Iterable[CreatedRow],
    writers: Sequence[Principal],
    own: Iterable[Created] = (),
    within_s: float,
    on_removed: Callable[[int], None] = lambda _: None,
    on_own_removed: Callable[[Created], None] = lambda _: None,
    on_own_refused: Callable[[Created], None] = lambda _: None,
    on_tried: Callable[[int], None] = lambda _: None,
) -> int:
    """Remove the resources of a load, each by the principal that created it. Returns the number removed.

    Args:
        connection: to the target.
        created: by the load, as its replies named it.
        writers: arrival ``k`` was sent by number ``k % len(writers)``. Empty for an endpoint without authentication.
        own: what else the run created: before the load, and while sampling.
        within_s: what is not removed in this time stays.
        on_removed: called with the number removed so far, after each.
        on_own_removed: called with each of ``own`` that is gone.
        on_own_refused: called with each of ``own`` that was tried and is not gone.
        on_tried: called now and then with a number of rows: so many, from the first, were tried.
    """
    removed = taken = told = 0
    own = tuple(own)
    going_on: dict[int, int] = {}
    """The number of each row that is being tried, by the identity of its resource."""

    def count(resource: Created) -> None:
        nonlocal removed
        removed += 1
        on_removed(removed)
        if id(resource) not in going_on:
            on_own_removed(resource)
        end(resource)

    def refuse(resource: Created) -> None:
        if id(resource) not in going_on:
            on_own_refused(resource)
        end(resource)

    def end(resource: Created) -> None:
        nonlocal told
        going_on.pop(id(resource), None)
        tried = min(going_on.values(), default=taken + 1) - 1
        if tried >= told + _TOLD_EVERY:
            on_tried(tried)
            told = tried

    def resources() -> Iterator[Created]:
        """One at a time, because a load can leave a million of them."""
        nonlocal taken
        yield from own
        for row in created:
            taken += 1
            who = writers[row.k % len(writers)] if writers else ANONYMOUS
            if (resource := resource_of(connection, row, who)) is not None:
                going_on[id(resource)] = taken
                yield resource

    try:
        await delete_resources(connection, resources(), within_s=within_s, on_deleted=count, on_refused=refuse)
    finally:
        on_tried(min(going_on.values(), default=taken + 1) - 1)
    return removed


def resource_of(connection: HttpConnection, row: CreatedRow, who: Principal) -> Created | None:
    """What to delete for one 201; None where it does not say for certain what it created."""
    return resource_named(connection.context, row.path, row.id, who)
