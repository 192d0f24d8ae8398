"""Servers that handle connections as a test defines, correctly or not, on real sockets."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n" + b'{"id":"1"}'
_PATIENCE_S = 20.0


class Peer:
    """One connection, seen from the server."""

    def __init__(self, connection: socket.socket, server: "MalformedServer") -> None:
        self.connection = connection
        self._server = server
        self._unread = b""

    def request(self) -> bytes:
        """The next whole request; empty when the client has closed."""
        while (end := self._unread.find(b"\r\n\r\n")) < 0:
            if not (more := self.connection.recv(65536)):
                return b""
            self._unread += more
        head = self._unread[:end]
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        whole = end + 4 + length
        while len(self._unread) < whole:
            if not (more := self.connection.recv(65536)):
                return b""
            self._unread += more
        request, self._unread = self._unread[:whole], self._unread[whole:]
        self._server.requests.append(request)
        return request

    def head(self) -> None:
        """Read what one call returns."""
        self.connection.recv(1000)

    def send(self, *parts: bytes) -> None:
        """Send each part in a packet of its own."""
        for part in parts:
            self.connection.sendall(part)

    def dribble(self, data: bytes, *, every_s: float) -> None:
        """Send byte by byte until the client closes."""
        for byte in data:
            self.connection.sendall(bytes([byte]))
            if self._server.over.wait(every_s):
                return

    def drain(self) -> None:
        """Read without a reply until the client closes."""
        while self.connection.recv(65536):
            pass

    def close(self) -> None:
        """Close at once."""
        self.connection.close()

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


Treatment = Callable[[Peer], None]


class MalformedServer:
    """Passes each accepted connection to a handler; the connection is closed when that returns."""

    def __init__(self, treatment: Treatment, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.requests: list[bytes] = []
        """The whole requests that came, in order."""
        self.connections = 0
        self.over = threading.Event()
        self._treatment = treatment
        self._tls = tls
        self._listener, self._reserved = _listen_alone(host)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Stop the server. All clients must be closed."""
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_PATIENCE_S)
        self._listener.close()
        self._reserved.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._treat, args=[connection])
            self._threads.append(thread)
            thread.start()

    def _treat(self, connection: socket.socket) -> None:
        connection.settimeout(_PATIENCE_S)
        # A client that goes away in the middle is what many tests are about.
        with contextlib.suppress(OSError):
            if self._tls:
                plain = connection
                try:
                    connection = self._tls.wrap_socket(plain, server_side=True)
                except OSError:
                    plain.close()
                    raise
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._treatment(Peer(connection, self))
        connection.close()


def _listen_alone(host: str) -> tuple[socket.socket, socket.socket]:
    """A listener, and its port of the other family held without listening: nobody else answers for ``localhost``."""
    families = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    (family, _), (other_family, other_host) = families[::-1] if ":" in host else families
    for _ in range(100):
        listener = socket.create_server((host, 0), family=family, backlog=512)
        reserved = socket.socket(other_family)
        try:
            reserved.bind((other_host, listener.getsockname()[1]))
        except OSError:
            reserved.close()
            listener.close()
        else:
            return listener, reserved
    raise OSError("no port is free on both loopback addresses")


def always(*parts: bytes) -> Treatment:
    """Answer every request with these parts, each in a packet of its own."""

    def treatment(peer: Peer) -> None:
        while peer.request():
            peer.send(*parts)

    return treatment


def once(*parts: bytes) -> Treatment:
    """Answer one request, then close."""

    def treatment(peer: Peer) -> None:
        if peer.request():
            peer.send(*parts)

    return treatment


@pytest.fixture
def serve() -> Iterator[Callable[..., MalformedServer]]:
    """Start a server with a treatment."""
    servers: list[MalformedServer] = []

    def start(treatment: Treatment, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> MalformedServer:
        servers.append(MalformedServer(treatment, tls=tls, host=host))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
