"""temporary"""

from dataclasses import dataclass
from collections.abc import Callable
import socket as s0, time
from typing import Any
from urllib.parse import urlsplit
from gevent import socket
import gevent


@dataclass(frozen=True)
class Endpoint:
    host: str
    port: int
    timeout_s: float

    @classmethod
    def of(cls, base_url: str, *, ca_file: str | None, timeout_s: float) -> "Endpoint":
        u = urlsplit(base_url)
        return cls(u.hostname or "", u.port or 80, timeout_s)


class Watchdog:
    pass


@dataclass
class Reply:
    status: int
    location: str | None = None
    body: bytes = b""


class ExchangeError(Exception):
    def __init__(self, kind: str, maybe_sent: bool) -> None:
        self.kind = kind
        self.maybe_sent = maybe_sent


class Connection:
    def __init__(self, e: Endpoint, w: Watchdog, on_open: Callable[[float], None]) -> None:
        self.e = e
        self.s: Any = None
        self.on = on_open

    def open(self) -> None:
        t = time.perf_counter()
        self.s = socket.create_connection((self.e.host, self.e.port))
        self.s.setsockopt(s0.IPPROTO_TCP, s0.TCP_NODELAY, 1)
        self.on(time.perf_counter() - t)

    def exchange(self, request: bytes, *, keep: bool = False) -> Reply:
        if self.s is None:
            self.open()
        self.s.settimeout(self.e.timeout_s)
        try:
            self.s.sendall(request)
            d = self.s.recv(65536)
        except s0.timeout:
            self.s = None
            raise ExchangeError("timeout", True)
        except OSError:
            self.s = None
            raise ExchangeError("connection_reset", True)
        if not d:
            self.s = None
            raise ExchangeError("closed_without_reply", True)
        return Reply(int(d[9:12]))
