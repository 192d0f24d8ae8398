"""Removes what a load created, if the profile allows it and the user requests it."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.run_context import Created, RunContext
from createflow.scenarios.target.setup_and_cleanup import delete_resources
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile import Profile


async def clean_up(
    profile: Profile,
    mask: Mask,
    run_id: str,
    *,
    created: Iterable[tuple[str, int]],
    writers: Sequence[Principal],
    sampled: Iterable[Created] = (),
    within_s: float,
    on_removed: Callable[[int], None] = lambda _: None,
) -> int:
    """Remove the resources of the run, each by the principal that created it. Returns the number removed.

    Args:
        profile: says how a resource is removed.
        mask: learns the tokens.
        run_id: of the run.
        created: ids with their arrivals, from ``Reconciliation.created``.
        writers: arrival ``k`` was sent by number ``k % len(writers)``, the preflight by the first. Empty for an
            endpoint without authentication.
        sampled: the resources that the sampler created.
        within_s: what is not removed in this time stays.
        on_removed: called with the number removed so far, after each.
    """
    removed = 0

    def count(_: Created) -> None:
        nonlocal removed
        removed += 1
        on_removed(removed)

    connection = HttpConnection(RunContext(profile, run_id, mask))
    try:
        path = profile.target.read_path or f"{profile.target.path.partition('/{new_id}')[0].rstrip('/')}/{{id}}"
        resources = _resources(connection, path, created, writers, sampled)
        await delete_resources(connection, resources, within_s=within_s, on_deleted=count)
    finally:
        await connection.close()
    return removed


def _resources(
    connection: HttpConnection,
    path: str,
    created: Iterable[tuple[str, int]],
    writers: Sequence[Principal],
    sampled: Iterable[Created],
) -> Iterator[Created]:
    """The resources one at a time, because a load can leave a million of them."""
    yield from sampled
    for resource_id, k in created:
        url = connection.context.path(path, id=resource_id)
        yield Created(url, writers[max(k, 0) % len(writers)] if writers else ANONYMOUS, resource_id)
