"""Taking away what a run created."""

import asyncio
import json

from createflow.scenarios.probes.http_connection import Created, HttpConnection, NoReply
from createflow.scenarios.probes.templates import filled, filled_path

_AT_ONCE = 8
_GONE = {404, 410}
_LONGEST_WAIT_S = 5.0


async def clean_up(connection: HttpConnection, *, within_s: float) -> tuple[str, ...]:
    """Take away everything that was created, each by who created it. Returns the URLs that are still there."""
    pending = {created.url: created for created in connection.created}
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def remove(created: Created) -> None:
        async with at_once:
            if await _removed(connection, created):
                pending.pop(created.url, None)

    try:
        async with asyncio.timeout(within_s), asyncio.TaskGroup() as group:
            for created in list(pending.values()):
                group.create_task(remove(created))
    except TimeoutError:
        pass  # what is left is told
    return tuple(pending)


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
