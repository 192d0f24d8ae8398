"""Answers every POST with the same 201, with as little work as Python can do: what is measured is who sends.

``python quick_stub.py``: prints its port. ``GET /`` answers the number of POSTs so far. ``GET /freeze/1.5`` lets it
answer nobody for so many seconds, and is answered after them.
"""

# ruff: noqa: INP001, T201 - a script, not a module of the package
import re
import select
import socket
import time

CREATED = b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"id":"1"}'
FREEZE = re.compile(rb"GET /freeze/([\d.]+)")
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


def request_is_whole(data: bytes) -> bool:
    """Head and body are here. Nobody pipelines here, so nothing follows them."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    length = LENGTH.search(data, 0, end)
    return len(data) >= end + 4 + (int(length[1]) if length else 0)


def main() -> None:
    """Serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    ready = select.epoll()
    ready.register(listener, select.EPOLLIN)
    connections: dict[int, socket.socket] = {}
    parts: dict[int, bytes] = {}
    posts = 0
    while True:
        for descriptor, _ in ready.poll():
            if descriptor == listener.fileno():
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connections[connection.fileno()] = connection
                ready.register(connection, select.EPOLLIN)
                continue
            connection = connections[descriptor]
            try:
                data = connection.recv(65536)
            except OSError:
                data = b""
            if not data:
                parts.pop(descriptor, None)
                connections.pop(descriptor).close()
                continue
            data = parts.pop(descriptor, b"") + data
            if not request_is_whole(data):
                parts[descriptor] = data
            elif data.startswith(b"GET"):
                if freeze := FREEZE.match(data):
                    time.sleep(float(freeze[1]))
                count = str(posts).encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(count), count))
            else:
                posts += 1
                connection.sendall(CREATED)


if __name__ == "__main__":
    main()
