"""A minimal server that answers 201 to every request, to measure the generator ceiling.

``python -m createflow.scenarios.load.capacity.stub_server`` prints its port on 127.0.0.1 and serves until its stdin is
closed, so it ends with the process that started it. It parses only the HTTP/1.1 that the load engine sends: keep-alive
requests with ``Content-Length``, in parts or several at once.
"""

import contextlib
import gc
import re
import select
import socket
import sys

REPLY = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n" + b'{"id":"1"}'
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,7})\r\n", re.IGNORECASE)
_MAX_REQUEST_BYTES = 1 << 20
"""A larger request closes its connection."""
_READ_BYTES = 1 << 16


class StubServer:
    """The connections, and the part of a request that each has sent so far."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self._connections: dict[int, socket.socket] = {}
        self._partial: dict[int, bytes] = {}

    def serve(self, owner: int) -> None:
        """Answer requests until this descriptor is readable, which a pipe is when its other end is closed."""
        self._poll.register(owner, select.EPOLLIN)
        listener, connections, answer = self._listener.fileno(), self._connections, self._answer
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor == owner:
                    return
                if descriptor == listener:
                    self._accept()
                elif descriptor in connections:
                    answer(descriptor, connections[descriptor])

    def close(self) -> None:
        """Close all sockets."""
        for connection in self._connections.values():
            connection.close()
        self._listener.close()
        self._poll.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # no connection is waiting, or no file descriptor is left
            while True:
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._connections[connection.fileno()] = connection
                self._poll.register(connection, select.EPOLLIN)

    def _answer(self, descriptor: int, connection: socket.socket) -> None:
        """Answer each complete request that has arrived."""
        try:
            data = connection.recv(_READ_BYTES)
            if not data:
                self._drop(descriptor)
                return
            if descriptor in self._partial:
                data = self._partial.pop(descriptor) + data
            count, rest = count_requests(data)
            if count:
                # A reply fits into the socket buffer, because the client has read the one before.
                connection.send(REPLY * count)
            if rest:
                if len(rest) > _MAX_REQUEST_BYTES:
                    self._drop(descriptor)
                else:
                    self._partial[descriptor] = rest
        except OSError:
            self._drop(descriptor)

    def _drop(self, descriptor: int) -> None:
        self._partial.pop(descriptor, None)
        self._connections.pop(descriptor).close()


def count_requests(data: bytes) -> tuple[int, bytes]:
    """The number of complete requests at the start of the bytes, and the bytes after them."""
    count = start = 0
    while (head := data.find(_END, start)) >= 0:
        length = _LENGTH.search(data, start, head + 2)
        end = head + 4 + (int(length[1]) if length else 0)
        if end > len(data):
            break
        count, start = count + 1, end
    return count, data[start:]


def main() -> None:
    """Print the port, and serve."""
    gc.disable()  # nothing here makes reference cycles
    server = StubServer()
    print(server.port, flush=True)  # noqa: T201 - this is how the parent gets the port
    server.serve(sys.stdin.fileno())
    server.close()


if __name__ == "__main__":
    main()
