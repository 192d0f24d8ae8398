"""Redis and Valkey: the cache of the representation, read-only."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Self, TypeVar, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.connection import DefaultParser
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.mapping import mapper_of
from createflow.scenarios.target.received import NotJson, json_of
from createflow.schemas.error import UserError
from createflow.schemas.profile_sinks import CacheSink

Kind = TypeVar("Kind")

_TIMEOUT_S = 2.0
_ANSWER_S = 10.0
"""For one value, and for one step of a scan, however slowly it comes."""
_MOST_STEPS = 200
"""Of a scan: each returns about ``_SCAN_SIZE`` keys."""
_MAX_SCANNED_KEYS = 20_000
_SCAN_SIZE = 1_000
_READ_AT_ONCE = 200
_MAX_VALUE_BYTES = 4 * 1024 * 1024
_MAX_REPLY_BYTES = 4 * _MAX_VALUE_BYTES
"""Of the replies to all that is asked for the longest is a value."""
_HUGE_LIST = re.compile(rb"(?:^|\n)[*%~>][0-9]{8,}\r")
"""The library makes room for all that is announced. For two thousand million it takes ten seconds to give it back."""


class _BoundedStream:
    """A stream of which no reply takes more than ``_MAX_REPLY_BYTES``."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream
        self.received_bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def read(self, size: int) -> bytes:
        """At most so many bytes. Raises Inconclusive beyond the bound."""
        part = await self._stream.read(size)
        self.received_bytes += len(part)
        if _HUGE_LIST.search(part):
            raise _Unreadable
        if self.received_bytes > _MAX_REPLY_BYTES:
            raise Inconclusive(f"Redis sent a reply of more than {_MAX_REPLY_BYTES} bytes: too long to read")
        return part


_Parser: Any = DefaultParser  # one of two, by what is installed


class _BoundedParser(_Parser):  # type: ignore[misc]
    """The parser of the library, on a bounded stream."""

    _stream: Any

    def on_connect(self, connection: Any) -> None:
        super().on_connect(connection)
        self._stream = _BoundedStream(self._stream)

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        self._stream.received_bytes = 0
        return await super().read_response(*arguments, **options)


class RedisConnection:
    """Sends single commands, and gives the answers as they stand, within bounds of time and size.

    Args:
        url: of the server.
        key: the section of the profile, for messages.
        what: it holds, for messages.

    Raises:
        UserError: the URL is not one of a Redis.
    """

    def __init__(self, url: str, *, key: str, what: str) -> None:
        self._url = url
        self._what = what
        try:
            self._redis = Redis.from_url(
                url,
                protocol=2,
                parser_class=_BoundedParser,
                socket_timeout=_TIMEOUT_S,
                socket_connect_timeout=_TIMEOUT_S,
                retry=Retry(NoBackoff(), 1),
            )
        except ValueError:
            raise UserError(
                f"the url of [{key}] is not a Redis URL", hint="redis://USER:PASSWORD@HOST:PORT/0"
            ) from None

        # They take any answer for one of a Redis.
        self._redis.response_callbacks.clear()

    @property
    def address(self) -> str:
        """Host and port, without credentials."""
        return urlsplit(self._url).netloc.rpartition("@")[2]

    async def ping(self) -> None:
        """Connect, so that a wrong address is found before the first check."""
        await self._redis.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def can_write(self) -> str:
        """What the server says of a user who may do more than read; empty for one who may not ask for it."""
        try:
            name = await self.answer("ACL", "WHOAMI")
            told = await self.answer("ACL", "GETUSER", name)
        except (RedisError, Inconclusive):
            return ""  # a user who may only read may not ask either
        parts = [part for part in told if isinstance(part, bytes)] if isinstance(told, list) else []
        rights = next((part.decode("utf-8", "replace") for part in parts if b"@all" in part), "")
        return rights or "it may ask for the rights of users"

    async def answer(self, *command: str | bytes | int) -> Any:
        """What the server answers, as it stands."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await cast("Any", self._redis).execute_command(*command)
        except (ValueError, TypeError, MemoryError, RecursionError):  # of the library, by what it did not expect
            raise _Unreadable(self._what) from None

    async def answers(self, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]:
        """The answers to several commands that are sent at once; an error is one of them."""
        try:
            async with asyncio.timeout(_ANSWER_S), self._redis.pipeline(transaction=False) as pipeline:
                for command in commands:
                    cast("Any", pipeline).execute_command(*command)
                return await pipeline.execute(raise_on_error=False)
        except (ValueError, TypeError, MemoryError, RecursionError):  # as above
            raise _Unreadable(self._what) from None


class RedisCache:
    """Fills Cache.

    Raises:
        UserError: the URL is not one of a Redis.
    """

    def __init__(self, sink: CacheSink) -> None:
        self._sink = sink
        self._mapper = mapper_of("sinks.cache", sink.resource, sink.fields)
        self._redis = RedisConnection(sink.url.get_secret_value(), key="sinks.cache", what="the cache")

    @property
    def address(self) -> str:
        """Host and port, without credentials."""
        return self._redis.address

    async def open(self) -> Self:
        """Connect, so that a wrong address is found before the first check."""
        await self._redis.ping()
        return self

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.close()

    async def can_write(self) -> str:
        """What its user may do besides reading, where the server tells."""
        return await self._redis.can_write()

    async def value(self, resource_id: str) -> dict[str, Any] | None:
        """The cached representation; ``None`` when there is none."""
        raw = await self._raw(self._sink.key.replace("{id}", resource_id))
        try:
            document = json_of(raw) if raw else None
        except NotJson:
            return None
        if isinstance(document, dict) and self._mapper is not None:
            return self._mapper.row_of(document)
        return document if isinstance(document, dict) else None

    async def keys_holding(self, text: str) -> list[str]:
        """Keys whose value contains the text. Raises NotDeclared when the cache has too many keys to scan."""
        if _as(int, await self._redis.answer("DBSIZE")) > _MAX_SCANNED_KEYS:
            raise NotDeclared(f"the cache has more than {_MAX_SCANNED_KEYS} keys: too many to scan")
        keys, wanted, found = await self._keys(), text.encode(), list[str]()
        for start in range(0, len(keys), _READ_AT_ONCE):
            some = keys[start : start + _READ_AT_ONCE]
            values = await self._values(some)
            held = [key for key, value in zip(some, values, strict=True) if wanted in value]
            found += [key.decode("utf-8", "replace") for key in held]
        return found

    async def _values(self, keys: Sequence[bytes]) -> list[bytes]:
        """The values of several keys; empty for one that is gone, or of another type that matches the pattern."""
        field = self._sink.field
        lengths = await self._redis.answers(
            [("STRLEN", key) if field is None else ("HSTRLEN", key, field) for key in keys]
        )
        total = sum(_as(int, length) for length in lengths if not isinstance(length, ResponseError))
        if total > _MAX_VALUE_BYTES:  # what may be one value is enough memory for several
            return [await self._raw(key) or b"" for key in keys]
        values = await self._redis.answers(
            [("GETRANGE", key, 0, _MAX_VALUE_BYTES) if field is None else ("HGET", key, field) for key in keys]
        )
        return [b"" if value is None or isinstance(value, ResponseError) else _as(bytes, value) for value in values]

    async def _keys(self) -> list[bytes]:
        """The keys of representations, some of them twice."""
        found: list[bytes] = []
        cursor, pattern = b"0", self._sink.key.replace("{id}", "*")
        for _ in range(_MOST_STEPS):
            answer = await self._redis.answer("SCAN", cursor, "MATCH", pattern, "COUNT", _SCAN_SIZE)
            if not isinstance(answer, (list, tuple)) or len(answer) != 2:
                raise _Unreadable
            cursor, keys = _as(bytes, answer[0]), _as(list, answer[1])
            found += [_as(bytes, key) for key in keys]
            if cursor == b"0" or len(found) > 2 * _MAX_SCANNED_KEYS:
                break
        if cursor != b"0":
            raise Inconclusive(f"a scan of the cache did not end within {_MOST_STEPS} steps and twice its keys")
        return found

    async def _raw(self, key: str | bytes) -> bytes | None:
        try:
            if self._sink.field is None:
                # One byte more than allowed tells that there are more; an absent value is an empty one.
                value = _as(bytes, await self._redis.answer("GETRANGE", key, 0, _MAX_VALUE_BYTES)) or None
            else:
                value = await self._field(key, self._sink.field)
        except ResponseError:  # a key of another type that matches the pattern
            return None
        if value is not None and len(value) > _MAX_VALUE_BYTES:
            raise Inconclusive(f"the cache has a value of more than {_MAX_VALUE_BYTES} bytes: too long to read")
        return value

    async def _field(self, key: str | bytes, field: str) -> bytes | None:
        length = _as(int, await self._redis.answer("HSTRLEN", key, field))
        if length > _MAX_VALUE_BYTES:
            raise Inconclusive(f"the cache has a value of {length} bytes: too long to read")
        value = await self._redis.answer("HGET", key, field)
        return None if value is None else _as(bytes, value)


class _Unreadable(Inconclusive):
    """The server does not speak as a Redis."""

    def __init__(self, what: str = "the cache") -> None:
        super().__init__(f"{what} answered with something that no Redis answers with")


def _as(kind: type[Kind], value: object) -> Kind:
    if not isinstance(value, kind):
        raise _Unreadable
    return value
