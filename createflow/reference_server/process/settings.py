"""The settings of a process, passed in one JSON file.

They hold passwords, and other users of the machine could read command lines and environments.
"""

import json
import ssl
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from createflow.reference_server.defects.defect import NoSeed
from createflow.reference_server.process.private_file import write_private


def seed_of_defects(names: Sequence[str]) -> NoSeed:
    """Return the seed of these defects, or one that changes nothing.

    Raises:
        UserError: no seeded defect has one of these names.
    """
    if not names:
        return NoSeed()
    from createflow.reference_server.defects.registry import seed_of  # a healthy process imports no mutant

    return seed_of(names)


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one gateway, service or worker process. Durations in seconds."""

    instance: str
    """Name of this process, for example ``gateway-1``; shown in logs."""
    host: str
    port: int
    """HTTP: the API on a gateway; /healthz, /readyz and /metrics on every kind."""
    nats_url: str
    """With user and password."""
    valkey_url: str
    primary_dsn: str
    """PgBouncer if it is in the path, otherwise the primary."""
    direct_dsn: str
    """The primary itself, for what needs a session (the lock of the outbox relay)."""
    replica_dsns: tuple[str, ...]
    search_url: str
    search_index: str
    jwks_file: str
    issuer: str
    audience: str
    http_socket: str = ""
    """A Unix socket that HAProxy on the same machine may use instead of the port; empty for none."""
    prepared_statements: bool = True
    """False behind a pooler that does not track them (PgBouncer before 1.21)."""
    gateways: int = 1
    """How many gateways share the rate limit while Valkey is away."""
    rate_per_s: float = 50.0
    burst: int = 100
    max_body_bytes: int = 64 * 1024
    rpc_timeout_s: float = 2.0
    pool_size: int = 8
    pool_wait_s: float = 0.3
    cache_ttl_s: int = 60
    subject_prefix: str = "createflow"
    """First token of every NATS subject, so that several stacks can share a server."""
    private: bool = False
    """A resource exists for its creator only, and for who may change those of others."""
    conditional_updates: bool = False
    """An update or a delete without If-Match is refused."""
    services: int = 1
    """How many services there may be."""
    capacity_per_s: float = 0.0
    """What a service takes at most, however much CPU it has; 0: as much as it can."""
    keep_s: float = 24 * 3600.0
    """How long published events stay in the outbox, and Idempotency-Keys are known."""
    authority_file: str = ""
    """PEM of the authority that signs the engines' certificates; empty where connections do not leave the machine."""
    certificate_file: str = ""
    """PEM of private key and chain, shown to the engines; empty for none."""
    shares_clock: bool = True
    """Whether the balancer has the clock of this process, so that it can tell when it sent a request."""
    defects: tuple[str, ...] = ()
    """Names of seeded defects (``reference_server.defects``): of ``createflow up --defect``, and of tests."""

    def save(self, path: Path) -> None:
        """Write the settings to a file that only this user can read."""
        write_private(path, json.dumps(asdict(self), indent=1))

    def trust(self) -> ssl.SSLContext | None:
        """What a client of an engine trusts and shows; None where connections do not leave the machine."""
        if not self.authority_file:
            return None
        trust = ssl.create_default_context(cafile=self.authority_file)
        if self.certificate_file:
            trust.load_cert_chain(self.certificate_file)
        return trust

    def seed(self) -> NoSeed:
        """Return the seed of the defects, or one that changes nothing.

        Raises:
            UserError: no seeded defect has one of these names.
        """
        return seed_of_defects(self.defects)

    @classmethod
    def load(cls, path: Path) -> "Settings":
        """Read settings that ``save`` wrote."""
        return cls.of(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Settings":
        """Return the settings that such a document holds.

        Raises:
            KeyError, TypeError: it lacks one, or has another.
        """
        lists = {name: tuple(document[name]) for name in ("replica_dsns", "defects")}
        return cls(**{**document, **lists})
