"""A listener that must never be spoken to, and a target that names it in its replies."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.scenarios.malformed_server import reply

LOCATIONS = {
    "another port": "http://127.0.0.1:{port}/api/resources/{id}",
    "another host": "http://localhost:{port}/api/resources/{id}",
    "another scheme": "https://127.0.0.1:{port}/api/resources/{id}",
    "no scheme": "//127.0.0.1:{port}/api/resources/{id}",
    "userinfo": "http://{own}@127.0.0.1:{port}/api/resources/{id}",
    "a backslash": "http:\\\\127.0.0.1:{port}\\api\\resources\\{id}",
    "upper case": "HTTP://LOCALHOST:{port}/api/resources/{id}",
    "an IPv4 address as a number": "http://2130706433:{port}/api/resources/{id}",
}


@asynccontextmanager
async def stranger() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A listener that notes every connection, and what comes over it."""
    received: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(4096))
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], received


class Resources:
    """A small target that answers as its ``answer`` says, and keeps the DELETE requests that it gets."""

    def __init__(self, location: Callable[[str], str]) -> None:
        self._location = location
        self._rows: dict[str, bytes] = {}
        self.deleted: list[str] = []

    def answer(self, request: bytes) -> bytes:
        """The reply to one request."""
        method, path, _ = request.split(b" ", 2)
        body = request.partition(b"\r\n\r\n")[2]
        resource_id = path.rpartition(b"/")[2].decode("latin-1")
        if method == b"POST":
            try:
                document = json.loads(body)
            except ValueError:
                return reply("400 Bad Request")
            if not isinstance(document, dict) or "name" not in document:
                return reply("400 Bad Request")
            resource_id = str(len(self._rows) + 1)
            self._rows[resource_id] = json.dumps({"id": resource_id, **document}).encode()
            headers = f"location: {self._location(resource_id)}\r\n"
            return reply("201 Created", self._rows[resource_id], headers=headers)
        if method == b"DELETE":
            self.deleted.append(resource_id)
            return reply("204 No Content", b"")
        found = self._rows.get(resource_id)
        return reply("404 Not Found") if found is None else reply("200 OK", found)
