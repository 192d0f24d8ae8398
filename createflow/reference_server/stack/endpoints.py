"""Where the processes of a stack listen: reserved loopback ports, Unix sockets, and whether something answers there."""

import asyncio
import json
import os
import socket
import ssl
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from createflow.schemas.error import UserError

HOST = "127.0.0.1"
_ANSWER_S = 1.0
_ROOM_BYTES = 4 * 1024 * 1024
_SOCKET_PATH_MAX_BYTES = 97
"""The kernel allows 107; HAProxy needs ten of them for temporary names."""


class Ports:
    """Reserves ports, on loopback if not told otherwise.

    A free port that is found and closed again can be taken by another program. Linux lets two sockets with SO_REUSEADDR
    bind one address as long as neither listens. So a reservation is a socket that is bound and never listens: the
    kernel gives the port to nobody else, and our child, which sets SO_REUSEADDR as all servers do, can still listen on
    it, also when it is started a second time.
    """

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def reserve(self, port: int = 0, host: str = HOST) -> int:
        """Hold ``port`` (any free one by default) until ``release``, and return its number.

        Args:
            port: the number; 0 for any.
            host: an address of this machine.

        Raises:
            UserError: another process listens there, or we may not bind it.
        """
        held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind((host, port))
        except OSError as error:
            held.close()
            raise UserError(
                f"port {port} on {host} cannot be used: {error.strerror}",
                hint="another process listens there; without --port, or a port in --listen, a free port is used",
            ) from error
        self._held.append(held)
        number: int = held.getsockname()[1]
        return number

    def release(self) -> None:
        """Give all ports back."""
        while self._held:
            self._held.pop().close()


def is_listening(port: int) -> bool:
    """Whether something accepts connections on the loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((HOST, port)) == 0


def socket_in(directory: Path, name: str) -> Path | None:
    """Return the path of a Unix socket in a directory; None if it would be too long, and TCP has to be used.

    Unix sockets are cheaper than loopback TCP, and no other user can connect.
    """
    path = directory / name
    return path if len(os.fsencode(path)) <= _SOCKET_PATH_MAX_BYTES else None


def has_room(directory: Path) -> bool:
    """Whether the disk of a directory has room for a few more writes, for users without privileges too."""
    try:
        disk = os.statvfs(directory)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize >= _ROOM_BYTES


async def answers_200(url: str, *, trust: ssl.SSLContext | None = None) -> bool:
    """Whether a GET is answered with 200; False when nothing listens yet. ``trust`` is needed for https."""
    return await status_of(url, trust=trust) == HTTPStatus.OK


async def status_of(url: str, *, trust: ssl.SSLContext | None = None) -> int | None:
    """Return the status of a GET; None when there is no answer."""
    answer = await _get(url, trust)
    return None if answer is None else answer[0]


async def missing_of(port: int) -> list[str]:
    """Return what the process on this port says that it misses; nothing when there is no answer."""
    answer = await _get(f"http://{HOST}:{port}/readyz", None)
    try:
        return [] if answer is None else list(json.loads(answer[1])["missing"])
    except (ValueError, KeyError, TypeError):
        return []


async def _get(url: str, trust: ssl.SSLContext | None) -> tuple[int, bytes] | None:
    """Status and body; None when there is no answer.

    Asked many times a second while a stack starts, and all the time of its life, beside whatever is measured. An HTTP
    client, made anew for each loop, would need five times the CPU of these few lines, which read our own servers only.
    """
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=trust)
            try:
                # 1.0: the body ends with the connection, in one piece.
                writer.write(f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
                return int(head.split(None, 2)[1]), await reader.read()
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError, ValueError, IndexError):
        return None
