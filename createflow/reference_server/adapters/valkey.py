"""The client of Valkey, one a process, and the cache in it. The scripts ``*.lua`` stand beside this module."""

import random
import secrets
import time
from importlib.resources import files
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from createflow.reference_server.domain.batcher import Batcher
from createflow.reference_server.domain.ports import Copy, UnavailableError

TIMEOUT_S = 0.1
HANDSHAKE_S = 0.5
"""TLS needs two more round trips, and CPU on both sides."""
IN_FLIGHT_MAX = 2
PAUSE_S = 1.0
"""After a failure no call is sent for this long; then one call tries again."""
TTL_JITTER_RATIO = 0.1
"""Entries that are made together must not expire together."""

_PROBE_KEY = "createflow:ready"
_PROBE_TTL_MS = 5_000

Command = tuple[str | bytes | int, ...]


class ValkeyClient:
    """Runs commands and scripts, each within its time. Nothing is retried, because a script may have run.

    Args:
        url: with user and password.
        interval_s: least time between two batches of commands.
        timeout_s: of each command.
    """

    def __init__(self, url: str, *, interval_s: float = 0.0, timeout_s: float = TIMEOUT_S) -> None:
        self._client = redis.asyncio.Redis.from_url(
            url,
            protocol=2,
            socket_timeout=timeout_s,
            socket_connect_timeout=max(timeout_s, HANDSHAKE_S) if url.startswith("rediss:") else timeout_s,
            retry=Retry(NoBackoff(), 0),
        )
        self._batches: Batcher[Command, Any] = Batcher(
            self._send_batch, in_flight_max=IN_FLIGHT_MAX, interval_s=interval_s
        )
        self._digests: dict[str, str] = {}
        self._away_until = 0.0

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def stores(self) -> bool:
        """Whether a value can be written and read now. PING is answered also without memory, and by a replica."""
        token = secrets.token_hex(8)
        try:
            async with self._client.pipeline(transaction=False) as pipeline:
                pipeline.execute_command("SET", f"{_PROBE_KEY}:{token}", token, "PX", _PROBE_TTL_MS)
                pipeline.execute_command("GET", f"{_PROBE_KEY}:{token}")
                _, read = await pipeline.execute()
        except (RedisError, OSError, TimeoutError):
            return False
        return bool(read == token.encode())

    async def run_script(self, script: str, key: str, *arguments: str | bytes | int) -> Any:
        """Run ``script``.lua on one key; the script is loaded when the server does not have it.

        Raises:
            UnavailableError: Valkey does not answer in time.
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
        """Run one command.

        Raises:
            UnavailableError: Valkey does not answer in time.
            NoScriptError: the server was restarted and has lost its scripts.
        """
        now = time.monotonic()
        if now < self._away_until:
            raise UnavailableError("Valkey did not answer a moment ago")
        if self._away_until:
            self._away_until = now + PAUSE_S  # this call is the probe; the others go on without Valkey
        try:
            answer = await self._batches.submit(parts)
        except NoScriptError:
            self._away_until = 0.0
            raise
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = time.monotonic() + PAUSE_S
            raise UnavailableError(str(error)) from error
        self._away_until = 0.0
        return answer

    async def _send_batch(self, commands: list[Command]) -> list[Any]:
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


class ValkeyCache:
    """The cache: a hash of version and body under ``{prefix}:resource:{id}``; an empty body is a tombstone."""

    def __init__(self, valkey: ValkeyClient, *, prefix: str, ttl_s: int) -> None:
        self._valkey = valkey
        self._prefix = prefix
        self._ttl_ms = ttl_s * 1000

    async def read(self, resource_id: str) -> Copy | None:
        """Return the cached copy."""
        version, body = await self._valkey.command("HMGET", self._key(resource_id), "version", "body")
        return None if version is None else Copy(int(version), body or b"")

    async def set_if_newer(self, resource_id: str, copy: Copy) -> None:
        """Store the copy unless the cache has the same version or a newer one."""
        jitter = random.uniform(1 - TTL_JITTER_RATIO, 1 + TTL_JITTER_RATIO)  # noqa: S311 - not a secret
        ttl_ms = round(self._ttl_ms * jitter)
        await self._valkey.run_script("set_if_newer", self._key(resource_id), copy.version, copy.document, ttl_ms)

    def _key(self, resource_id: str) -> str:
        return f"{self._prefix}:resource:{resource_id}"
