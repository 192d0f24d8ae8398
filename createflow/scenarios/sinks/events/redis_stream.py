"""Redis Streams: XRANGE from the last entry on. No consumer group, nothing is acknowledged."""

import json
from contextlib import suppress
from typing import Any

from redis.exceptions import AuthenticationError, AuthorizationError, RedisError, ResponseError

from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.failure import SinkFailed, reason_of
from createflow.scenarios.sinks.redis import RedisConnection
from createflow.scenarios.sinks.sink import PublishedEvent
from createflow.schemas.profile_sinks import RedisStreamSink

_PAGE_ENTRIES = 500
_BEGINNING = b"0-0"


class RedisStreamSource:
    """Fills EventSource.

    Raises:
        UserError: the URL is not one of a Redis.
    """

    keeps = True

    def __init__(self, section: RedisStreamSink) -> None:
        self._section = section
        self._redis = RedisConnection(section.url.get_secret_value(), key="sinks.events", what="the stream")
        self._last: bytes | None = None
        """The id of the last entry that was taken; ``None`` before the first opening."""
        self._beginning: bytes | None = None

    @property
    def address(self) -> str:
        """Host and port, without credentials."""
        return self._redis.address

    async def open(self) -> None:
        """Connect, and go on after the last entry that was taken."""
        if self._last is None:
            await self.skip()
            self._beginning = self._last
        elif self._last != _BEGINNING and not await self._entries("XRANGE", self._last, self._last):
            raise NotDeclared(f"the stream {self._section.stream} has dropped events since the run began")

    async def take(self) -> list[PublishedEvent]:
        """A page of entries; none where the last one was taken."""
        last = self._last or _BEGINNING
        found = await self._entries("XRANGE", b"(" + last, b"+", "COUNT", _PAGE_ENTRIES)
        if found:
            self._last = found[-1][0]
        return [self._event(one_id, fields) for one_id, fields in found]

    async def skip(self) -> None:
        """Go behind the last entry."""
        newest = await self._entries("XREVRANGE", "+", "-", "COUNT", 1)
        self._last = newest[0][0] if newest else _BEGINNING

    async def can_write(self) -> str:
        """What its user may do besides reading, where the server tells."""
        return await self._redis.can_write()

    def rewind(self) -> None:
        """Go back to the last entry of when it was opened first."""
        self._last = self._beginning

    async def close(self) -> None:
        """Close the connections."""
        with suppress(RedisError, OSError):
            await self._redis.close()

    async def _entries(self, command: str, *arguments: str | bytes | int) -> list[tuple[bytes, dict[bytes, bytes]]]:
        try:
            answer = await self._redis.answer(command, self._section.stream, *arguments)
        except (AuthenticationError, AuthorizationError) as error:
            raise SinkFailed(f"{reason_of(error)}; check user and password of sinks.events.url") from None
        except ResponseError as error:
            raise SinkFailed(
                f"{command}: {reason_of(error)}; check sinks.events.stream, and the user's rights"
            ) from None
        except (RedisError, OSError) as error:
            raise SinkFailed(f"{reason_of(error)}; check sinks.events.url") from None
        try:
            return [(bytes(one_id), _fields(fields)) for one_id, fields in answer]
        except (TypeError, ValueError):
            raise Inconclusive("the stream answered with something that no Redis answers with") from None

    def _event(self, one_id: bytes, fields: dict[bytes, bytes]) -> PublishedEvent:
        texts = {name.decode("utf-8", "replace"): value for name, value in fields.items()}
        wanted = self._section.entry_field
        if wanted is not None:
            data = texts.pop(wanted, b"{}")
        else:
            data = json.dumps({name: _value(value) for name, value in texts.items()}, ensure_ascii=False).encode()
        headers = {name: value.decode("utf-8", "replace") for name, value in texts.items()}
        return PublishedEvent(data, subject=self._section.stream, headers=headers, position=one_id.decode())


def _fields(flat: Any) -> dict[bytes, bytes]:
    pairs = list(flat)
    return {bytes(name): bytes(value) for name, value in zip(pairs[::2], pairs[1::2], strict=True)}


def _value(raw: bytes) -> Any:
    """A JSON object or list as such; anything else is the text that it is."""
    text = raw.decode("utf-8", "replace")
    if text[:1] in {"{", "["}:
        with suppress(ValueError, RecursionError):
            return json.loads(text)
    return text
