"""An address of our own, to hear whether the target follows URLs that strangers send."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

from createflow.scenarios.target.raw_probes import Heard

_ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_FIRST_LINE_S = 2.0


def is_loopback(base_url: str) -> bool:
    """The target runs on this machine, so that it can reach what listens on loopback."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class CallbackListener:
    """Fills the role Callbacks; listens on loopback, and on a port of its own each time."""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Heard]:
        """Listen inside the block. Every request is answered 404."""
        heard = Heard("")

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # A connection alone is already more than should come.
            heard.requests.append("a connection")
            try:
                async with asyncio.timeout(_FIRST_LINE_S):
                    line = await reader.readline()
                heard.requests[-1] = line.decode("latin-1").strip() or heard.requests[-1]
                writer.write(_ANSWER)
                await writer.drain()
            except (OSError, TimeoutError, ValueError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            heard.url = f"http://127.0.0.1:{port}/{secrets.token_hex(8)}"
            yield heard
