"""More requests than the reference can hold, and requests of clients that have gone."""

import asyncio
import uuid

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from createflow.reference_server.domain.adaptive_limit import LIMIT_MAX
from createflow.reference_server.process.http_server import CLIENT_IS_GONE
from tests.reference_server.engine_set import EngineSet
from tests.reference_server.in_process_server import InProcessServer, open_server

pytestmark = pytest.mark.anyio

_COUNT = "SELECT count(*) FROM resources WHERE name LIKE %(name)s"


async def test_what_is_too_much_is_refused_and_leaves_nothing(engines: EngineSet) -> None:
    """With 503 and Retry-After, whether gateway or service refuses; what is not refused is done."""
    name = f"overload {uuid.uuid4()}"
    async with open_server(engines) as server:
        replies = await asyncio.gather(
            *(server.create({"name": name}, **server.as_user(f"user-{number}")) for number in range(LIMIT_MAX + 100))
        )
        refused = [reply for reply in replies if reply.status_code != 201]
        rows = await server.rows(_COUNT, name=f"{name}%")
        again = await _created_in_the_end(server)
    assert {reply.status_code for reply in refused} == {503}
    assert {reply.json()["code"] for reply in refused} == {"service_unavailable"}
    assert {reply.headers["retry-after"] for reply in refused} == {"1"}
    assert 98 <= len(refused) < len(replies)
    assert rows == [(len(replies) - len(refused),)]
    assert again.status_code == 201, again.text


async def _created_in_the_end(server: InProcessServer) -> httpx.Response:
    """The reply to a create that is sent again when its refusal says so: an instance may still be busy."""
    for _ in range(10):
        reply = await server.create({"name": "afterwards"})
        if reply.status_code == 201:
            break
        await asyncio.sleep(float(reply.headers["retry-after"]))
    return reply


async def test_what_nobody_waits_for_is_not_begun(server: InProcessServer) -> None:
    """The client closed its connection while its request waited; the same request of another client is done."""
    name = f"gone {uuid.uuid4()}"
    gateway = server.http._transport.app  # type: ignore[attr-defined]  # the ASGI app of the gateway

    async def gone(scope: Scope, receive: Receive, send: Send) -> None:
        await gateway({**scope, "extensions": {CLIENT_IS_GONE: lambda: True}}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=gone), base_url="http://gateway") as client:
        reply = await client.post("/api/resources", json={"name": name}, headers=server.as_user())
    assert reply.status_code == 503
    assert await server.rows(_COUNT, name=name) == [(0,)]
    assert (await server.create({"name": name})).status_code == 201
    assert await server.rows(_COUNT, name=name) == [(1,)]
