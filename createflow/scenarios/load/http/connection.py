"""The HTTP/1.1 connection of a load generator: one request at a time, whole requests in, whole replies out.

It has no redirects, cookies, retries or pools, on purpose. A request is never sent twice here; whoever sends it may do
so once more when a reused connection ended before any byte of the reply.

A request costs one ``send`` and one ``recv``. The socket is Python's own and non-blocking. One watcher is started when
the connection opens and runs until it closes, which saves the event loop's system calls for changing what is watched.
The same watcher also notices at once when the server closes an idle connection.
"""

import math
import socket
import ssl
import struct
from time import perf_counter
from typing import Any

import gevent
from gevent import getcurrent

from createflow.scenarios.load.http.connect import Endpoint, connect
from createflow.scenarios.load.http.deadlines import DeadlinePassed, Deadlines
from createflow.scenarios.load.http.errors import (
    CLOSED_WITHOUT_REPLY,
    CONNECTION_RESET,
    STALE_CONNECTION,
    TIMEOUT,
    TRUNCATED_REPLY,
    ExchangeError,
    classify_error,
)
from createflow.scenarios.load.http.reply_parser import KeepingParser, Reply, ReplyParser

_RECV_BYTES = 16 * 1024
"""A whole TLS record must fit: bytes that OpenSSL has buffered do not wake the event loop."""
_READ = 1
_WRITE = 2
_TCP_INFO_BYTES = 256
_ACKED = struct.Struct("=120xQ")
_SENT_AND_RESENT = struct.Struct("=200xQQ")
_ENDED = frozenset({STALE_CONNECTION, CLOSED_WITHOUT_REPLY, CONNECTION_RESET})
_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Connection:
    """The connection of one sender. It opens with the first request, and again after it was closed."""

    __slots__ = (
        "_deadlines",
        "_endpoint",
        "_fresh",
        "_greenlet",
        "_has_replied",
        "_hub",
        "_is_open",
        "_last_parser",
        "_parser",
        "_socket",
        "_watcher",
        "connect_s",
        "deadline_s",
        "first_byte_s",
    )

    def __init__(self, endpoint: Endpoint, deadlines: Deadlines) -> None:
        self._endpoint = endpoint
        self._deadlines = deadlines
        self._hub = gevent.get_hub()
        self._is_open = False
        self._has_replied = False
        """The open connection has carried a whole exchange."""
        self._socket: socket.socket
        self._watcher: Any
        self._last_parser = self._parser = ReplyParser()
        self._fresh = True
        """The current exchange opened the connection."""
        self._greenlet: Any = None
        """The greenlet that waits for the event loop; None while the connection is idle."""
        self.connect_s: float | None = None
        """How long opening took, TLS included. The caller that records it sets it to None."""
        self.first_byte_s = 0.0
        """When the first part of the last reply came, on ``perf_counter``; 0 if the reply came as a whole."""
        self.deadline_s = math.inf
        deadlines.watch(self, endpoint.timeout_s)

    def open(self) -> None:
        """Connect before the first request. Does nothing if the connection is open.

        Raises:
            ExchangeError: no connection could be opened.
        """
        if not self._is_open:
            self._greenlet = getcurrent()
            try:
                self._open(math.inf)
            finally:
                self._set_idle()

    def exchange(self, request: bytes, *, keep: bool = False) -> Reply:
        """Send one whole request, once, and read its whole final reply.

        Args:
            request: head and body as bytes. HEAD is not supported, because its replies have no body.
            keep: fill in Location, ETag and body of the reply, not only its status.

        Raises:
            ExchangeError: there is no whole reply. The connection is closed.
        """
        deadline_s = perf_counter() + self._endpoint.timeout_s
        self._greenlet = getcurrent()
        self._fresh = not self._is_open
        self.first_byte_s = 0.0
        parser: ReplyParser = KeepingParser() if keep else self._parser
        try:
            if self._fresh:
                self._open(deadline_s)
                parser = parser if keep else self._parser
            self.deadline_s = deadline_s
            parser.complete = False
            try:
                self._send(request, parser)
                self._read(parser, request)
            except DeadlinePassed:
                self._read_available(parser, request)
        except ExchangeError as error:
            is_over = error.kind in _ENDED and not parser.read_bytes
            error.ended_reuse = is_over and not self._fresh and (self._has_replied or error.is_unseen)
            self.close()
            raise
        except BaseException:
            self.close()
            raise
        finally:
            self._set_idle()
        self._has_replied = True
        self._last_parser = parser
        if not parser.reusable:
            self.close()
        return parser.reply()

    @property
    def received(self) -> bytes:
        """What was received of the last reply; see ``ReplyParser.received``."""
        return self._last_parser.received

    def close(self) -> None:
        """Close the connection, if it is open. The next exchange opens it again."""
        if self._is_open:
            self._is_open = False
            self._watcher.stop()
            self._watcher.close()
            self._socket.close()

    def on_deadline(self) -> None:
        """Throw ``DeadlinePassed`` into the waiting greenlet. Called in the hub."""
        self._greenlet.throw(DeadlinePassed)

    def _set_idle(self) -> None:
        self._greenlet = None
        self.deadline_s = math.inf

    def _open(self, deadline_s: float) -> None:
        began_s = perf_counter()
        until_s = min(began_s + self._endpoint.connect_timeout_s, deadline_s)
        self._socket = connect(self._endpoint, until_s=until_s, set_deadline=self._set_deadline)
        self._watcher = self._hub.loop.io(self._socket.fileno(), _READ)
        self._watcher.start(self._ready)
        self._is_open = True
        self._has_replied = False
        self._parser = ReplyParser()
        self.connect_s = perf_counter() - began_s

    def _set_deadline(self, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        self._deadlines.check_by(deadline_s)

    def _ready(self) -> None:
        """The socket is readable or writable. Called in the hub."""
        if self._greenlet is not None:
            self._greenlet.switch()
            return
        try:
            self._socket.recv(_RECV_BYTES)
        except _WOULD_BLOCK:
            return  # A TLS message without data, such as a session ticket.
        except OSError:
            pass
        # The server closed the connection, or sent data without a request.
        self.close()

    def _send(self, request: bytes, parser: ReplyParser) -> None:
        try:
            sent = self._socket.send(request)
        except _WOULD_BLOCK:
            sent = 0
        except OSError as error:
            gone = isinstance(error, ssl.SSLEOFError) or classify_error(error) == CONNECTION_RESET
            kind = classify_error(error) if not gone else CONNECTION_RESET if self._fresh else STALE_CONNECTION
            # The kernel took nothing, but OpenSSL may have written part of the request before it failed.
            raise ExchangeError(kind, maybe_sent=self._endpoint.tls is not None) from error
        if sent < len(request):
            self._send_rest(memoryview(request)[sent:], parser, request)

    def _send_rest(self, rest: memoryview, parser: ReplyParser, request: bytes) -> None:
        """Send the rest of a request larger than the socket buffer. The server may reply before it has read it all."""
        writable = self._hub.loop.io(self._socket.fileno(), _WRITE)
        writable.start(self._ready)
        try:
            while rest and not parser.complete:
                try:
                    rest = rest[self._socket.send(rest) :]
                except _WOULD_BLOCK:
                    self._hub.switch()
                    self._receive(parser, request)
        except OSError:
            pass  # The reply, or how the connection ended, can still be read.
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
        except _WOULD_BLOCK:
            return
        except OSError as error:
            raise ExchangeError(classify_error(error), maybe_sent=True) from error
        if data:
            if not parser.feed(data) and not self.first_byte_s:
                self.first_byte_s = perf_counter()
        elif parser.read_bytes:
            if not parser.end():
                raise ExchangeError(TRUNCATED_REPLY, maybe_sent=True)
        else:
            stale = not self._fresh and is_unacknowledged(self._socket, len(request))
            raise ExchangeError(STALE_CONNECTION if stale else CLOSED_WITHOUT_REPLY, maybe_sent=True)

    def _read_available(self, parser: ReplyParser, request: bytes) -> None:
        """Read what has arrived: if this process was delayed, the reply may have come in time, and then it counts."""
        before = -1
        while not parser.complete and parser.read_bytes != before:
            before = parser.read_bytes
            self._receive(parser, request)
        if not parser.complete:
            raise ExchangeError(TIMEOUT, maybe_sent=True)
        parser.reusable = False  # The request may not have been sent completely.


def is_unacknowledged(connection: socket.socket, length_bytes: int) -> bool:
    """Whether the peer's TCP has acknowledged none of the last ``length_bytes`` that were sent.

    If the peer's FIN has arrived too, this proves that the peer had closed the connection before these bytes came: a
    later FIN would acknowledge them. False also when the kernel does not say (``struct tcp_info``, Linux before 4.19).
    """
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    if len(info) < _SENT_AND_RESENT.size:
        return False
    (acked,) = _ACKED.unpack_from(info)
    sent, resent = _SENT_AND_RESENT.unpack_from(info)
    syn = 1
    return bool(sent - resent - acked + syn >= length_bytes)
