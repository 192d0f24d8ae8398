"""A server of raw bytes that reads requests strictly, or takes whatever comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_CREATED = b"HTTP/1.1 201 Created\r\nLocation: /r/1\r\nContent-Length: 2\r\n\r\n{}"
_REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def raw_server(*, strict: bool, needs_host: bool = True, mute: bool = False) -> AsyncIterator[str]:
    """Its address while it serves. A mute one says nothing to what it refuses, and keeps the connection open."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:-2]
                good = await _read_body(reader, lines, strict=strict) and _has_one_host(lines, needs_host=needs_host)
                if mute and not good:
                    await reader.read()
                    break
                writer.write(_CREATED if good else _REFUSED)
                await writer.drain()
                if not good:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def _has_one_host(lines: list[str], *, needs_host: bool) -> bool:
    return not needs_host or len([line for line in lines if line.lower().startswith("host:")]) == 1


async def _read_body(reader: asyncio.StreamReader, lines: list[str], *, strict: bool) -> bool:
    """Whether the framing is sound; the lax one finds everything sound."""
    headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
    lengths = [value for name, value in headers if name.lower() == "content-length"]
    codings = [value for name, value in headers if name.lower() == "transfer-encoding"]
    if not strict:
        size = next((int(value) for value in lengths if value.isdigit()), None)
        if size is not None:
            await reader.readexactly(size)
        elif codings:
            await reader.readuntil(b"0\r\n\r\n")
        return True
    sound = not any(line.partition(":")[0].endswith(" ") for line in lines) and len(lengths) + len(codings) == 1
    if sound and lengths:
        return lengths[0].isdigit() and bool(await reader.readexactly(int(lengths[0])))
    return sound and codings == ["chunked"] and await _read_chunks(reader)


async def _read_chunks(reader: asyncio.StreamReader) -> bool:
    while True:
        line = (await reader.readuntil(b"\r\n")).strip()
        if not line or set(line.lower()) - set(b"0123456789abcdef"):
            return False
        size = int(line, 16)
        if not (await reader.readexactly(size + 2)).endswith(b"\r\n"):
            return False
        if size == 0:
            return True
