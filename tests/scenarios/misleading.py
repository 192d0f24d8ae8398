"""A target that misleads in one way, and listeners beside it that must never be spoken to.

It runs in a thread of its own, so that whole commands can be tried in this process.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle

from tests.scenarios.malformed_server import reply
from tests.scenarios.stranger import LOCATIONS

ADDRESSES = LOCATIONS | {
    "another host, the same port": "http://127.0.0.2:{own_port}/api/resources/{id}",
    "another scheme, the same port": "https://127.0.0.1:{own_port}/api/resources/{id}",
}
"""Where a text may lead: each differs from the target in scheme, host or port, or is hard to read."""
REDIRECTS = ("301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect")
TARGET_SOURCES = (
    "Location",
    "redirect of a create",
    "redirect of the rest",
    "other fields",
    "link in the body",
    "captured variable",
    "redirect of the token endpoint",
    "redirect of the search index",
)
"""What the target itself can say."""
DOCUMENT = b'{"openapi": "3.1.0", "paths": {"/things": {"post": {"responses": {"201": {"description": "made"}}}}}}'
_PATIENCE_S = 30.0
_TRIES = 20
_MOST_ROWS = 400
"""Then creates are refused, so that a search for the highest rate ends soon."""


class Misleading:
    """The target, its token endpoint and its search index. It misleads in the way that its source names.

    Attributes:
        port: of the target.
        elsewhere: the port of a stranger.
        misled: how often it has sent somebody elsewhere.
        received: what strangers received, and what the target received that was not meant for it.
        deleted: the ids of the DELETE requests.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._addresses = cycle(ADDRESSES.values())
        self._redirects = cycle(REDIRECTS)
        self._rows: dict[str, bytes] = {}
        self.port = self.elsewhere = self.misled = 0
        self.received: list[bytes] = []
        self.deleted: list[str] = []

    @property
    def url(self) -> str:
        """The base URL of the target."""
        return f"http://127.0.0.1:{self.port}"

    def address(self, resource_id: str = "1") -> str:
        """The next address that is not the target's."""
        return next(self._addresses).format(port=self.elsewhere, own_port=self.port, own="me", id=resource_id)

    def answer(self, request: bytes) -> bytes:
        """The reply to one request."""
        method, path, _ = request.decode("latin-1").split(" ", 2)
        for start, reply_to in {
            "/token": self._token,
            "/openapi.json": self._document,
            "/tenants": self._tenant,
            "/things": self._search,
        }.items():
            if path.startswith(start):
                return reply_to()
        if path == "/":
            return self._search()
        if b"\r\nauthorization: " not in request.lower():
            return reply("401 Unauthorized", headers="www-authenticate: Bearer\r\n")
        if method == "POST":
            return self._redirect("a create") or self._created(request.partition(b"\r\n\r\n")[2])
        resource_id = path.rpartition("/")[2]
        if method == "DELETE":
            self.deleted.append(resource_id)
            return self._redirect("the rest") or reply("204 No Content", b"")
        return self._redirect("the rest") or self._read(resource_id)

    def _token(self) -> bytes:
        token = b'{"access_token": "a-token-that-must-not-leak", "token_type": "Bearer"}'
        return self._redirect("the token endpoint") or reply("200 OK", token)

    def _document(self) -> bytes:
        return self._redirect("the rest") or reply("200 OK", DOCUMENT, headers=self._fields())

    def _tenant(self) -> bytes:
        name = self._mislead() if self._is("captured") else "a"
        return reply("201 Created", json.dumps({"name": name}).encode())

    def _search(self) -> bytes:
        return self._redirect("the search index") or reply("200 OK")

    def _read(self, resource_id: str) -> bytes:
        found = self._rows.get(resource_id)
        return reply("404 Not Found") if found is None else reply("200 OK", found, headers=self._fields())

    def _created(self, body: bytes) -> bytes:
        if len(self._rows) == _MOST_ROWS:
            return reply("503 Service Unavailable")
        try:
            sent = dict(json.loads(body))
        except (ValueError, TypeError):
            return reply("400 Bad Request")
        resource_id = f"r{len(self._rows) + 1}"
        row = {"id": resource_id, **sent}
        location = f"/api/resources/{resource_id}"
        if self._is("link in the body"):
            row["self"] = self._mislead(resource_id)
        self._rows[resource_id] = json.dumps(row).encode()
        if self._is("Location") and len(self._rows) % 3:
            location = self._mislead(resource_id)
        headers = "" if self._is("link in the body") else f"location: {location}\r\n"
        return reply("201 Created", self._rows[resource_id], headers=headers + self._fields())

    def _fields(self) -> str:
        """Fields by which a browser or a crawler would go elsewhere."""
        if not self._is("other fields"):
            return ""
        url = self._mislead()
        return (
            f"content-location: {url}\r\nrefresh: 0; url={url}\r\nlink: <{url}>; rel=self, <{url}>; rel=preload\r\n"
            f'alt-svc: h2="127.0.0.1:{self.elsewhere}"; ma=3600\r\nset-cookie: a=b; Domain=127.0.0.2\r\n'
            f'report-to: {{"endpoints": [{{"url": "{url}"}}]}}\r\n'
        )

    def _redirect(self, what: str) -> bytes:
        if not self._is(f"redirect of {what}"):
            return b""
        return reply(next(self._redirects), b"", headers=f"location: {self._mislead()}\r\n")

    def _is(self, source: str) -> bool:
        return self._source.startswith(source)

    def _mislead(self, resource_id: str = "1") -> str:
        self.misled += 1
        return self.address(resource_id)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.read(1):
                if not head.isalpha():
                    self.received.append(b"no HTTP at the port of the target: " + head + await reader.read(99))
                    return
                head += await reader.readuntil(b"\r\n\r\n")
                lines = head.lower().split(b"\r\n")
                if f"host: 127.0.0.1:{self.port}".encode() not in lines:
                    self.received.append(b"another host at the port of the target: " + head)
                lengths = [int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")]
                body = await reader.readexactly(lengths[0]) if lengths else b""
                writer.write(self.answer(head + body))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return
        finally:
            writer.close()

    async def note(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Note a connection to a stranger, and what comes over it."""
        self.received.append(b"a stranger: " + await reader.read(4096))
        writer.close()


@contextmanager
def misleading(source: str) -> Iterator[Misleading]:
    """Serve it, with a stranger at another port and one at the same port of another address."""
    target = Misleading(source)
    ready, end = threading.Event(), threading.Event()

    async def serve() -> None:
        async with await asyncio.start_server(target.note, "127.0.0.1", 0) as stranger:
            target.elsewhere = stranger.sockets[0].getsockname()[1]
            for _ in range(_TRIES):
                # The kernel gives a port that is free at the one address; at the other it may be taken.
                own = await asyncio.start_server(target.serve, "127.0.0.1", 0)
                target.port = own.sockets[0].getsockname()[1]
                with suppress(OSError):
                    async with own, await asyncio.start_server(target.note, "127.0.0.2", target.port):
                        ready.set()
                        await asyncio.to_thread(end.wait)
                    return

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(_PATIENCE_S)
        yield target
    finally:
        end.set()
        thread.join(_PATIENCE_S)
