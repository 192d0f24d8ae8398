"""Hostile replies as data: what a target may say instead of an honest 201, and who must notice.

Each is sent to creates; other requests are answered honestly, unless it says otherwise. ``<ID>``, ``<BODY>`` and
``<LENGTH>`` stand for those of the honest reply, ``<DATE>`` for the time, ``<REST>`` for the length of the body.
``checks`` are those of ``createflow run`` that fail, and ``load`` is what the load client counts: a status, or a kind
of error; of several, one.
"""

import asyncio
import gzip
import json
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from socket import SO_LINGER, SOL_SOCKET
from typing import Literal

WHOLE = "response.create_is_201"
GIVEN = "response.location_is_given"
OURS = "response.location_is_ours"
FIELDS = "response.body_has_the_fields"
UTF_8 = "response.json_is_plain_utf_8"
DATE = "https_request.date_is_given"
TAG = "response.etag_matches"
REFUSED = "auth_check.missing_token_is_401"
UNREACHABLE = "unreachable"
"""No check: not even the first request of a run has a reply."""
ANSWERS = "response.location_answers_the_same"
CHECKS = (WHOLE, FIELDS, GIVEN, OURS, ANSWERS, TAG, UTF_8, DATE, REFUSED)
"""The checks that each reply is tried with."""


@dataclass(frozen=True, slots=True)
class Again:
    """Bytes that are sent again and again, until the client closes or so often."""

    data: bytes
    times: int = 10**9
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class End:
    """The end of the connection."""

    how: Literal["close", "reset"] = "close"


Part = bytes | Again | End


@dataclass(frozen=True, slots=True)
class Hostile:
    """One kind of reply."""

    parts: tuple[Part, ...]
    checks: frozenset[str] = frozenset()
    """Empty: what it says is allowed, or of no check here."""
    load: str = "201"
    to: Literal["create", "read", "delete", "anonymous", "connection"] = "create"
    """Which requests get it; ``connection``: each one, before it has sent anything."""
    is_limit: bool = False
    """Creates meet a limit that the profile does not declare: nothing can be told, and that is said."""


FIRST = b"HTTP/1.1 201 Created\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
USUAL = {
    b"Date": b"<DATE>",
    b"Content-Type": b"application/json",
    b"Location": b"/api/resources/<ID>",
    b"ETag": b'"1"',
    b"Content-Length": b"<LENGTH>",
}


def head(*more: bytes, first: bytes = FIRST, **other: bytes | None) -> bytes:
    """The head of the honest 201 with other fields, or without those that are None, and with further lines."""
    changed = {name.replace("_", "-").lower().encode(): value for name, value in other.items()}
    fields = {name: changed.get(name.lower(), value) for name, value in USUAL.items()}
    lines = [name + b": " + value for name, value in fields.items() if value is not None]
    return first + b"".join(line + b"\r\n" for line in (*lines, *more)) + b"\r\n"


def says(body: bytes, *more: bytes, content_type: bytes = b"application/json") -> tuple[Part, ...]:
    """A reply with this body."""
    return (head(*more, content_length=b"<REST>", content_type=content_type) + body,)


def with_lines(*more: bytes, first: bytes = FIRST, **other: bytes | None) -> tuple[Part, ...]:
    """The honest reply with other fields."""
    return (head(*more, first=first, **other) + b"<BODY>",)


def chunked(*parts: Part) -> tuple[Part, ...]:
    """A chunked reply: its body as it is sent."""
    return (head(b"Transfer-Encoding: chunked", content_length=None), *parts)


def gzipped(body: bytes) -> bytes:
    """As small as it gets, and the same in every process."""
    return gzip.compress(body, 9, mtime=0)


def coded(body: bytes, coding: bytes) -> tuple[Part, ...]:
    """A reply with a content coding."""
    return says(body, b"Content-Encoding: " + coding)


def bad(*parts: Part, load: str = "broken_reply", **more: str) -> Hostile:
    """What is no whole reply."""
    return Hostile(parts, frozenset({WHOLE}), load, **more)  # type: ignore[arg-type] # the few keys of the table


def wrong(checks: str, *parts: Part, load: str = "201", **more: str) -> Hostile:
    """A whole reply that breaks the promise of one check, or of a few that its cause concerns."""
    return Hostile(parts, frozenset(checks.split()), load, **more)  # type: ignore[arg-type] # as above


def lawful(*parts: Part, load: str = "201", **more: str) -> Hostile:
    """A reply that a server may send, or that is about nothing that is checked here."""
    return Hostile(parts, frozenset(), load, **more)  # type: ignore[arg-type] # as above


def location(value: bytes, check: str = GIVEN) -> Hostile:
    """Another Location."""
    return wrong(check, *with_lines(location=value))


def refusal(status: bytes, *lines: bytes) -> Hostile:
    """A create that is refused with these lines."""
    parts = with_lines(*lines, first=b"HTTP/1.1 " + status + b" Refused\r\n")
    return wrong(WHOLE, *parts, load=status.decode())


def limited(*lines: bytes) -> Hostile:
    """A create that is refused with 429 and these lines."""
    return Hostile(with_lines(*lines, first=b"HTTP/1.1 429 Refused\r\n"), load="429", is_limit=True)


def zeros(megabytes: int) -> bytes:
    """Nothing, many times."""
    return bytes(megabytes << 20)


SIZE = b"%x\r\nBODY\r\n0\r\n\r\n"
DEEP = b"[" * 100_000 + b"]" * 100_000
FRAMING = {
    "two lengths that differ": bad(*with_lines(b"Content-Length: 3")),
    "two lengths in one line": lawful(*with_lines(content_length=b"<LENGTH>, <LENGTH>"), load="broken_reply"),
    "a length and chunks": bad(head(b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n"),
    "a negative length": bad(*with_lines(content_length=b"-1")),
    "a length with a plus": bad(*with_lines(content_length=b"+<LENGTH>")),
    "a length with an underscore": bad(*with_lines(content_length=b"1_0")),
    "a hexadecimal length": bad(*with_lines(content_length=b"0x10")),
    "an empty length": bad(*with_lines(content_length=b"")),
    "a length beyond all numbers": bad(*with_lines(content_length=b"9" * 30)),
    "a length of 8 EiB": bad(*with_lines(content_length=b"9223372036854775807"), load="timeout"),
    "a length above the body": bad(*with_lines(content_length=b"9999"), End(), load="truncated_reply"),
    "a length below the body": bad(*with_lines(content_length=b"2"), load="201"),
    "an unknown transfer coding": bad(*with_lines(b"Transfer-Encoding: cow", content_length=None), load="timeout"),
    "a chunk size of -2": bad(*chunked(b"-2\r\n{}\r\n0\r\n\r\n")),
    "a chunk size of +2": bad(*chunked(b"+2\r\n{}\r\n0\r\n\r\n")),
    "a chunk size of 0x2": bad(*chunked(b"0x2\r\n{}\r\n0\r\n\r\n")),
    "a chunk size of 1_0": bad(*chunked(b"1_0\r\n{}\r\n0\r\n\r\n")),
    "a chunk size after blanks": bad(*chunked(b"  2\r\n{}\r\n0\r\n\r\n")),
    "an empty chunk size": bad(*chunked(b"\r\n{}\r\n0\r\n\r\n")),
    "a chunk size beyond all numbers": bad(*chunked(b"f" * 20 + b"\r\n{}")),
    "a chunk of 8 EiB": bad(*chunked(b"7fffffffffffffff\r\n{}"), load="timeout"),
    "a chunk size that never ends": bad(*chunked(Again(b"0" * 1024)), load="reply_too_large timeout"),
    "a chunk extension of 1 MB": bad(*chunked(b"2;x=" + b"y" * 1_000_000 + b"\r\n{}\r\n0\r\n\r\n"), load="201"),
    "a chunk without its end": bad(*chunked(b"2\r\n{}XX0\r\n\r\n")),
    "chunks without end": bad(*chunked(Again(b"4\r\n    \r\n" * 512)), load="reply_too_large"),
    "a hundred thousand chunks of one byte": bad(
        *chunked(b"1\r\n \r\n" * 100_000 + b"0\r\n\r\n"), load="201 reply_too_large"
    ),
    "a chunk that never comes": bad(*chunked(b"2\r\n"), load="timeout"),
    "no last chunk": bad(*chunked(b"2\r\n{}\r\n"), End(), load="truncated_reply"),
    "ten thousand trailers": wrong(
        FIELDS, *chunked(b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 10_000 + b"\r\n"), load="201 reply_too_large"
    ),
    "trailers without end": bad(*chunked(b"0\r\n", Again(b"X: y\r\n" * 100)), load="reply_too_large"),
    "a trailer that names another place": wrong(
        WHOLE,
        *chunked(b"2\r\n[]\r\n0\r\nLocation: http://192.0.2.1/\r\nContent-Length: 9\r\n\r\n"),
        load="broken_reply",
    ),
}
HEADS = {
    "ten thousand fields": bad(*with_lines(*(b"X-%d: y" % number for number in range(10_000))), load="reply_too_large"),
    "a field of 1 MB": bad(*with_lines(b"X: " + b"y" * 1_000_000), load="reply_too_large"),
    "a field name of 1 MB": bad(*with_lines(b"X" * 1_000_000 + b": y"), load="reply_too_large"),
    "fields without end": bad(FIRST, Again(b"X: y\r\n" * 100), load="reply_too_large"),
    "a field that never ends": bad(FIRST + b"X: ", Again(b"y" * 1024), load="reply_too_large"),
    "a line without a colon": bad(*with_lines(b"nonsense")),
    "a field without a name": bad(*with_lines(b": y")),
    "a blank before the colon": bad(*with_lines(b"X : y")),
    "a blank before the name": bad(FIRST + b" X: y\r\n" + head().partition(b"\r\n")[2] + b"<BODY>"),
    "a NUL in a value": bad(*with_lines(b"X: a\x00b")),
    "a NUL in a name": bad(*with_lines(b"X\x00: y")),
    "a bare CR in a value": bad(*with_lines(b"X: a\rb")),
    "a control character in a value": bad(*with_lines(b"X: a\x01b")),
    "a folded line": lawful(*with_lines(b"X: a\r\n b"), load="broken_reply"),
    "bytes beyond ASCII in a value": lawful(*with_lines(b"X: caf\xe9 \xff")),
    "bytes beyond ASCII in a name": bad(*with_lines(b"caf\xe9: y")),
    "a status of two digits": bad(*with_lines(first=b"HTTP/1.1 20 Created\r\n")),
    "a status of four digits": bad(*with_lines(first=b"HTTP/1.1 2010 Created\r\n")),
    "a status of nothing": bad(*with_lines(first=b"HTTP/1.1  Created\r\n")),
    "the status 000": bad(*with_lines(first=b"HTTP/1.1 000 Created\r\n")),
    "the status 999": bad(*with_lines(first=b"HTTP/1.1 999 Created\r\n")),
    "a negative status": bad(*with_lines(first=b"HTTP/1.1 -201 Created\r\n")),
    "a status line without a reason": lawful(*with_lines(first=b"HTTP/1.1 201\r\n")),
    "a reason of 1 MB": bad(*with_lines(first=b"HTTP/1.1 201 " + b"x" * 1_000_000 + b"\r\n"), load="reply_too_large"),
    "the version 9.9": bad(*with_lines(first=b"HTTP/9.9 201 Created\r\n")),
    "another protocol": bad(*with_lines(first=b"ICY 201 Created\r\n")),
    "no head at all": bad(b"<BODY>", End()),
    "empty lines without end": bad(Again(b"\r\n" * 512), load="reply_too_large"),
    "interim replies without end": bad(Again(b"HTTP/1.1 100 Continue\r\n\r\n" * 64), load="reply_too_large"),
    "a hundred interim replies": bad(
        b"HTTP/1.1 103 Early\r\nX: y\r\n\r\n" * 100, *with_lines(), load="reply_too_large"
    ),
    "some interim replies": lawful(b"HTTP/1.1 103 Early\r\nLocation: /x\r\n\r\n" * 3, *with_lines()),
    "another protocol from here on": bad(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx"),
    "a NUL byte for each byte": bad(Again(bytes(1024))),
    "a TLS alert": bad(b"\x15\x03\x03\x00\x02\x02\x28", End()),
    "HTTP/2 without being asked": bad(b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", End()),
}
BODIES = {
    "a body of 50 MB": bad(head(content_length=b"50000000"), Again(b" " * 65536), load="reply_too_large"),
    "a body without end": bad(head(content_length=None), Again(b" " * 65536), load="reply_too_large"),
    "a byte at a time, from the first on": bad(Again(b"H", pause_s=0.05), load="broken_reply"),
    "a byte of the head at a time": bad(FIRST + b"X: ", Again(b"y", pause_s=0.05), load="timeout"),
    "a byte of the body at a time": bad(head(content_length=b"9999"), Again(b" ", pause_s=0.05), load="timeout"),
    "a chunk at a time": bad(*chunked(Again(b"1\r\n \r\n", pause_s=0.05)), load="timeout"),
    "a gigabyte as 1 MB of gzip": bad(*coded(gzipped(zeros(200)), b"gzip"), load="201"),
    "a gigabyte as deflate": bad(*coded(zlib.compress(zeros(200), 9), b"deflate"), load="201"),
    "gzip in gzip": bad(*coded(gzipped(gzipped(zeros(50))), b"gzip, gzip"), load="201"),
    "gzip in gzip, said once": wrong(WHOLE, *coded(gzipped(gzipped(b"{}")), b"gzip")),
    "half of a gzip": bad(*coded(gzipped(b"{}" * 999)[:-9], b"gzip"), load="201"),
    "gzip and something more": bad(*coded(gzipped(b"{}") + b"more", b"gzip"), load="201"),
    "gzip that is none": bad(*coded(b"{}", b"gzip"), load="201"),
    "deflate that is none": bad(*coded(b"{}", b"deflate"), load="201"),
    "brotli, which nobody asked for": bad(*coded(b"\x0b\x02\x80hello\x03", b"br"), load="201"),
    "zstd, which nobody asked for": bad(*coded(b"\x28\xb5\x2f\xfd\x04\x00", b"zstd"), load="201"),
    "a coding of 10 kB": bad(*coded(b"{}", b"x" * 10_000), load="201"),
    "a hundred codings": bad(*coded(b"{}", b", ".join([b"gzip"] * 100)), load="201"),
    "lists in lists in lists": wrong(WHOLE, *says(DEEP)),
    "objects in objects": wrong(WHOLE, *says(b'{"a":' * 50_000 + b"1" + b"}" * 50_000)),
    "a hundred thousand values": wrong(WHOLE, *says(b'{"id": "<ID>", "x": [' + b"0," * 250_000 + b"0]}")),
    "not a number": wrong(WHOLE, *says(b'{"id": "<ID>", "x": NaN}')),
    "infinity": wrong(WHOLE, *says(b'{"id": "<ID>", "x": -Infinity}')),
    "a number that becomes infinite": wrong(WHOLE, *says(b'{"id": "<ID>", "x": 1e999999}')),
    "a number of ten thousand digits": wrong(WHOLE, *says(b'{"id": "<ID>", "x": 1' + b"0" * 10_000 + b"}")),
    "half a character": wrong(WHOLE, *says(b'{"id": "<ID>", "x": "\\ud800"}')),
    "bytes that are no UTF-8": wrong(WHOLE, *says(b'{"id": "<ID>", "x": "\xff"}')),
    "UTF-16": wrong(WHOLE, *says('{"id": "1"}'.encode("utf-16"))),
    "a byte order mark": wrong(f"{UTF_8} {FIELDS} {ANSWERS}", *says(b'\xef\xbb\xbf{"id": "<ID>", "name": "x"}')),
    "a name twice": wrong(f"{OURS} {FIELDS} {ANSWERS}", *says(b'{"id": "<ID>", "id": "none"}')),
    "a list": wrong(WHOLE, *says(b"[1]")),
    "nothing": wrong(FIELDS, *says(b"")),
    "a page": wrong(WHOLE, *says(b"<html>", content_type=b"text/html")),
    "an id that is an object": wrong(FIELDS, *says(b'{"id": {"a": 1}}')),
    "an id that is another place": wrong(f"{OURS} {FIELDS} {ANSWERS}", *says(b'{"id": "../../admin"}')),
    "an id with line ends": wrong(FIELDS, *says(b'{"id": "1\\r\\nX: y"}')),
    "an id of 100 kB": wrong(FIELDS, *says(b'{"id": "' + b"x" * 100_000 + b'"}')),
    "a type that is none": wrong(WHOLE, *with_lines(content_type=b";;;=\xff")),
    "a type of 50 kB": wrong(WHOLE, *with_lines(content_type=b"x" * 50_000)),
    "an unknown charset": wrong(UTF_8, *with_lines(content_type=b"application/json; charset=klingon-7")),
    "a charset of line noise": wrong(UTF_8, *with_lines(content_type=b'application/json; charset="\xff;,="')),
    "204 with a body": wrong(WHOLE, *with_lines(first=b"HTTP/1.1 204 No Content\r\n"), load="204"),
    "304 with a body": wrong(WHOLE, *with_lines(first=b"HTTP/1.1 304 Not Modified\r\n"), load="304"),
    "two replies": bad(head() + b"<BODY>" + head() + b"<BODY>", load="201"),
}
FIELDS_OF_A_REPLY = {
    "an empty Location": location(b""),
    "two Locations": wrong(GIVEN, *with_lines(b"Location: http://192.0.2.1/api/resources/<ID>")),
    "a Location with userinfo": location(b"http://me:secret@192.0.2.1/api/resources/<ID>"),
    "a Location of another scheme": location(b"ftp://127.0.0.1/api/resources/<ID>"),
    "a Location that is a script": location(b"javascript:alert(1)"),
    "a Location that is data": location(b"data:text/html,x"),
    "a Location that is a fragment": wrong(ANSWERS, *with_lines(location=b"#<ID>")),
    "a Location above the root": wrong(f"{OURS} {ANSWERS}", *with_lines(location=b"/../../../etc/passwd")),
    "a Location with encoded line ends": wrong(ANSWERS, *with_lines(location=b"/api/resources/<ID>%0d%0aX:%20y")),
    "a Location with a tab": location(b"/api/resources/\tID"),
    "a Location with blanks": location(b"/api/resources/<ID> and more"),
    "a Location with a backslash": location(b"\\\\192.0.2.1\\<ID>"),
    "a Location with half an escape": location(b"/api/resources/<ID>%4"),
    "a Location beyond ASCII": location(b"/api/resources/\xc3\xa9"),
    "a Location of 10 kB": location(b"/" + b"x" * 10_000),
    "a Location of 1 MB": bad(*with_lines(location=b"/" + b"x" * 1_000_000), load="reply_too_large"),
    "a Location with port 99999": location(b"http://127.0.0.1:99999/<ID>"),
    "a Location with port minus one": location(b"http://127.0.0.1:-1/<ID>"),
    "a Location with a port of letters": location(b"http://127.0.0.1:http/<ID>"),
    "a Location with an open bracket": location(b"http://[::1/<ID>"),
    "a Location with an IPv6 zone": location(b"http://[fe80::1%25eth0]/<ID>"),
    "a Location without a host": location(b"http:///<ID>"),
    "a Location with a host in Unicode": location(b"http://xn--a-ecp.example/<ID>", OURS),
    "a Location elsewhere": location(b"http://192.0.2.1/api/resources/<ID>", OURS),
    "a Location that is the collection": wrong(f"{OURS} {ANSWERS}", *with_lines(location=b"/api/resources")),
    "a Date that is none": wrong(DATE, *with_lines(date=b"yesterday")),
    "a Date of the year 99999": wrong(DATE, *with_lines(date=b"Mon, 01 Jan 99999 00:00:00 GMT")),
    "a Date with a zone of a million hours": wrong(DATE, *with_lines(date=b"Mon, 01 Jan 2024 00:00:00 +99999999")),
    "a Date of digits": wrong(DATE, *with_lines(date=b"9" * 5_000)),
    "an empty Date": wrong(DATE, *with_lines(date=b"")),
    "a tag without quotes": wrong(TAG, *with_lines(etag=b"1")),
    "a tag of 50 kB": wrong(TAG, *with_lines(etag=b'"' + b"x" * 50_000 + b'"')),
    "half a tag": wrong(TAG, *with_lines(etag=b'W/"')),
    "links of 50 kB": lawful(*with_lines(b"Link: " + b"<http://192.0.2.1/>; rel=next, " * 1_700)),
    "rate limits that are none": lawful(*with_lines(b"RateLimit: ;;=\xff", b"RateLimit-Limit: 1e999")),
    "cookies of all kinds": lawful(*with_lines(b"Set-Cookie: =;;; expires=\xff", b"Set-Cookie: a" * 1_000)),
    "a redirect to itself": wrong(WHOLE, *with_lines(first=b"HTTP/1.1 307 R\r\n"), load="307"),
    "a redirect elsewhere": wrong(
        WHOLE, *with_lines(first=b"HTTP/1.1 308 R\r\n", location=b"http://192.0.2.1/"), load="308"
    ),
    "busy for thirty years": refusal(b"503", b"Retry-After: 1000000000"),
    "busy for less than nothing": limited(b"Retry-After: -5"),
    "busy for a fraction": limited(b"Retry-After: 1.5e3"),
    "busy until the year 9999": limited(b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"),
    "busy until a day that is none": refusal(b"503", b"Retry-After: Xxx, 99 Foo"),
}
CONNECTIONS = {
    "the end after the first line": bad(FIRST, End(), load="truncated_reply"),
    "the end in the first line": bad(b"HTTP/1.", End(), load="truncated_reply"),
    "the end in a field": bad(FIRST + b"Content-Le", End(), load="truncated_reply"),
    "the end before the body": bad(head(), End(), load="truncated_reply"),
    "the end in the body": bad(head() + b"{", End(), load="truncated_reply"),
    "a reset in the head": bad(FIRST, End("reset"), load="connection_reset"),
    "a reset in the body": bad(head() + b"{", End("reset"), load="connection_reset"),
    "the end after the reply": lawful(*with_lines(b"Connection: close"), End()),
    "the end after a reply that stays open": lawful(
        *with_lines(), End(), load="201 connection_reset stale_connection closed_without_reply"
    ),
}
OTHERS = {
    "a read without end": wrong(
        DATE, head(first=b"HTTP/1.1 200 OK\r\n", content_length=None), Again(b" " * 65536), to="read"
    ),
    "a read of a byte at a time": wrong(
        DATE, head(first=OK, content_length=b"999"), Again(b" ", pause_s=0.05), to="read"
    ),
    "a read that is a bomb": wrong(DATE, *coded(gzipped(zeros(100)), b"gzip"), to="read"),
    "a challenge of rubbish": lawful(
        *with_lines(b'WWW-Authenticate: ,,,=",\xff' + b"Bearer" * 5_000, first=b"HTTP/1.1 401 U\r\n"), to="anonymous"
    ),
    "a challenge of a thousand fields": wrong(
        UNREACHABLE, *with_lines(*[b"WWW-Authenticate: Bearer"] * 1_000, first=b"HTTP/1.1 401 U\r\n"), to="anonymous"
    ),
    "a deletion that is never now": lawful(
        *with_lines(b"Retry-After: 1000000000", first=b"HTTP/1.1 429 B\r\n"), to="delete"
    ),
    "a deletion without end": lawful(FIRST, Again(b"X: y\r\n" * 100), to="delete"),
    "a reply before the request": wrong(UNREACHABLE, *with_lines(), to="connection"),
}
HOSTILE: dict[str, Hostile] = FRAMING | HEADS | BODIES | FIELDS_OF_A_REPLY | CONNECTIONS | OTHERS


class HostileServer:
    """A target that is honest but for one kind of reply.

    Args:
        hostile: the kind.
    """

    def __init__(self, hostile: Hostile) -> None:
        self._hostile = hostile
        self._rows: dict[bytes, bytes] = {}
        self._connections: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve on a free port; gives the base URL."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            if self._hostile.to == "connection":
                await self._send(writer, self._hostile.parts, self._values(b"1", b"{}"))
            while await self._answer(writer, await _request(reader)):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, request: bytes) -> bool:
        """Answer one request. Returns whether the connection goes on."""
        method, path, _ = request.split(b" ", 2)
        status, values = self._honest(method, path, request)
        is_meant = {
            "create": status == b"201 Created",
            "read": (method, status) == (b"GET", b"200 OK"),
            "delete": method == b"DELETE",
            "anonymous": status == b"401 Unauthorized",
        }
        if is_meant.get(self._hostile.to, False) and b'"warm ' not in request and method != b"HEAD":
            return await self._send(writer, self._hostile.parts, values)
        first = b"HTTP/1.1 " + status + b"\r\n"
        body = b"" if method == b"HEAD" else b"<BODY>"
        return await self._send(writer, (head(b"WWW-Authenticate: Bearer", first=first) + body,), values)

    def _honest(self, method: bytes, path: bytes, request: bytes) -> tuple[bytes, dict[bytes, bytes]]:
        """The status of the honest reply, and what the placeholders stand for."""
        if b"\r\nauthorization: " not in request.lower():
            return b"401 Unauthorized", self._values(b"", b"{}")
        if method == b"POST":
            resource_id = b"%d" % (len(self._rows) + 1)
            try:
                sent = dict(json.loads(request.partition(b"\r\n\r\n")[2]))
            except (ValueError, TypeError):  # no JSON, or no object
                return b"400 Bad Request", self._values(b"", b"{}")
            made = {"created_at": datetime.now(UTC).isoformat(), "created_by": "writer"}
            self._rows[resource_id] = json.dumps({"id": resource_id.decode(), **sent, **made}).encode()
            return b"201 Created", self._values(resource_id, self._rows[resource_id])
        resource_id = path.rpartition(b"/")[2]
        found = self._rows.get(resource_id)
        if b"\r\nif-none-match: " in request.lower():
            return b"304 Not Modified", self._values(b"", b"")
        if method == b"DELETE" or found is not None:
            return b"200 OK", self._values(resource_id, found or b"{}")
        return b"404 Not Found", self._values(b"", b"{}")

    @staticmethod
    def _values(resource_id: bytes, body: bytes) -> dict[bytes, bytes]:
        now = formatdate(usegmt=True).encode()
        return {b"<ID>": resource_id, b"<BODY>": body, b"<LENGTH>": b"%d" % len(body), b"<DATE>": now}

    async def _send(self, writer: asyncio.StreamWriter, parts: tuple[Part, ...], values: dict[bytes, bytes]) -> bool:
        """Send the parts. Returns whether the connection goes on."""
        for part in parts:
            if isinstance(part, End):
                if part.how == "reset":
                    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                return False
            times, data, pause_s = (part.times, part.data, part.pause_s) if isinstance(part, Again) else (1, part, 0.0)
            for name, value in values.items():
                data = data.replace(name, value)
            data = data.replace(b"<REST>", b"%d" % len(data.partition(b"\r\n\r\n")[2]), 1)
            for _ in range(times):
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(pause_s)  # the drip of this target, or a turn for others
        return True


async def _request(reader: asyncio.StreamReader) -> bytes:
    request = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in request.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return request + (await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b"")
