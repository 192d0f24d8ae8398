"""Taking away what a load created, for profiles that allow it and users who ask for it."""

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
    on_gone: Callable[[int], None] = lambda _: None,
) -> int:
    """Remove the run's resources, each by who created it. Returns how many are gone.

    Args:
        profile: says how a resource is taken away.
        mask: learns the tokens.
        run_id: of the run.
        created: ids with their arrivals, as ``Reconciliation.created`` gives them.
        writers: arrival k was sent by number ``k % len(writers)``, the create before the load by the first; none
            when the endpoint is open.
        sampled: what the sampler created.
        within_s: what is not gone by then stays.
        on_gone: shown how many are gone, after each.
    """
    gone = 0

    def one_more(_: Created) -> None:
        nonlocal gone
        gone += 1
        on_gone(gone)

    connection = HttpConnection(RunContext(profile, run_id, mask))
    try:
        path = profile.target.read_path or f"{profile.target.path.partition('/{new_id}')[0].rstrip('/')}/{{id}}"
        resources = _resources(connection, path, created, writers, sampled)
        await delete_resources(connection, resources, within_s=within_s, on_deleted=one_more)
    finally:
        await connection.close()
    return gone


def _resources(
    connection: HttpConnection,
    path: str,
    created: Iterable[tuple[str, int]],
    writers: Sequence[Principal],
    sampled: Iterable[Created],
) -> Iterator[Created]:
    """Made one by one, when their turn comes: a load can leave a million behind."""
    yield from sampled
    for resource_id, k in created:
        url = connection.context.path(path, id=resource_id)
        yield Created(url, writers[max(k, 0) % len(writers)] if writers else ANONYMOUS, resource_id)
