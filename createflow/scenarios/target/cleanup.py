"""Taking away what a run created."""

import asyncio
import json
from collections.abc import Callable, Iterable

from createflow.scenarios.target.http_client import Created, HttpConnection, NoReply
from createflow.scenarios.target.templates import filled, filled_path

_AT_ONCE = 8
_GONE = {404, 410}
_LONGEST_WAIT_S = 5.0


async def clean_up(connection: HttpConnection, *, within_s: float) -> tuple[str, ...]:
    """Take away everything that was created, each by who created it. Returns the URLs that are still there."""
    pending = {created.url: created for created in connection.created}

    def gone(created: Created) -> None:
        pending.pop(created.url, None)

    await take_away(connection, list(pending.values()), within_s=within_s, gone=gone)
    return tuple(pending)


async def take_away(
    connection: HttpConnection, resources: Iterable[Created], *, within_s: float, gone: Callable[[Created], None]
) -> None:
    """Remove resources, a few at once, until all were tried or the time is up; ``gone`` is told of each that is."""
    rest = iter(resources)

    async def remove_some() -> None:
        for created in rest:
            if await _removed(connection, created):
                gone(created)

    try:
        async with asyncio.timeout(within_s), asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(remove_some())
    except TimeoutError:
        pass  # who was not told of a resource knows that it is still there


async def _removed(connection: HttpConnection, created: Created) -> bool:
    request = connection.profile.target.cleanup_request
    variables = {**connection.variables, "id": created.id, "url": created.url}
    url = created.url if request.path == "{url}" else filled_path(request.path, variables)
    content = None if request.body is None else json.dumps(filled(request.body, variables)).encode()
    headers = {} if content is None else {"content-type": connection.profile.target.media_type}
    for _ in range(3):
        try:
            reply = await connection.send(request.method, url, created.who.current(), headers, content)
        except NoReply:
            return False
        if reply.status != 429:
            return reply.accepted or reply.status in _GONE
        wait = reply.headers.get("retry-after", "1")
        await asyncio.sleep(min(float(wait) if wait.isdigit() else 1.0, _LONGEST_WAIT_S))
    return False
