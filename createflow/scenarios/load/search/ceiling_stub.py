"""The quickest target there is: a bare server that answers 201 to everything, to learn what the generator can do.

``python -m createflow.scenarios.load.search.ceiling_stub`` prints its port on 127.0.0.1 and serves until its stdin is
closed, so that it ends with whoever started it. It reads HTTP/1.1 just well enough for what our generator sends:
keep-alive requests with ``Content-Length``, in pieces or several at once.
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
_MOST_BYTES = 1 << 20
"""Of one request; a larger one ends its connection."""
_READ_BYTES = 1 << 16


class Server:
    """Connections, and what of a request each has sent so far."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self._connections: dict[int, socket.socket] = {}
        self._pieces: dict[int, bytes] = {}

    def serve(self, owner: int) -> None:
        """Answer until this descriptor can be read, which is when the other end of a pipe is closed."""
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
        """Leave nothing open."""
        for connection in self._connections.values():
            connection.close()
        self._listener.close()
        self._poll.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # none waits any more, or there are no descriptors left
            while True:
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._connections[connection.fileno()] = connection
                self._poll.register(connection, select.EPOLLIN)

    def _answer(self, descriptor: int, connection: socket.socket) -> None:
        """Answer each whole request that has arrived."""
        try:
            data = connection.recv(_READ_BYTES)
            if not data:
                self._drop(descriptor)
                return
            if descriptor in self._pieces:
                data = self._pieces.pop(descriptor) + data
            count, rest = whole_requests(data)
            if count:
                # A reply is far smaller than a socket's buffer, and who asks again has read the one before.
                connection.send(REPLY * count)
            if rest:
                if len(rest) > _MOST_BYTES:
                    self._drop(descriptor)
                else:
                    self._pieces[descriptor] = rest
        except OSError:
            self._drop(descriptor)

    def _drop(self, descriptor: int) -> None:
        self._pieces.pop(descriptor, None)
        self._connections.pop(descriptor).close()


def whole_requests(data: bytes) -> tuple[int, bytes]:
    """How many whole requests the bytes begin with, and what is left of them."""
    count = start = 0
    while (head := data.find(_END, start)) >= 0:
        length = _LENGTH.search(data, start, head + 2)
        end = head + 4 + (int(length[1]) if length else 0)
        if end > len(data):
            break
        count, start = count + 1, end
    return count, data[start:]


def main() -> None:
    """Say the port, and serve."""
    gc.disable()  # nothing here makes cycles
    server = Server()
    print(server.port, flush=True)  # noqa: T201 - how the owner learns the port
    server.serve(sys.stdin.fileno())
    server.close()


if __name__ == "__main__":
    main()
