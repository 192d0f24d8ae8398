"""What each kind of slow client sends."""

import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

STREAMS = 100
"""Requests without a body on each HTTP/2 connection."""


def http1(method: str, *fields: str) -> bytes:
    """Return a request header of HTTP/1.1, without its last line."""
    return "\r\n".join([f"{method} /api/resources HTTP/1.1", "Host: localhost", *fields, ""]).encode()


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame (RFC 9113 §4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


HEADERS, RST_STREAM, SETTINGS, CONTINUATION = 1, 3, 4, 9
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0)


def field_block(*fields: tuple[str, str]) -> bytes:
    """Return header fields in their plainest encoding: literal, not indexed, not compressed (RFC 7541 §6.2.2)."""
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in fields)


def _text(value: str) -> bytes:
    """Return a string (RFC 7541 §5.2) with its length as an integer with a prefix of 7 bits (§5.1)."""
    size = len(value)
    if size < 127:
        return bytes([size]) + value.encode()
    size -= 127
    length = bytearray([127])
    while size >= 128:
        length.append(128 | size % 128)
        size //= 128
    return bytes([*length, size]) + value.encode()


def create_block(token: str) -> bytes:
    """Return the header of a create in HTTP/2."""
    fields = [(":method", "POST"), (":scheme", "https"), (":authority", "localhost"), (":path", "/api/resources")]
    fields += [("content-type", "application/json"), ("content-length", "20")]
    return field_block(*fields, *([("authorization", f"Bearer {token}")] if token else []))


Drip = Callable[[], bytes] | None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a slow client behaves on one connection."""

    opening: bytes
    """Sent at once after the handshake."""
    drip: Callable[[], Callable[[], bytes]] | None = None
    """Makes what returns the next bytes, for one connection."""
    every_s: float = 1.0
    reads: bool = True
    alpn: str = "http/1.1"
    handshake: bool = True
    """Whether it finishes the handshake of TLS."""


def _repeat(data: bytes) -> Callable[[], Callable[[], bytes]]:
    return lambda: lambda: data


def _by_stream(make: Callable[[int], bytes], a_time: int) -> Callable[[], Callable[[], bytes]]:
    """Send ``a_time`` new streams each time."""

    def new_connection() -> Callable[[], bytes]:
        ids = count(1, 2)
        return lambda: b"".join(make(next(ids)) for _ in range(a_time))

    return new_connection


def _client_hello() -> bytes:
    out = ssl.MemoryBIO()
    context = ssl.create_default_context()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    return out.read()


def behaviours(token: str) -> dict[str, Behaviour]:
    """Return the six slow kinds and the two floods; ``token`` may be empty."""
    bearer = (f"Authorization: Bearer {token}",) if token else ()
    body = ("Content-Type: application/json", "Content-Length: 1000")
    block = create_block(token)
    whole = http1("GET", *bearer) + b"\r\n"
    hello = _client_hello()
    return {
        "slow_head": Behaviour(http1("POST", *bearer), _repeat(b"X-Slow: 1\r\n")),
        "slow_body": Behaviour(http1("POST", *bearer, *body) + b'\r\n{"name": "', _repeat(b"a")),
        "slow_read": Behaviour(whole * 2, reads=False),
        "idle": Behaviour(whole),
        "streams": Behaviour(
            PREFACE,
            _by_stream(lambda stream: frame(HEADERS, END_HEADERS, stream, block), STREAMS),
            every_s=5.0,
            alpn="h2",
        ),
        "slow_handshake": Behaviour(hello[:8], lambda: _bytes_of(hello[8:]), handshake=False),
        "rapid_reset": Behaviour(
            PREFACE,
            _by_stream(
                lambda stream: (
                    frame(HEADERS, END_HEADERS | END_STREAM, stream, block)
                    + frame(RST_STREAM, 0, stream, (8).to_bytes(4, "big"))
                ),
                50,
            ),
            every_s=0.01,
            alpn="h2",
        ),
        "continuation": Behaviour(
            PREFACE + frame(HEADERS, 0, 1, block),
            _repeat(frame(CONTINUATION, 0, 1, field_block(*[("x", "y" * 50)] * 250)) * 2),
            every_s=0.01,
            alpn="h2",
        ),
    }


def _bytes_of(data: bytes) -> Callable[[], bytes]:
    left = iter(data)
    return lambda: bytes([next(left, 0)])


SLOW = ("slow_head", "slow_body", "slow_read", "idle", "streams", "slow_handshake")
FLOODS = ("rapid_reset", "continuation")
