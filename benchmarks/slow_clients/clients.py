"""The clients: one thread and one selector for each kind."""

import contextlib
import heapq
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Self

from benchmarks.slow_clients.kinds import Behaviour, Drip, behaviours

OPENING_MAX = 64
"""Handshakes at a time."""


@dataclass(slots=True)
class Figures:
    """What happened to the connections."""

    opened: int = 0
    closed: int = 0
    """By the balancer."""
    refused: int = 0
    """Closed before the handshake was done."""
    held: int = 0
    """Open now."""
    most: int = 0
    sent_bytes: int = 0


class _Connection:
    """One slow client."""

    __slots__ = ("drip", "is_open", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.is_open = False
        self.drip: Drip = None


@dataclass
class SlowClients:
    """Keeps connections of one kind open, as a context manager.

    Args:
        address: of the balancer.
        behaviour: of each.
        wanted: how many.
        per_s: how many may be opened a second.
        source: address that they come from.
    """

    address: tuple[str, int]
    behaviour: Behaviour
    wanted: int
    per_s: float = 500.0
    source: str = "127.0.0.2"
    figures: Figures = field(default_factory=Figures)

    def __enter__(self) -> Self:
        self._selector = selectors.DefaultSelector()
        self._all: set[_Connection] = set()
        self._due: list[tuple[float, int, _Connection]] = []
        self._number = count()
        self._opening = 0
        self._over = threading.Event()
        self._context = ssl.create_default_context()
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self._context.set_alpn_protocols([self.behaviour.alpn])
        self.enough = threading.Event()
        """Set when there were as many as wanted at one time."""
        self._thread = threading.Thread(target=self._run, name="slow clients")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for connection in self._all:
            connection.sock.close()
        self._selector.close()

    def _run(self) -> None:
        allowed, before = 0.0, time.monotonic()
        while not self._over.is_set():
            now = time.monotonic()
            allowed, before = min(allowed + (now - before) * self.per_s, self.per_s), now
            while allowed >= 1 and len(self._all) < self.wanted and self._opening < OPENING_MAX:
                allowed -= 1
                self._open()
            for key, _ in self._selector.select(0.01):
                self._serve(key.data)
            while self._due and self._due[0][0] <= time.monotonic():
                self._send_more(heapq.heappop(self._due)[2])
            self.figures.held = len(self._all) - self._opening
            self.figures.most = max(self.figures.most, self.figures.held)
            if self.figures.held >= self.wanted:
                self.enough.set()

    def _open(self) -> None:
        raw = socket.socket()
        raw.setblocking(False)
        if not self.behaviour.reads:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        raw.bind((self.source, 0))
        with contextlib.suppress(BlockingIOError):
            raw.connect(self.address)
        connection = _Connection(raw)
        self._all.add(connection)
        self._opening += 1
        self._selector.register(raw, selectors.EVENT_WRITE, connection)

    def _serve(self, connection: _Connection) -> None:
        try:
            if connection.is_open:
                self._read(connection)
            elif not self.behaviour.handshake:
                connection.sock.getpeername()  # an error if it is not connected
                self._is_open(connection)
            else:
                self._shake_hands(connection)
        except (OSError, ssl.SSLError):
            self._lose(connection)

    def _shake_hands(self, connection: _Connection) -> None:
        if not isinstance(connection.sock, ssl.SSLSocket):
            self._selector.unregister(connection.sock)
            connection.sock = self._context.wrap_socket(
                connection.sock, server_hostname="localhost", do_handshake_on_connect=False
            )
            self._selector.register(connection.sock, selectors.EVENT_WRITE, connection)
        assert isinstance(connection.sock, ssl.SSLSocket)  # noqa: S101 - for the type checker
        try:
            connection.sock.do_handshake()
        except ssl.SSLWantReadError:
            self._selector.modify(connection.sock, selectors.EVENT_READ, connection)
        except ssl.SSLWantWriteError:
            self._selector.modify(connection.sock, selectors.EVENT_WRITE, connection)
        else:
            self._is_open(connection)

    def _is_open(self, connection: _Connection) -> None:
        connection.is_open = True
        self._opening -= 1
        self.figures.opened += 1
        if self.behaviour.reads:
            self._selector.modify(connection.sock, selectors.EVENT_READ, connection)
        else:
            self._selector.unregister(connection.sock)
        self._send(connection, self.behaviour.opening)
        if self.behaviour.drip is not None:
            connection.drip = self.behaviour.drip()
            self._send_more(connection)
        elif not self.behaviour.reads:
            self._plan(connection)

    def _read(self, connection: _Connection) -> None:
        try:
            if not connection.sock.recv(65536):
                self._lose(connection)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass

    def _send_more(self, connection: _Connection) -> None:
        if connection not in self._all:
            return
        try:
            if connection.drip is not None:
                self._send(connection, connection.drip())
            elif _is_gone(connection.sock):
                self._lose(connection)
                return
        except OSError:
            self._lose(connection)
            return
        self._plan(connection)

    def _plan(self, connection: _Connection) -> None:
        heapq.heappush(self._due, (time.monotonic() + self.behaviour.every_s, next(self._number), connection))

    def _send(self, connection: _Connection, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self.figures.sent_bytes += connection.sock.send(data)

    def _lose(self, connection: _Connection) -> None:
        if connection.is_open:
            self.figures.closed += 1
        else:
            self._opening -= 1
            self.figures.refused += 1
        self._all.discard(connection)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection.sock)
        connection.sock.close()


def _is_gone(sock: socket.socket) -> bool:
    """Whether the other side has closed or reset; TCP_INFO's first byte is the state, 1 is established."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1


@contextmanager
def beside(
    address: tuple[str, int], counts: dict[str, int], token: str, *, per_s: float
) -> Iterator[list[SlowClients]]:
    """Hold these connections while the block runs, each kind from an address of its own."""
    known = behaviours(token)
    with contextlib.ExitStack() as scope:
        yield [
            scope.enter_context(SlowClients(address, known[kind], wanted, per_s, source=f"127.0.0.{number}"))
            for number, (kind, wanted) in enumerate(counts.items(), start=2)
        ]
