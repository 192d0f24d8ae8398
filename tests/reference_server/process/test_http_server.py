"""The HTTP server of a process, on a socket."""

import asyncio

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from createflow.reference_server.process.http_server import CLIENT_IS_GONE, _Protocol
from tests.reference_server.in_process_server import until

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_application_can_see_that_its_client_has_gone() -> None:
    """Without reading from the connection, and not before it is so."""
    begun: asyncio.Queue[Scope] = asyncio.Queue()
    may_end = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.put_nowait(scope)
        await may_end.wait()

    config = uvicorn.Config(app, http=_Protocol, ws="none", lifespan="off", interface="asgi3", log_config=None)
    config.load()
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Protocol(config, state, {}), "127.0.0.1", 0)
    async with server:
        address = server.sockets[0].getsockname()
        _, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        is_gone = (await begun.get())["extensions"][CLIENT_IS_GONE]
        assert not is_gone()
        writer.close()

        async def seen() -> bool:
            return bool(is_gone())

        assert await until(seen)
        may_end.set()
