"""Replies out of the bytes of a connection.

The grammar is llhttp's, through httptools: 0.4 us a reply (90 bytes) to 0.6 us (600 bytes). The parser in
geventhttpclient, llhttp too, takes 2.2 to 4.8 us for the same, since its callbacks for each field cannot be left out.
"""

import functools
from dataclasses import dataclass

import httptools

from createflow.scenarios.load.http.errors import BROKEN_REPLY, REPLY_TOO_LARGE, ExchangeError

MAX_HEAD_BYTES = 64 * 1024
MAX_REPLY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole final reply. Only the status is known unless more was asked for."""

    status: int
    location: str | None = None
    etag: str | None = None
    body: bytes = b""


_bare = functools.cache(Reply)
"""Replies of which only the status is known are all alike."""


class ReplyParser:
    """Finds where replies end, and their status; builds nothing.

    Set ``complete`` to False before each reply. A parser that raised is of no more use.
    """

    __slots__ = ("_head", "_head_is_whole", "_in_head", "_parser", "complete", "read_bytes", "reusable", "status")

    def __init__(self) -> None:
        self.complete = False
        self.status = 0
        self.reusable = False
        """Of a complete reply: the connection may carry another request."""
        self._in_head = True
        self._head = b""
        self._head_is_whole = False
        self.read_bytes = 0
        """Of a reply that is not complete yet."""
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> bool:
        """Take bytes as they came. True: the reply is complete.

        Raises:
            ExchangeError: what came is no reply, or too much.
        """
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self.complete:
                raise ExchangeError(BROKEN_REPLY, maybe_sent=True) from error
        if not self.complete:
            self._note_part(data)
        elif self.read_bytes:
            self._forget_parts()
        return self.complete

    def end(self) -> bool:
        """The stream has ended. True: that is how this reply was to end, and it is complete."""
        if self._head_is_whole and _ends_with_the_stream(self._head):
            self.status = self._parser.get_status_code()
            self.reusable = False
            self.complete = True
        return self.complete

    def reply(self) -> Reply:
        """The complete reply."""
        return _bare(self.status)

    def on_message_begin(self) -> None:
        """The first byte of a reply, or of something that follows it although nobody asked."""
        self._in_head = True
        if self.complete:
            self.reusable = False

    def on_headers_complete(self) -> None:
        """What follows is the body."""
        self._in_head = False

    def on_message_complete(self) -> None:
        """The end, unless this was an interim reply (1xx)."""
        if self.complete:
            return
        status = self._parser.get_status_code()
        if status < 200:
            self._in_head = True
            return
        self.status = status
        self.reusable = self._parser.should_keep_alive()
        self.complete = True

    def _note_part(self, data: bytes) -> None:
        """What is needed of replies that come in parts only."""
        self.read_bytes += len(data)
        if self.read_bytes > (MAX_HEAD_BYTES if self._in_head else MAX_REPLY_BYTES):
            raise ExchangeError(REPLY_TOO_LARGE, maybe_sent=True)
        if not self._head_is_whole:
            self._head += data
            self._head_is_whole = not self._in_head

    def _forget_parts(self) -> None:
        self.read_bytes = 0
        self._head = b""
        self._head_is_whole = False


class KeepingParser(ReplyParser):
    """For one reply of which more than the status is wanted."""

    __slots__ = ("_body", "_fields")

    def __init__(self) -> None:
        self._fields: dict[bytes, bytes] = {}
        self._body = bytearray()
        super().__init__()

    def reply(self) -> Reply:
        """The complete reply."""
        location, etag = (self._fields.get(name) for name in (b"location", b"etag"))
        return Reply(
            self.status,
            location=None if location is None else location.decode("latin-1"),
            etag=None if etag is None else etag.decode("latin-1"),
            body=bytes(self._body),
        )

    def on_message_complete(self) -> None:
        """The fields of an interim reply are not the final one's."""
        super().on_message_complete()
        if not self.complete:
            self._fields.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field of the head, or of the trailer, where it must not overwrite."""
        if not self.complete:
            self._fields.setdefault(name.lower(), value)

    def on_body(self, data: bytes) -> None:
        """Some of the body."""
        if not self.complete:
            self._body += data


class _HeadFields:
    """The fields of the last head that is fed to it."""

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []

    def on_message_begin(self) -> None:
        self.fields.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value.lower()))


def _ends_with_the_stream(head: bytes) -> bool:
    """RFC 9112 section 6.3: the body has neither chunks nor a length, so only the end of the stream ends it.

    llhttp knows, but httptools does not pass its ``llhttp_finish`` on; so the few heads that need it are read again.
    """
    reader = _HeadFields()
    httptools.HttpResponseParser(reader).feed_data(head)
    codings = [value for name, value in reader.fields if name == b"transfer-encoding"]
    if codings:
        return not codings[-1].strip().endswith(b"chunked")
    return all(name != b"content-length" for name, _ in reader.fields)
