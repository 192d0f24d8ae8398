"""Redis and Valkey: the cache of the representation, read-only."""

from collections.abc import Awaitable
from typing import Any, Self, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.target.received import NotJson, json_of
from createflow.schemas.error import UserError
from createflow.schemas.profile_sinks import CacheSink

_TIMEOUT_S = 2.0
_MAX_SCANNED_KEYS = 20_000
_SCAN_SIZE = 1_000
_MAX_VALUE_BYTES = 4 * 1024 * 1024


class RedisCache:
    """Fills Cache.

    Raises:
        UserError: the URL is not one of a Redis.
    """

    def __init__(self, sink: CacheSink) -> None:
        self._sink = sink
        try:
            self._redis = Redis.from_url(
                sink.url.get_secret_value(),
                protocol=2,
                socket_timeout=_TIMEOUT_S,
                socket_connect_timeout=_TIMEOUT_S,
                retry=Retry(NoBackoff(), 1),
            )
        except ValueError:
            raise UserError(
                "the url of [sinks.cache] is not a Redis URL", hint="redis://USER:PASSWORD@HOST:PORT/0"
            ) from None

    @property
    def address(self) -> str:
        """Host and port, without credentials."""
        return urlsplit(self._sink.url.get_secret_value()).netloc.rpartition("@")[2]

    async def open(self) -> Self:
        """Connect, so that a wrong address is found before the first check."""
        await self._redis.ping()
        return self

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def value(self, resource_id: str) -> dict[str, Any] | None:
        """The cached representation; ``None`` when there is none."""
        raw = await self._raw(self._sink.key.replace("{id}", resource_id))
        try:
            document = json_of(raw) if raw else None
        except NotJson:
            return None
        return document if isinstance(document, dict) else None

    async def keys_holding(self, text: str) -> list[str]:
        """Keys whose value contains the text. Raises NotDeclared when the cache has too many keys to scan."""
        if await self._redis.dbsize() > _MAX_SCANNED_KEYS:
            raise NotDeclared(f"the cache has more than {_MAX_SCANNED_KEYS} keys: too many to scan")
        found: list[str] = []
        pattern = self._sink.key.replace("{id}", "*")
        async for key in self._redis.scan_iter(match=pattern, count=_SCAN_SIZE):
            raw = await self._raw(key)
            if raw is not None and text.encode() in raw:
                found.append(key.decode("utf-8", "replace"))
        return found

    async def _raw(self, key: str | bytes) -> bytes | None:
        try:
            if self._sink.field is None:
                # One byte more than allowed tells that there are more; an absent value is an empty one.
                value = await self._redis.getrange(key, 0, _MAX_VALUE_BYTES) or None
            else:
                value = await self._field(cast("str", key), self._sink.field)
        except ResponseError:  # a key of another type that matches the pattern
            return None
        if value is not None and len(value) > _MAX_VALUE_BYTES:
            raise Inconclusive(f"the cache has a value of more than {_MAX_VALUE_BYTES} bytes: too long to read")
        return cast("bytes | None", value)

    async def _field(self, key: str, field: str) -> bytes | None:
        length = await self._redis.hstrlen(key, field)
        if length > _MAX_VALUE_BYTES:
            raise Inconclusive(f"the cache has a value of {length} bytes: too long to read")
        return await cast("Awaitable[bytes | None]", self._redis.hget(key, field))
