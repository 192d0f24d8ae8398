"""The end of a reply, for every framing and every split into packets."""

import pytest

from createflow.scenarios.load.http.errors import ExchangeError
from createflow.scenarios.load.http.reply_parser import (
    MAX_HEAD_BYTES,
    MAX_REPLY_BYTES,
    KeepingParser,
    Reply,
    ReplyParser,
)

CREATED = b'HTTP/1.1 201 Created\r\nContent-Length: 2\r\nLocation: /r/1\r\nETag: W/"1"\r\n\r\n{}'
CHUNKED = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nLocation: /r/1\r\n\r\n"
    b"4;name=value\r\nWiki\r\n3\r\nped\r\n0\r\nLocation: /not/this\r\nChecksum: 1\r\n\r\n"
)
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLocation: /not/this\r\nETag: no\r\n\r\n"
BY_CLOSE = b"HTTP/1.1 200 OK\r\nServer: old\r\n\r\nall that comes"


@pytest.mark.parametrize("parser_class", [ReplyParser, KeepingParser])
@pytest.mark.parametrize(
    ("raw", "status", "reusable"),
    [
        (CREATED, 201, True),
        (CHUNKED, 201, True),
        (INTERIM + CREATED, 201, True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 200, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 200, True),
        (b"HTTP/1.1 200 OK\r\nUpgrade: h2\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok", 200, True),
    ],
)
def test_a_reply_is_complete_at_its_last_byte(
    parser_class: type[ReplyParser], raw: bytes, status: int, *, reusable: bool
) -> None:
    """Not before, for every split in two and byte by byte."""
    for parts in [[raw]] + [[raw[:cut], raw[cut:]] for cut in range(1, len(raw))] + [[bytes([b]) for b in raw]]:
        parser = parser_class()
        assert [parser.feed(part) for part in parts] == [False] * (len(parts) - 1) + [True], parts
        assert (parser.status, parser.reusable, parser.read_bytes) == (status, reusable, 0)


def test_one_parser_reads_reply_after_reply() -> None:
    """Whole and split replies in turn, each with its own status."""
    parser = ReplyParser()
    for raw, status in [(CREATED, 201), (CHUNKED, 201), (CREATED.replace(b"201", b"503"), 503), (CREATED, 201)] * 2:
        for cut in (0, 30, len(raw) - 1):
            parser.complete = False
            parser.feed(raw[:cut] or raw)
            assert parser.complete or parser.feed(raw[cut:])
            assert (parser.reply(), parser.reusable) == (Reply(status), True)


def test_only_fields_of_the_final_reply_are_kept() -> None:
    """Not those of interim replies and trailers."""
    parser = KeepingParser()
    assert parser.feed(INTERIM + CREATED)
    assert parser.reply() == Reply(201, location="/r/1", etag='W/"1"', body=b"{}")
    parser = KeepingParser()
    assert parser.feed(CHUNKED)
    assert parser.reply() == Reply(201, location="/r/1", etag=None, body=b"Wikiped")


@pytest.mark.parametrize("parser_class", [ReplyParser, KeepingParser])
@pytest.mark.parametrize(
    "junk", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nLocation: /x\r\n\r\n", b"junk", b"\x00"]
)
def test_bytes_after_a_reply_end_the_connection_not_the_reply(parser_class: type[ReplyParser], junk: bytes) -> None:
    """They would be taken for the next reply."""
    parser = parser_class()
    assert parser.feed(CREATED + junk)
    assert (parser.status, parser.reusable) == (201, False)
    if parser_class is KeepingParser:
        assert parser.reply() == Reply(201, location="/r/1", etag='W/"1"', body=b"{}")


@pytest.mark.parametrize(
    "raw", [BY_CLOSE, INTERIM + BY_CLOSE, BY_CLOSE.replace(b"Server: old", b"Transfer-Encoding: gzip")]
)
def test_a_body_without_a_length_ends_with_the_connection(raw: bytes) -> None:
    """However it is split, and never before."""
    for cut in range(1, len(raw)):
        parser = KeepingParser()
        assert not parser.feed(raw[:cut])
        assert not parser.feed(raw[cut:])
        assert parser.end()
        assert not parser.reusable
        assert parser.reply() == Reply(200, body=b"all that comes")


@pytest.mark.parametrize("raw", [CREATED, CHUNKED, BY_CLOSE[:30], INTERIM, CREATED.replace(b"1.1", b"1.0")])
def test_a_truncated_reply_is_not_complete(raw: bytes) -> None:
    """Half a head, half a body, or an interim reply alone."""
    for cut in range(1, len(raw)):
        parser = ReplyParser()
        parser.feed(raw[:cut])
        assert not parser.end()


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    ],
)
def test_bytes_that_are_not_http_are_a_broken_reply(raw: bytes) -> None:
    """So is a protocol switch that the request did not ask for."""
    with pytest.raises(ExchangeError) as caught:
        ReplyParser().feed(raw)
    assert (caught.value.kind, caught.value.maybe_sent) == ("broken_reply", True)


@pytest.mark.parametrize(
    ("start", "more", "limit"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Field: " + b"x" * 1000 + b"\r\n", MAX_HEAD_BYTES),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 8000 + b"\r\n\r\n", MAX_HEAD_BYTES),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 16384, MAX_REPLY_BYTES),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n", MAX_REPLY_BYTES),
    ],
)
def test_a_reply_that_is_too_large_is_an_error(start: bytes, more: bytes, limit: int) -> None:
    """Fields, interim replies and body each have a limit, and are read up to it."""
    parser = KeepingParser()
    if start:
        parser.feed(start)
    fitting = (limit - len(start)) // len(more)
    for _ in range(fitting):
        parser.feed(more)
    with pytest.raises(ExchangeError, match="reply_too_large"):
        parser.feed(more)
