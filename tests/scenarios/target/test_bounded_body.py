"""A body is decoded within bounds, however small it came."""

import gzip
import zlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from createflow.scenarios.target.bounded_body import BodyRefused, decoded, whole_body

LIMIT = 100_000


async def _whole(body: bytes, coding: str) -> bytes:
    return await whole_body(httpx.Response(200, headers={"content-encoding": coding}, stream=_Bytes(body)), LIMIT)


class _Bytes(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204
        yield self._body


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("", b"text"),
        ("identity", b"text"),
        ("gzip", gzip.compress(b"text")),
        ("x-gzip", gzip.compress(b"text")),
        ("deflate", zlib.compress(b"text")),
        ("deflate", zlib.compress(b"text")[2:-4]),
    ],
)
async def test_one_coding_is_undone(coding: str, body: bytes) -> None:
    """Those that requests offer; deflate with and without its wrapper."""
    assert await _whole(body, coding) == b"text"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("coding", "body", "reason"),
    [
        ("", b"x" * (LIMIT + 1), "longer than"),
        ("gzip", gzip.compress(bytes(10_000_000)), "after decoding"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"text")), "2 content codings"),
        ("gzip,br,gzip", b"", "3 content codings"),
        ("br", b"text", "not offered"),
        ("gzip", b"no gzip", "no valid gzip"),
        ("gzip", gzip.compress(b"text")[:-4], "does not end"),
        ("gzip", gzip.compress(b"text") + b"more", "does not end"),
    ],
)
async def test_what_is_out_of_bounds_is_refused(coding: str, body: bytes, reason: str) -> None:
    """With its reason."""
    with pytest.raises(BodyRefused, match=reason):
        await _whole(body, coding)


@given(st.binary(max_size=2_000), st.sampled_from(["gzip", "deflate"]))
def test_rubbish_is_decoded_or_refused(body: bytes, coding: str) -> None:
    """Never more than allowed, and nothing else is raised."""
    try:
        assert len(decoded(body, coding, LIMIT)) <= LIMIT
    except BodyRefused:
        return
