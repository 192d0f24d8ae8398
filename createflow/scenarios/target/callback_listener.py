"""A listener of the tester, which shows whether the target requests URLs that a client sends (SSRF)."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

from createflow.scenarios.target.probes import CallbackUrl

_REPLY = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_REQUEST_LINE_S = 2.0


def is_loopback(base_url: str) -> bool:
    """The target runs on this machine, so that it can reach a listener on loopback."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class CallbackListener:
    """Fills the role Callbacks. Listens on loopback, on a new port each time."""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[CallbackUrl]:
        """Listen inside the block. Every request is answered 404."""
        callback = CallbackUrl("")

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # A connection alone is already a finding.
            callback.requests.append("a connection")
            try:
                async with asyncio.timeout(_REQUEST_LINE_S):
                    line = await reader.readline()
                callback.requests[-1] = line.decode("latin-1").strip() or callback.requests[-1]
                writer.write(_REPLY)
                await writer.drain()
            except (OSError, TimeoutError, ValueError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            callback.url = f"http://127.0.0.1:{port}/{secrets.token_hex(8)}"
            yield callback
