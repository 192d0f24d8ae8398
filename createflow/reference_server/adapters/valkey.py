"""One client of Valkey a process, with scripts that are loaded when they turn out to be missing."""

import time
from importlib.resources import files
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from createflow.reference_server.domain.batcher import Batcher
from createflow.reference_server.domain.port import UnavailableError

TIMEOUT_S = 0.1
TRIPS = 2
PAUSE_S = 1.0
"""After a failure nobody waits for the store during this time; then one call tries again."""


Command = tuple[str | bytes | int, ...]


class Valkey:
    """Scripts and reads, each answered or given up within ``TIMEOUT_S``, never retried: a script may have run.

    Args:
        url: with user and password.
        pace_s: least time between two trips.
    """

    def __init__(self, url: str, *, pace_s: float = 0.0) -> None:
        self._client = redis.asyncio.Redis.from_url(
            url,
            protocol=2,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._trips: Batcher[Command, Any] = Batcher(self._travel, flights=TRIPS, pace_s=pace_s)
        self._digests: dict[str, str] = {}
        self._away_until = 0.0

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def ping(self) -> None:
        """One round trip.

        Raises:
            UnavailableError: no answer.
        """
        try:
            await self._client.execute_command("PING")  # type: ignore[no-untyped-call]  # the library's
        except (RedisError, OSError, TimeoutError) as error:
            raise UnavailableError(str(error)) from error

    async def run(self, script: str, key: str, *arguments: str | bytes | int) -> Any:
        """Run ``script``.lua on one key.

        Raises:
            UnavailableError: no answer in time.
        """
        digest = self._digests.get(script)
        if digest is None:
            digest = await self._load(script)
        try:
            return await self.command("EVALSHA", digest, 1, key, *arguments)
        except NoScriptError:
            digest = await self._load(script)
            return await self.command("EVALSHA", digest, 1, key, *arguments)

    async def command(self, *parts: str | bytes | int) -> Any:
        """One command.

        Raises:
            UnavailableError: no answer in time.
            NoScriptError: the server was restarted and has forgotten its scripts.
        """
        now = time.monotonic()
        if now < self._away_until:
            raise UnavailableError("the store was away a moment ago")
        if self._away_until:
            self._away_until = now + PAUSE_S  # this call is the probe; the others go on without the store
        try:
            answer = await self._trips.submit(parts)
        except NoScriptError:
            self._away_until = 0.0
            raise
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = time.monotonic() + PAUSE_S
            raise UnavailableError(str(error)) from error
        self._away_until = 0.0
        return answer

    async def _travel(self, commands: list[Command]) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipeline:
            for parts in commands:
                pipeline.execute_command(*parts)
            return await pipeline.execute(raise_on_error=False)

    async def _load(self, script: str) -> str:
        text = files("createflow.reference_server.adapters").joinpath(f"{script}.lua").read_text(encoding="utf-8")
        answer = await self.command("SCRIPT", "LOAD", text)
        digest = answer.decode() if isinstance(answer, bytes) else str(answer)
        self._digests[script] = digest
        return digest
