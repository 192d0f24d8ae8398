"""A small HTTP/1.1 server in its own process, with known behaviour to compare measurements with.

``python stub_server.py MODE``: prints its port, then ``MODE`` says how it treats each request: ``fast`` (201 at once),
``delay:SECONDS``, ``close`` (reads the request, closes), ``refuse:N`` (every N-th request gets 503 at once), ``hang``,
``silent:N`` (every N-th request is never answered, the others after 20 ms),
``unauthorized``, ``known`` (of a hundred, 95 after 50 ms, 4 after 104.9 ms, 1 after 400 ms), ``awakening:SECONDS``
(slow for so long after the first request, then fast), ``capacity:N`` (N a second, one after the other; the rest wait),
``keep:N`` (keeps what it creates under an id of its own, but every N-th create only says so; without N it keeps all),
``limit:N`` (N a second, more get 429 at once), ``mute:N`` (answers N of them, then nothing any more),
``nameless:N`` (every N-th create gets a 200 with neither a Location nor an id).
``GET /seen`` answers what it saw: the number of POSTs, and how many bodies were unlike all others. ``GET /arrivals``
answers when each POST came, and ``GET /took`` how long the replies of ``silent`` and ``known`` took.
"""

import asyncio
import json
import sys
import time

CREATED = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n" + b'{"id":"1"}'
LIMITED = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
NAMELESS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Stub(asyncio.Protocol):
    """One connection."""

    mode = "fast"
    argument = 0.0
    posts = 0
    bodies: set[bytes] = set()  # noqa: RUF012 - shared by all connections, that is its purpose
    subjects: set[bytes] = set()  # noqa: RUF012 - as above
    arrivals: list[float] = []  # noqa: RUF012 - as above
    took: list[float] = []  # noqa: RUF012 - as above
    free_at = 0.0
    tokens = (0.0, 0.0)
    kept: dict[bytes, bytes] = {}  # noqa: RUF012 - as above

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start with nothing read."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            lines = (line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
            fields = {name.lower(): value for name, value in lines}
            length = int(fields.get(b"content-length", b"0"))
            if len(self.buffer) < end + 4 + length:
                return
            body = self.buffer[end + 4 : end + 4 + length]
            self.buffer = self.buffer[end + 4 + length :]
            if head.startswith((b"GET /arrivals", b"GET /took")):
                self.tell(Stub.arrivals if head.startswith(b"GET /a") else Stub.took)
            elif head.startswith(b"GET") and self.mode == "keep":
                self.show(head.split()[1])
            elif self.is_mute():
                pass
            elif head.startswith(b"GET"):
                self.tell({"posts": Stub.posts, "bodies": len(Stub.bodies), "subjects": len(Stub.subjects)})
            else:
                self.answer(fields, body, preflight=head.startswith(b"POST") and b'"name":"warm ' in body)

    def answer(self, fields: dict[bytes, bytes], body: bytes, *, preflight: bool) -> None:
        """Answer one POST as the mode says. The preflight is always answered normally."""
        if preflight and self.mode not in {"unauthorized", "keep"}:
            self.transport.write(CREATED)
            return
        Stub.posts += 1
        Stub.arrivals.append(time.monotonic())
        Stub.bodies.add(body)
        Stub.subjects.add(fields.get(b"authorization", b""))
        if (reply := self.at_once()) is not None:
            self.transport.write(reply)
        elif self.mode == "known":
            asyncio.get_running_loop().call_later(self.later(), self.answer_late, time.monotonic())
        elif self.mode in {"delay", "awakening", "capacity"}:
            asyncio.get_running_loop().call_later(self.later(), self.transport.write, CREATED)
        elif self.mode == "timed":
            self.answer_timed(slow=Stub.posts % int(self.argument) == 0)
        elif self.mode == "silent" and Stub.posts % int(self.argument):
            asyncio.get_running_loop().call_later(0.02, self.answer_late, time.monotonic())
        elif self.mode == "keep":
            self.keep(body)
        elif self.mode == "close":
            self.transport.close()

    def answer_timed(self, *, slow: bool) -> None:
        """Say how long the parts of the work took, and let every n-th create wait for one of them."""
        took_s = 0.1 if slow else 0.0
        timing = b'Server-Timing: auth;dur=0.1\r\nserver-timing: commit;desc="a, b";dur=%d, cache\r\n' % (took_s * 1000)
        reply = CREATED.replace(b"\r\n\r\n", b"\r\n" + timing + b"\r\n", 1)
        asyncio.get_running_loop().call_later(took_s, self.transport.write, reply)

    def answer_late(self, came_at: float) -> None:
        """Answer, and note how long that took in truth."""
        self.transport.write(CREATED)
        Stub.took.append(time.monotonic() - came_at)

    def at_once(self) -> bytes | None:
        """What is answered at once, in modes that do."""
        is_nth = self.mode in {"nameless", "refuse"} and Stub.posts % int(self.argument) == 0
        replies = {
            "fast": CREATED,
            "mute": None if self.is_mute() else CREATED,
            "nameless": NAMELESS if is_nth else CREATED,
            "refuse": REFUSED if is_nth else CREATED,
            "unauthorized": b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        }
        if self.mode == "limit":
            return CREATED if self.take() else LIMITED
        return replies.get(self.mode)

    def keep(self, body: bytes) -> None:
        """Create a resource, unless it is one of those that are forgotten."""
        path = b"/api/resources/%d" % Stub.posts
        shown = json.dumps({**json.loads(body), "id": str(Stub.posts)}).encode()
        if not self.argument or Stub.posts % int(self.argument):
            Stub.kept[path] = shown
        head = b"HTTP/1.1 201 Created\r\nLocation: %b\r\nContent-Type: application/json\r\n" % path
        self.transport.write(head + b"Content-Length: %d\r\n\r\n" % len(shown) + shown)

    def show(self, path: bytes) -> None:
        """Answer a read."""
        if (shown := Stub.kept.get(path)) is None:
            self.transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        else:
            self.tell(json.loads(shown))

    def take(self) -> bool:
        """A token of a bucket that holds those of a tenth of a second."""
        count, at = Stub.tokens
        now = time.monotonic()
        count = min(self.argument / 10, count + (now - at) * self.argument)
        Stub.tokens = (count - 1, now) if count >= 1 else (count, now)
        return count >= 1

    def is_mute(self) -> bool:
        """Whether nothing is answered any more."""
        return self.mode == "mute" and Stub.posts > self.argument

    def later(self) -> float:
        """How long this request takes, for modes in which that changes."""
        if self.mode == "known":
            place = Stub.posts % 100
            return 0.4 if place == 50 else 0.1049 if place % 25 == 10 else 0.05
        if self.mode == "awakening":
            return 0.3 if time.monotonic() < Stub.arrivals[0] + self.argument else 0.0
        if self.mode == "capacity":
            now = time.monotonic()
            Stub.free_at = max(Stub.free_at, now) + 1 / self.argument
            return Stub.free_at - now
        return self.argument

    def tell(self, document: object) -> None:
        """Say what was seen."""
        text = json.dumps(document).encode()
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)


async def serve(mode: str) -> None:
    """Serve until killed."""
    Stub.mode, _, argument = mode.partition(":")
    Stub.argument = float(argument or 0)
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - how the test learns the port
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
