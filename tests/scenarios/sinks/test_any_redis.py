"""Whatever a server answers for a cache: a value, or a doubt that says so. Within bounds of memory and time."""

import asyncio
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from redis.exceptions import RedisError

from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks import redis as module
from createflow.scenarios.sinks.redis import RedisCache
from createflow.schemas.profile_sinks import CacheSink

DECLARED = (Inconclusive, NotDeclared, RedisError, OSError)
ANSWERS = st.binary(max_size=30) | st.sampled_from(
    [
        *(
            b"+OK\r\n",
            b":5\r\n",
            b":-1\r\n",
            b":99999999999999999999\r\n",
            b":\r\n",
            b":1_0\r\n",
            b"$-1\r\n",
            b"*-1\r\n",
        ),
        *(
            b"$3\r\n{}\n\r\n",
            b"$-2\r\n",
            b"$1\r\nab\r\n",
            b"$99999999999\r\n",
            b"*99999999999\r\n",
            b"*0\r\n",
            b"_\r\n",
        ),
        *(
            b"-ERR \x1b[2J\r\n",
            b"-LOADING\r\n",
            b"-MOVED 1 evil:1\r\n",
            b">1\r\n+x\r\n",
            b"%1\r\n+a\r\n+b\r\n",
            b",1\r\n",
        ),
        *(
            b"*2\r\n$1\r\n0\r\n:4\r\n",
            b"*2\r\n$1\r\n0\r\n*1\r\n*0\r\n",
            b"*1\r\n" * 2_000,
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"",
        ),
    ]
)


async def asked(answer: Callable[[], bytes], *, field: str | None = None, rest: bytes = b"") -> list[object]:
    """What each reading of the cache ends with; the server closes after ``rest``, or goes on with it for ever."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(4096):
                writer.write(answer())
                while rest:
                    writer.write(rest)
                    await writer.drain()
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        cache = RedisCache(CacheSink.model_validate({"url": url, "key": "k:{id}", "field": field}))
        ended: list[object] = []
        readings: tuple[Callable[[], Any], ...] = (
            cache.open,
            lambda: cache.value("1"),
            lambda: cache.keys_holding("x"),
        )
        for reading in readings:
            try:
                ended.append(await reading())
            except DECLARED as doubt:
                ended.append(doubt)
        await cache.close()
        return ended


@settings(max_examples=40, deadline=None)
@given(st.lists(ANSWERS, min_size=1, max_size=4), st.sampled_from([None, "f"]))
@example([b":1\r\n", b":4\r\n"], None)
@example([b":1\r\n", b":1\r\n", b"*2\r\n$1\r\n5\r\n*0\r\n"], "f")
def test_any_answer_is_a_value_or_a_doubt(answers: list[bytes], field: str | None) -> None:
    """Never an error of another kind, and no text where a document is looked for."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_TIMEOUT_S", 0.02)
        left = iter(answers * 300)
        _, value, _ = asyncio.run(asked(lambda: next(left, b""), field=field))
    assert value is None or isinstance(value, (dict, *DECLARED))


def test_a_scan_that_never_ends_is_ended() -> None:
    """By the number of its steps."""

    async def scan() -> None:
        cache = RedisCache(CacheSink.model_validate({"url": "redis://127.0.0.1:1/0", "key": "k:{id}"}))
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(cache._redis, "answer", lambda name, *_: _later(1 if name == "DBSIZE" else [b"7", []]))
            with pytest.raises(Inconclusive, match="did not end within 200 steps"):
                await cache.keys_holding("x")
        await cache.close()

    asyncio.run(scan())


async def _later(answer: object) -> object:
    return answer


@pytest.mark.parametrize("part", ["x", "*1\r\n", "+a\r\n", "-a\r\n"], ids=["bulk", "nested", "texts", "a huge list"])
def test_a_reply_without_an_end_fills_no_memory(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read up to a bound."""
    monkeypatch.setattr(module, "_MAX_REPLY_BYTES", 1_000_000)
    start = {"x": b"$99999999999\r\n", "*": b"*1\r\n", "+": b"*999999\r\n", "-": b"*2147483647\r\n"}[part[:1]]
    tracemalloc.start()
    try:
        ended = asyncio.run(asked(lambda: start, rest=part.encode() * 4_096))
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()
    assert all(isinstance(one, DECLARED) for one in ended)
