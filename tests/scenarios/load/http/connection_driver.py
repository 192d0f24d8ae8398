"""Runs the connections of the tests in its own process: gevent must not be imported by the tests.

``python connection_driver.py``: takes a call a line, ``[connection, method, {arguments}]`` as JSON, and answers each
with a line. ``remote_connection.py`` is the other end.
"""

import dataclasses
import json
import select
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import gevent
import gevent.event
import gevent.resolver.thread

from createflow.scenarios.load.http.connect import Endpoint
from createflow.scenarios.load.http.connection import Connection
from createflow.scenarios.load.http.deadlines import Deadlines
from createflow.scenarios.load.http.errors import ExchangeError

_PATIENCE_S = 10.0


def request_bytes(*, tag: str = "", body_bytes: int = 0) -> bytes:
    """A whole request."""
    head = f"POST /{tag} HTTP/1.1\r\nHost: test\r\nContent-Length: {body_bytes}\r\n\r\n"
    return head.encode() + b"x" * body_bytes


class Resolver(gevent.resolver.thread.Resolver):
    """The usual resolver, except for names that the tests invent."""

    known: dict[str, list[str]] = {}  # noqa: RUF012 - all connections ask the same
    asked: list[str] = []  # noqa: RUF012 - as above

    def getaddrinfo(self, host: str, *arguments: Any) -> Any:
        """The test's addresses, or the system's, or no answer forever."""
        self.asked.append(host)
        if host == "hanging.test":
            gevent.event.Event().wait()
        look_up = super().getaddrinfo
        return [found for name in self.known.get(host, [host]) for found in look_up(name, *arguments)]


class Driven:
    """One connection under test."""

    deadlines: Deadlines

    def __init__(self, *, url: str, finds: list[str] | None = None, **options: Any) -> None:
        if finds:
            Resolver.known[urlsplit(url).hostname or ""] = finds
        self.endpoint = Endpoint.from_url(url, **options)
        self.connection = Connection(self.endpoint, self.deadlines)

    def exchange(self, *, keep: bool = False, **request: Any) -> dict[str, Any]:
        """One exchange and its result."""
        return self.outcome(lambda: self.connection.exchange(request_bytes(**request), keep=keep))

    def open(self) -> dict[str, Any]:
        """Open the connection in advance."""
        return self.outcome(self.connection.open)

    def close(self) -> None:
        """Close."""
        self.connection.close()

    def outcome(self, do: Any) -> dict[str, Any]:
        """The result, how long it took, and whether a connection was opened for it."""
        began_s = time.perf_counter()
        try:
            reply = do()
        except ExchangeError as error:
            seen: dict[str, Any] = {"kind": error.kind, "maybe_sent": error.maybe_sent}
        else:
            seen = dataclasses.asdict(reply) | {"body": reply.body.decode("latin-1")} if reply else {}
        seen["took_s"] = time.perf_counter() - began_s
        seen["connect_s"], self.connection.connect_s = self.connection.connect_s, None
        return seen

    def together(self, *, count: int) -> list[dict[str, Any]]:
        """One concurrent exchange on each of ``count`` connections of this endpoint."""
        connections = [Connection(self.endpoint, self.deadlines) for _ in range(count)]

        def exchange(index: int) -> dict[str, Any]:
            connection = connections[index]
            return self.outcome(lambda: connection.exchange(request_bytes(tag=str(index))))

        jobs = [gevent.spawn(exchange, index) for index in range(count)]
        gevent.joinall(jobs, raise_error=True)
        for connection in connections:
            connection.close()
        return [job.value for job in jobs]

    def notice_close(self) -> None:
        """Run the event loop until the connection is closed."""
        with gevent.Timeout(_PATIENCE_S):
            while self.connection._is_open:
                gevent.sleep(0.001)

    def let_the_loop_run(self) -> None:
        """Run the event loop for a moment, to handle data for an idle connection."""
        for _ in range(20):
            gevent.sleep(0.001)

    def held_up_until_readable(self) -> None:
        """Block the event loop until data has arrived for the connection."""
        readable, _, _ = select.select([self.connection._socket], [], [], _PATIENCE_S)
        if not readable:
            raise TimeoutError

    def exchange_held_up_past_deadline(self) -> dict[str, Any]:
        """One exchange with a blocked event loop: the reply arrives in time and is read after the deadline."""
        job = gevent.spawn(self.exchange)
        gevent.sleep(0)
        self.held_up_until_readable()
        while time.perf_counter() < self.connection.deadline_s + 0.02:
            pass
        seen: dict[str, Any] = job.get()
        return seen

    def killed(self) -> bool:
        """Kill a greenlet during its exchange. Returns whether the connection stayed open."""
        job = gevent.spawn(self.exchange)
        gevent.sleep(0)
        job.kill()
        return self.connection._is_open

    def authority(self) -> str:
        """The value of the Host header."""
        return self.endpoint.authority

    def addresses(self) -> list[str]:
        """The addresses in the order in which the next connection tries them."""
        return [str(address[0]) for _, address in self.endpoint.addresses.resolve()]

    def look_ups(self) -> int:
        """How often the name was looked up."""
        return Resolver.asked.count(self.endpoint.host)

    def open_descriptors(self) -> int:
        """The number of open file descriptors of the driver."""
        from pathlib import Path

        return len(list(Path("/proc/self/fd").iterdir()))


def main() -> None:
    """Serve calls until there are no more."""
    gevent.get_hub().resolver = Resolver()
    Driven.deadlines = Deadlines()
    driven: dict[int, Driven] = {}
    for line in sys.stdin:
        number, method, arguments = json.loads(line)
        try:
            if method == "new":
                driven[number] = Driven(**arguments)
                answer = None
            else:
                answer = getattr(driven[number], method)(**arguments)
        except Exception as error:  # noqa: BLE001 - the test is told
            answer = {"raised": repr(error)}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
