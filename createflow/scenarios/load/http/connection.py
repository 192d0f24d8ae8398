"""HTTP/1.1 as a load generator needs it: one connection, one request at a time, whole requests in, whole replies out.

What is left out is left out on purpose: redirects, cookies, retries, pools. A request is never sent twice.

How it is lean: a request costs one ``send`` and one ``recv``. The socket is Python's own, non-blocking; one watcher is
started when it opens and runs until it closes, so that the loop's system calls for changing what is watched are spared.
The same watcher sees it when the server closes an idle connection, at once and for nothing.
"""

import math
import socket
import ssl
from time import perf_counter
from typing import Any

import gevent
from gevent import getcurrent

from createflow.scenarios.load.http.connect import dial
from createflow.scenarios.load.http.deadlines import Overdue, Watchdog
from createflow.scenarios.load.http.endpoint import Endpoint
from createflow.scenarios.load.http.errors import (
    CLOSED_WITHOUT_REPLY,
    CONNECTION_RESET,
    STALE_CONNECTION,
    TIMEOUT,
    TRUNCATED_REPLY,
    ExchangeError,
    kind_of,
)
from createflow.scenarios.load.http.reply_parser import KeepingParser, Reply, ReplyParser
from createflow.scenarios.load.http.tcp_ack import nothing_acknowledged

_RECV_BYTES = 16 * 1024
"""No smaller: a whole TLS record must fit, since what OpenSSL keeps back does not wake us."""
_READ = 1
_WRITE = 2
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Connection:
    """The connection of one sender, opened when there is something to send, and again after it was closed."""

    __slots__ = (
        "_endpoint",
        "_fresh",
        "_greenlet",
        "_hub",
        "_is_open",
        "_parser",
        "_socket",
        "_watchdog",
        "_watcher",
        "connect_s",
        "deadline_s",
    )

    def __init__(self, endpoint: Endpoint, watchdog: Watchdog) -> None:
        self._endpoint = endpoint
        self._watchdog = watchdog
        self._hub = gevent.get_hub()
        self._is_open = False
        self._socket: socket.socket
        self._watcher: Any
        self._parser = ReplyParser()
        self._fresh = True
        """Opened by the exchange that is under way."""
        self._greenlet: Any = None
        """Who waits here for the loop; None while the connection is idle."""
        self.connect_s: float | None = None
        """How long the last opening took, TLS included; whoever has recorded it sets it to None."""
        self.deadline_s = math.inf
        watchdog.watch(self, endpoint.timeout_s)

    def open(self) -> None:
        """Connect ahead of the first request, if there is no connection.

        Raises:
            ExchangeError: it cannot be had.
        """
        if not self._is_open:
            self._greenlet = getcurrent()
            try:
                self._open(math.inf)
            finally:
                self._rest()

    def exchange(self, request: bytes, *, keep: bool = False) -> Reply:
        """Send one whole request, once, and read its whole final reply.

        Args:
            request: head and body as they go over the wire; not HEAD, whose replies end otherwise.
            keep: fill in more of the reply than its status.

        Raises:
            ExchangeError: there is no whole reply. The connection is closed.
        """
        deadline_s = perf_counter() + self._endpoint.timeout_s
        self._greenlet = getcurrent()
        self._fresh = not self._is_open
        try:
            if self._fresh:
                self._open(deadline_s)
            self.deadline_s = deadline_s
            parser = KeepingParser() if keep else self._parser
            parser.complete = False
            try:
                self._send(request, parser)
                self._read(parser, request)
            except Overdue:
                self._take_what_is_here(parser, request)
        except BaseException:
            self.close()
            raise
        finally:
            self._rest()
        if not parser.reusable:
            self.close()
        return parser.reply()

    def close(self) -> None:
        """Close what is open; the next exchange opens anew."""
        if self._is_open:
            self._is_open = False
            self._watcher.stop()
            self._watcher.close()
            self._socket.close()

    def overdue(self) -> None:
        """The watchdog says so."""
        self._greenlet.throw(Overdue)

    def _rest(self) -> None:
        self._greenlet = None
        self.deadline_s = math.inf

    def _open(self, deadline_s: float) -> None:
        began_s = perf_counter()
        until_s = min(began_s + self._endpoint.connect_timeout_s, deadline_s)
        self._socket = dial(self._endpoint, until_s=until_s, set_deadline=self._set_deadline)
        self._watcher = self._hub.loop.io(self._socket.fileno(), _READ)
        self._watcher.start(self._ready)
        self._is_open = True
        self._parser = ReplyParser()
        self.connect_s = perf_counter() - began_s

    def _set_deadline(self, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        self._watchdog.expect(deadline_s)

    def _ready(self) -> None:
        """The socket has something for us. Called in the hub."""
        if self._greenlet is not None:
            self._greenlet.switch()
            return
        try:
            self._socket.recv(_RECV_BYTES)
        except _NOT_NOW:
            return  # TLS has business of its own, such as tickets for later sessions.
        except OSError:
            pass
        # Closed, or data that nobody asked for.
        self.close()

    def _send(self, request: bytes, parser: ReplyParser) -> None:
        try:
            sent = self._socket.send(request)
        except _NOT_NOW:
            sent = 0
        except OSError as error:
            gone = isinstance(error, ssl.SSLEOFError) or kind_of(error) == CONNECTION_RESET
            kind = kind_of(error) if not gone else CONNECTION_RESET if self._fresh else STALE_CONNECTION
            # The kernel took nothing; but OpenSSL may have written a part before it failed.
            raise ExchangeError(kind, maybe_sent=self._endpoint.tls is not None) from error
        if sent < len(request):
            self._send_rest(memoryview(request)[sent:], parser, request)

    def _send_rest(self, rest: memoryview, parser: ReplyParser, request: bytes) -> None:
        """A request that is larger than the socket's buffer; the server may answer before it has read it all."""
        writable = self._hub.loop.io(self._socket.fileno(), _WRITE)
        writable.start(self._ready)
        try:
            while rest and not parser.complete:
                try:
                    rest = rest[self._socket.send(rest) :]
                except _NOT_NOW:
                    self._hub.switch()
                    self._receive(parser, request)
        except OSError:
            pass  # What the server said before, or how it ended, is there to be read.
        finally:
            writable.stop()
            writable.close()
        if rest:
            self._read(parser, request)
            parser.reusable = False

    def _read(self, parser: ReplyParser, request: bytes) -> None:
        while not parser.complete:
            self._hub.switch()
            self._receive(parser, request)

    def _receive(self, parser: ReplyParser, request: bytes) -> None:
        try:
            data = self._socket.recv(_RECV_BYTES)
        except _NOT_NOW:
            return
        except OSError as error:
            raise ExchangeError(kind_of(error), maybe_sent=True) from error
        if data:
            parser.feed(data)
        elif parser.read_bytes:
            if not parser.end():
                raise ExchangeError(TRUNCATED_REPLY, maybe_sent=True)
        else:
            stale = not self._fresh and nothing_acknowledged(self._socket, len(request))
            raise ExchangeError(STALE_CONNECTION if stale else CLOSED_WITHOUT_REPLY, maybe_sent=True)

    def _take_what_is_here(self, parser: ReplyParser, request: bytes) -> None:
        """If this process itself was held up, a reply may have come in time and wait to be read: then it counts."""
        before = -1
        while not parser.complete and parser.read_bytes != before:
            before = parser.read_bytes
            self._receive(parser, request)
        if not parser.complete:
            raise ExchangeError(TIMEOUT, maybe_sent=True)
        parser.reusable = False  # The request may not have left as a whole.
