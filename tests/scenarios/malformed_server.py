"""Targets that nobody should trust: real sockets, each with one bad habit."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from createflow.schemas.profile import Profile

Habit = Callable[[bytes], bytes | None]
"""Takes a request, gives the reply's bytes; ``None`` never answers."""


def reply(status: str, body: bytes = b"{}", *, headers: str = "", media_type: str = "application/json") -> bytes:
    """A whole HTTP reply."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


@asynccontextmanager
async def malformed_server(habit: Habit, *, closes: bool = False) -> AsyncIterator[str]:
    """Serve the habit on a free port; gives the base URL. ``closes``: each connection after one reply."""
    hanging = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
                body = await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
                answer = habit(head + body)
                if answer is None:
                    await hanging.wait()
                    return
                writer.write(answer)
                await writer.drain()
                if closes:
                    return
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        hanging.set()
        server.close()
        await server.wait_closed()


def profile_of(base_url: str, *, timeout_s: float = 5.0, **sections: object) -> Profile:
    """The least profile of a target, without waiting long for anything."""
    return Profile.model_validate(
        {
            "target": {"base_url": base_url, "timeout_s": timeout_s},
            "deadlines": {"recovery_s": 0.2, "event_s": 0.1, "index_s": 0.1},
            **sections,
        }
    )
