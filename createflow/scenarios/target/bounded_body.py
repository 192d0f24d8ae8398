"""Reads the body of a reply within bounds: before and after decoding, and with one content coding at most.

A few bytes of compressed text can become gigabytes, and each further coding multiplies them. So a body is decoded in
steps that end at the bound, and more than one coding is refused (RFC 9110 §8.4).
"""

import zlib
from collections.abc import Callable

import httpx

CODINGS = ("gzip", "deflate")
"""The content codings that requests offer (RFC 9110 §12.5.3), and that replies may have."""
MAX_CHUNKS = 4_096
"""Each chunk costs time, however short it is."""
_STEP_BYTES = 64 * 1024


class BodyRefused(Exception):  # noqa: N818 - read as a statement
    """The body is larger than allowed, or its coding cannot be undone."""


async def whole_body(response: httpx.Response, max_bytes: int) -> bytes:
    """The body of a reply, decoded.

    Args:
        response: its body is not read yet.
        max_bytes: of the body before and after decoding.

    Raises:
        BodyRefused: it is longer, or has a content coding that was not offered, or several, or is damaged.
    """
    coding = _coding(response.headers.get("content-encoding", ""))
    raw, parts = bytearray(), 0
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("the reply was not read as a stream")
    async for part in response.stream:
        raw += part
        parts += 1
        if parts > MAX_CHUNKS:
            raise BodyRefused(f"the reply has more than {MAX_CHUNKS} chunks")
        if len(raw) > max_bytes:
            raise BodyRefused(f"the body of the reply is longer than {max_bytes} bytes")
    return bytes(raw) if not coding or not raw else decoded(bytes(raw), coding, max_bytes)


def decoded(raw: bytes, coding: str, max_bytes: int) -> bytes:
    """The content of a body with one coding of ``CODINGS``. Raises BodyRefused as ``whole_body`` does."""
    attempts: tuple[Callable[[], zlib._Decompress], ...] = (lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),)
    if coding == "deflate":
        # RFC 9110 §8.4.1.2: some send the deflate data without the zlib wrapper.
        attempts = (zlib.decompressobj, lambda: zlib.decompressobj(-zlib.MAX_WBITS))
    problem = ""
    for attempt in attempts:
        try:
            return _inflated(raw, attempt(), coding, max_bytes)
        except zlib.error as error:
            problem = problem or str(error)
    raise BodyRefused(f"the body of the reply is no valid {coding}: {problem}")


def _inflated(raw: bytes, decoder: "zlib._Decompress", coding: str, max_bytes: int) -> bytes:
    content = bytearray()
    rest = raw
    while not decoder.eof:
        step = decoder.decompress(rest, _STEP_BYTES)
        rest = decoder.unconsumed_tail
        content += step
        if len(content) > max_bytes:
            raise BodyRefused(f"the body of the reply is longer than {max_bytes} bytes after decoding {coding}")
        if not step and not rest:
            break
    if not decoder.eof or decoder.unused_data:
        raise BodyRefused(f"the body of the reply is no valid {coding}: it does not end where the {coding} ends")
    return bytes(content)


def _coding(header: str) -> str:
    names = [name.strip().lower() for name in header.split(",", 8)]
    names = [name.removeprefix("x-") for name in names if name not in {"", "identity"}]
    if len(names) > 1:
        raise BodyRefused(f"the reply has {len(names)} content codings: more than one is not undone")
    if names and names[0] not in CODINGS:
        raise BodyRefused(f"the reply has the content coding {names[0][:40]!r}, which was not offered")
    return names[0] if names else ""
