"""The cache in Valkey: a hash of version and body for each resource."""

import random

from createflow.reference_server.adapters.valkey import Valkey
from createflow.reference_server.domain.port import Copy

JITTER_RATIO = 0.1
"""Entries made together do not expire together."""


class ValkeyCache:
    """Copies under ``{prefix}:resource:{id}``; an empty body is a tombstone."""

    def __init__(self, valkey: Valkey, *, prefix: str, ttl_s: int) -> None:
        self._valkey = valkey
        self._prefix = prefix
        self._ttl_ms = ttl_s * 1000

    async def read(self, resource_id: str) -> Copy | None:
        """The cached copy."""
        version, body = await self._valkey.command("HMGET", self._key(resource_id), "version", "body")
        return None if version is None else Copy(int(version), body or b"")

    async def set_if_newer(self, resource_id: str, copy: Copy) -> None:
        """Keep the copy unless a newer one is there."""
        ttl_ms = round(self._ttl_ms * random.uniform(1 - JITTER_RATIO, 1 + JITTER_RATIO))  # noqa: S311 - not a secret
        await self._valkey.run("set_if_newer", self._key(resource_id), copy.version, copy.document, ttl_ms)

    def _key(self, resource_id: str) -> str:
        return f"{self._prefix}:resource:{resource_id}"
