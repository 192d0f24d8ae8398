"""Which connection a request gets, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpcore
import pytest

from createflow.scenarios.target.connection_pool import ConnectionPool

REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LAST_REPLY = REPLY.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")


class Server:
    """Answers each request, and knows how many connections were made and are open."""

    def __init__(self) -> None:
        self.reply = REPLY
        self.made = 0
        self.open: set[asyncio.StreamWriter] = set()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.made += 1
        self.open.add(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(self.reply)
                if self.reply == LAST_REPLY:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()


@asynccontextmanager
async def pool_to(
    server: Server, *, max_connections: int = 8, max_idle: int = 8, idle_s: float = 60.0
) -> AsyncIterator[ConnectionPool]:
    """A pool, with the server that it connects to."""

    def connect(origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        return httpcore.AsyncHTTPConnection(origin, keepalive_expiry=idle_s)

    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    pool = ConnectionPool(connect, max_connections=max_connections, max_idle=max_idle)
    async with listening:
        try:
            yield pool
        finally:
            await pool.aclose()


async def send(pool: ConnectionPool, server: Server) -> None:
    """One request with its whole reply."""
    request = httpcore.Request("GET", server.url, headers={"host": "localhost"})
    connection = await pool.take(request.url.origin)
    try:
        reply = await connection.handle_async_request(request)
        await reply.aread()
        await reply.aclose()
    finally:
        await pool.put(connection)


def test_one_request_after_the_other_needs_one_connection() -> None:
    """A handshake costs more than a request."""

    async def steps() -> None:
        async with pool_to(server := Server()) as pool:
            for _ in range(5):
                await send(pool, server)
            assert server.made == 1

    asyncio.run(steps())


def test_requests_at_once_have_connections_of_their_own_up_to_the_limit() -> None:
    """The others wait."""

    async def steps() -> None:
        async with pool_to(server := Server(), max_connections=3) as pool:
            await asyncio.gather(*(send(pool, server) for _ in range(12)))
            assert 1 < server.made <= 3

    asyncio.run(steps())


def test_a_closed_connection_is_not_used_again() -> None:
    """The server said that it was the last reply on it, or closed it since."""

    async def steps() -> None:
        async with pool_to(server := Server()) as pool:
            server.reply = LAST_REPLY
            await send(pool, server)
            server.reply = REPLY
            await send(pool, server)
            for writer in list(server.open):
                writer.close()
                await writer.wait_closed()
            await send(pool, server)
            assert server.made == 3

    asyncio.run(steps())


def test_an_old_or_surplus_connection_is_closed() -> None:
    """The server holds something for each that is open."""

    async def steps() -> None:
        async with pool_to(server := Server(), idle_s=0.0) as pool:
            await send(pool, server)
            await send(pool, server)
            assert server.made == 2
        async with pool_to(server := Server(), max_idle=1) as pool:
            await asyncio.gather(*(send(pool, server) for _ in range(4)))
            made = server.made
            await asyncio.gather(*(send(pool, server) for _ in range(4)))
            assert server.made > made

    asyncio.run(steps())


def test_a_failed_or_cancelled_request_gives_its_place_back() -> None:
    """A run with refused connections must not come to a stop."""

    async def steps() -> None:
        async with pool_to(server := Server(), max_connections=1) as pool:
            url, server.url = server.url, "http://127.0.0.1:1/"
            for _ in range(3):
                try:
                    await send(pool, server)
                except httpcore.ConnectError:
                    continue
            server.url, server.reply = url, b""
            task = asyncio.create_task(send(pool, server))
            while not server.made:
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            server.reply = REPLY
            async with asyncio.timeout(5):
                await send(pool, server)
            assert server.made == 2

    asyncio.run(steps())


def test_no_connection_is_left_open() -> None:
    """Neither an idle one nor one in use."""

    async def steps() -> None:
        async with pool_to(server := Server()) as pool:
            await send(pool, server)
            server.reply = b""
            task = asyncio.create_task(send(pool, server))
            await asyncio.sleep(0)
            await pool.aclose()
            await asyncio.gather(task, return_exceptions=True)
            async with asyncio.timeout(5):
                while server.open:
                    await asyncio.sleep(0)

    asyncio.run(steps())


def test_a_connection_is_given_to_one_request_only_while_others_end() -> None:
    """A request that waits for the end of one connection meets a sweep of the others, and both go on with one list."""

    class Slow(httpcore.AsyncHTTPConnection):
        is_over = False

        def is_idle(self) -> bool:
            return True

        def is_closed(self) -> bool:
            return False

        def has_expired(self) -> bool:
            return self.is_over

        async def aclose(self) -> None:
            await asyncio.sleep(0)

    async def steps() -> None:
        origin = httpcore.URL("http://localhost").origin
        pool = ConnectionPool(Slow, max_connections=8, max_idle=8)
        idle = [await pool.take(origin) for _ in range(4)]
        for connection in idle:
            await pool.put(connection)
        first = idle[0]
        assert isinstance(first, Slow)
        first.is_over = True
        waiting = asyncio.create_task(pool.take(origin))
        await asyncio.sleep(0)
        pool._swept_at_s = -1.0
        taken = [await pool.take(origin), await waiting, *[await pool.take(origin) for _ in range(2)]]
        assert len(set(map(id, taken))) == len(taken)

    asyncio.run(steps())


def test_a_closed_pool_opens_and_keeps_no_connection() -> None:
    """A request that nobody waits for may go on after the end of its run."""

    async def steps() -> None:
        async with pool_to(server := Server()) as pool:
            await send(pool, server)
            request = httpcore.Request("GET", server.url, headers={"host": "localhost"})
            late = await pool.take(request.url.origin, is_new=True)
            await pool.aclose()
            reply = await late.handle_async_request(request)
            await reply.aread()
            await reply.aclose()
            await pool.put(late)
            assert late.is_closed()
            for _ in range(9):
                with pytest.raises(httpcore.ConnectError, match="connections of this run are closed"):
                    await pool.take(request.url.origin)

    asyncio.run(steps())
