"""Parses the replies on a connection.

httptools, which is llhttp, needs 0.4 us for a reply of 90 bytes and 0.6 us for one of 600 bytes. The parser of
geventhttpclient, llhttp too, needs 2.2 to 4.8 us, because its callbacks for each field cannot be left out.
"""

import functools
from dataclasses import dataclass
from typing import NoReturn

import httptools

from createflow.scenarios.load.http.errors import BROKEN_REPLY, REPLY_TOO_LARGE, ExchangeError

MAX_HEAD_BYTES = 64 * 1024
"""The head of a reply, with all interim replies before it."""
MAX_REPLY_BYTES = 8 * 1024 * 1024
"""A whole reply as it is received: head, chunk sizes, body and trailer."""
MAX_FIELDS = 256
"""Fields of a head that is kept, with those of the interim replies before it."""
MAX_CHUNKS = 16 * 1024
"""Chunks of a body that is kept."""
MAX_RECEIVED_BYTES = 64 * 1024
"""Of a reply in parts that is kept for a later look: at least its head."""
MAX_INTERIM_REPLIES = 16
"""Replies with a status 1xx before the final one."""
_VERSIONS = frozenset({"1.1", "1.0"})
_STATUSES = range(200, 600)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole final reply. Only ``KeepingParser`` fills in more than the status."""

    status: int
    location: str | None = None
    """None also if the reply has several Locations that differ: none of them is more right than the others."""
    etag: str | None = None
    body: bytes = b""


_bare = functools.cache(Reply)
"""Replies with nothing but a status are shared objects."""


class ReplyParser:
    """Finds the end of each reply and its status, and builds nothing else.

    Set ``complete`` to False before each reply. A parser that has raised cannot be used again.
    """

    __slots__ = (
        "_head",
        "_head_is_whole",
        "_in_head",
        "_interim",
        "_parser",
        "_too_large",
        "complete",
        "read_bytes",
        "received",
        "reusable",
        "status",
    )

    def __init__(self) -> None:
        self.complete = False
        self.status = 0
        self.reusable = False
        """After a complete reply: the connection may carry another request."""
        self._in_head = True
        self._head = bytearray()
        self._head_is_whole = False
        self._interim = 0
        """Interim replies before the final one."""
        self._too_large = False
        """A callback ended the parsing because of a bound, and not because the bytes are not HTTP/1.1."""
        self.read_bytes = 0
        """Bytes of a reply that is not complete yet."""
        self.received = b""
        """After a complete reply: its bytes, or of a long one in parts at least the first ``MAX_RECEIVED_BYTES``."""
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> bool:
        """Parse received bytes. Returns whether the reply is complete.

        Raises:
            ExchangeError: the bytes are not an HTTP/1.1 reply, or the reply is too large.
        """
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self.complete:
                kind = REPLY_TOO_LARGE if self._too_large else BROKEN_REPLY
                raise ExchangeError(kind, maybe_sent=True) from error
        if not self.complete:
            self._keep_part(data)
        elif self.read_bytes:
            self.received = bytes(self._head) + data
            self._discard_parts()
        else:
            self.received = data
        return self.complete

    def end(self) -> bool:
        """The connection was closed. Returns whether that completes the reply (RFC 9112 section 6.3).

        Raises:
            ExchangeError: it does, but its status line is not one of a final HTTP/1.1 reply.
        """
        if self._head_is_whole and _ends_with_connection(bytes(self._head)):
            status = self._parser.get_status_code()
            if status not in _STATUSES or self._parser.get_http_version() not in _VERSIONS:
                raise ExchangeError(BROKEN_REPLY, maybe_sent=True)
            self.status = status
            self.received = bytes(self._head)
            self.reusable = False
            self.complete = True
        return self.complete

    def reply(self) -> Reply:
        """The complete reply."""
        return _bare(self.status)

    def on_message_begin(self) -> None:
        """Callback: the first byte of a reply, or of data after it that no request asked for."""
        self._in_head = True
        if self.complete:
            self.reusable = False

    def on_headers_complete(self) -> None:
        """Callback: the head is complete and the body follows."""
        self._in_head = False

    def on_message_complete(self) -> None:
        """Callback: the end of a reply, which is final unless its status is 1xx."""
        if self.complete:
            return
        status = self._parser.get_status_code()
        if status not in _STATUSES or self._parser.get_http_version() not in _VERSIONS:
            self._take_interim(status)
            return
        self.status = status
        self._interim = 0
        self.reusable = self._parser.should_keep_alive()
        self.complete = True

    def _take_interim(self, status: int) -> None:
        """Go on to the next reply if this one is an interim one. Called by httptools, which passes exceptions on.

        Raises:
            ValueError: the status is not one of HTTP (RFC 9110 section 15), or the version is not 1.1 or 1.0. What
                follows cannot be trusted to be a reply to the same request.
        """
        if not 100 <= status < 200 or self._parser.get_http_version() not in _VERSIONS:
            raise ValueError("not a status line of HTTP/1.1")
        self._interim += 1
        if self._interim > MAX_INTERIM_REPLIES:
            self._end_too_large(f"more than {MAX_INTERIM_REPLIES} interim replies")
        self._in_head = True

    def _end_too_large(self, reason: str) -> NoReturn:
        """End the parsing. Called by httptools, which passes exceptions on."""
        self._too_large = True
        raise ValueError(reason)

    def _keep_part(self, data: bytes) -> None:
        """Keep what is needed of a reply that comes in parts."""
        self.read_bytes += len(data)
        if self.read_bytes > (MAX_HEAD_BYTES if self._in_head else MAX_REPLY_BYTES):
            raise ExchangeError(REPLY_TOO_LARGE, maybe_sent=True)
        if not self._head_is_whole or len(self._head) < MAX_RECEIVED_BYTES:
            self._head += data
        self._head_is_whole = not self._in_head

    def _discard_parts(self) -> None:
        self.read_bytes = 0
        self._head = bytearray()
        self._head_is_whole = False


class KeepingParser(ReplyParser):
    """A parser for one reply that keeps Location, ETag and body."""

    __slots__ = ("_body", "_chunks", "_count", "_fields", "_has_several_locations")

    def __init__(self) -> None:
        self._fields: dict[bytes, bytes] = {}
        self._has_several_locations = False
        self._count = 0
        """Fields so far."""
        self._body = bytearray()
        self._chunks = 0
        super().__init__()

    def reply(self) -> Reply:
        """The complete reply."""
        location, etag = (self._fields.get(name) for name in (b"location", b"etag"))
        if self._has_several_locations:
            location = None
        return Reply(
            self.status,
            location=None if location is None else location.decode("latin-1"),
            etag=None if etag is None else etag.decode("latin-1"),
            body=bytes(self._body),
        )

    def on_message_complete(self) -> None:
        """Callback: the end of a reply. The fields of an interim reply (1xx) are discarded."""
        super().on_message_complete()
        if not self.complete:
            self._fields.clear()
            self._has_several_locations = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Callback: one field of the head or of the trailer. A trailer is never taken for the head (RFC 9110 6.5.1)."""
        if self.complete:
            return
        self._count += 1
        if self._count > MAX_FIELDS:
            self._end_too_large(f"more than {MAX_FIELDS} fields")
        if self._in_head:
            name = name.lower()
            if self._fields.setdefault(name, value) != value and name == b"location":
                self._has_several_locations = True

    def on_chunk_header(self) -> None:
        """Callback: the size of a chunk."""
        self._chunks += 1
        if self._chunks > MAX_CHUNKS and not self.complete:
            self._end_too_large(f"more than {MAX_CHUNKS} chunks")

    def on_body(self, data: bytes) -> None:
        """Callback: part of the body."""
        if not self.complete:
            self._body += data


class _HeadFields:
    """The fields of the last head that was parsed."""

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []

    def on_message_begin(self) -> None:
        self.fields.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value.lower()))


def parse_kept(received: bytes) -> Reply | None:
    """The whole reply in what ``ReplyParser.received`` kept; None if that is not all of it."""
    parser = KeepingParser()
    parser.feed(received)
    return parser.reply() if parser.complete or parser.end() else None


def _ends_with_connection(head: bytes) -> bool:
    """Whether only the end of the connection ends the body: it has neither chunks nor a length (RFC 9112 section 6.3).

    llhttp knows this, but httptools does not expose ``llhttp_finish``, so the few heads that need it are parsed again.
    """
    reader = _HeadFields()
    httptools.HttpResponseParser(reader).feed_data(head)
    codings = [value for name, value in reader.fields if name == b"transfer-encoding"]
    if codings:
        return not codings[-1].strip().endswith(b"chunked")
    return all(name != b"content-length" for name, _ in reader.fields)
