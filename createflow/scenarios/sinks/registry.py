"""Chooses the engine of each sink by the scheme of its URL, and opens what a profile configures.

A new engine is a module of this package and a line in this one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import nats.errors
import psycopg
from nats.js.errors import Error as JetStreamError
from pydantic import SecretStr
from redis.exceptions import RedisError

from createflow.scenarios.sinks.elasticsearch import ElasticsearchIndex
from createflow.scenarios.sinks.nats.stream import NatsStream
from createflow.scenarios.sinks.postgres import PostgresTable
from createflow.scenarios.sinks.redis import RedisCache
from createflow.scenarios.sinks.sink import (
    AuditTrail,
    Cache,
    EventLog,
    EventStream,
    Primary,
    Replica,
    Replicas,
    SearchIndex,
    Sink,
    Table,
)
from createflow.scenarios.target.bounded_body import BodyRefused
from createflow.schemas.profile_sinks import CacheSink, EventSink, SearchSink, Sinks, SqlSink

Engine = TypeVar("Engine")

TABLES: dict[str, Callable[[str, str, SqlSink], Table]] = {"postgresql": PostgresTable, "postgres": PostgresTable}
CACHES: dict[str, Callable[[CacheSink], Cache]] = {"redis": RedisCache, "rediss": RedisCache, "unix": RedisCache}
STREAMS: dict[str, Callable[[EventSink, str], EventStream]] = {"nats": NatsStream, "tls": NatsStream}
INDEXES: dict[str, Callable[[SearchSink], SearchIndex]] = {"http": ElasticsearchIndex, "https": ElasticsearchIndex}
"""Engines by URL scheme. The first of each kind takes what no other does."""


def table(name: str, dsn: SecretStr, queries: SqlSink) -> Table:
    """A table of rows.

    Args:
        name: for messages.
        dsn: the replica's own where it is one.
        queries: the section with the queries; a replica is read with those of the primary.

    Raises:
        UserError: the DSN cannot be used.
    """
    return _engine(TABLES, dsn)(name, dsn.get_secret_value(), queries)


def primary_table(sinks: Sinks) -> Table | None:
    """The primary, where it is configured. Raises UserError when its DSN cannot be used."""
    return None if sinks.primary is None else table("the primary", sinks.primary.dsn, sinks.primary)


def replica_tables(sinks: Sinks) -> tuple[Table, ...]:
    """The replicas, in the order of the profile; none without a primary. Raises UserError for an unusable DSN."""
    if sinks.primary is None:
        return ()
    return tuple(table(replica.name, replica.dsn, sinks.primary) for replica in sinks.replicas)


def audit_table(sinks: Sinks) -> Table | None:
    """The audit trail, where it is configured. Raises UserError when its DSN cannot be used."""
    return None if sinks.audit is None else table("the audit trail", sinks.audit.dsn, sinks.audit)


def cache(section: CacheSink) -> Cache:
    """The cache. Raises UserError when its URL cannot be used."""
    return _engine(CACHES, section.url)(section)


def event_stream(section: EventSink, id_field: str = "id") -> EventStream:
    """The event stream.

    Args:
        section: the profile's ``[sinks.events]``.
        id_field: the key of the resource's id in the representation.
    """
    return _engine(STREAMS, section.url)(section, id_field)


def search_index(section: SearchSink) -> SearchIndex:
    """The search index."""
    return _engine(INDEXES, section.url)(section)


FAILURES = (psycopg.Error, RedisError, nats.errors.Error, JetStreamError, httpx.HTTPError, BodyRefused, OSError)
"""What a reading method of an engine raises when the sink does not answer, or not as an engine of its kind."""


@dataclass(frozen=True, slots=True)
class ConfiguredProbe:
    """A probe that the profile configures, not opened yet."""

    role: type
    probe: Any
    sinks: tuple[Sink, ...]
    """What must be opened for it."""


def configured_probes(sinks: Sinks, id_field: str) -> list[ConfiguredProbe]:
    """The probes for checks.

    Raises:
        UserError: a DSN or URL cannot be used.
    """
    found: list[ConfiguredProbe] = []

    def add(role: type, probe: Sink | None) -> None:
        if probe is not None:
            found.append(ConfiguredProbe(role, probe, (probe,)))

    add(Primary, primary_table(sinks))
    replicas = replica_tables(sinks)
    if replicas:
        found.append(ConfiguredProbe(Replicas, _Replicas(replicas), replicas))
    add(AuditTrail, audit_table(sinks))
    add(Cache, None if sinks.cache is None else cache(sinks.cache))
    add(EventLog, None if sinks.events is None else event_stream(sinks.events, id_field))
    add(SearchIndex, None if sinks.search is None else search_index(sinks.search))
    return found


def secret_urls(sinks: Sinks) -> list[str]:
    """The DSN or URL of every configured sink, with its password."""
    tables = (sinks.primary, sinks.audit, *sinks.replicas)
    others = (sinks.cache, sinks.events, sinks.search)
    urls = [section.dsn for section in tables if section is not None]
    urls += [section.url for section in others if section is not None]
    return [url.get_secret_value() for url in urls]


class _Replicas:
    """Fills Replicas."""

    def __init__(self, replicas: tuple[Replica, ...]) -> None:
        self._replicas = replicas

    def each(self) -> tuple[Replica, ...]:
        """In the order of the profile."""
        return self._replicas


def _engine(engines: dict[str, Engine], url: SecretStr) -> Engine:
    scheme = url.get_secret_value().partition("://")[0].lower()
    return engines.get(scheme, next(iter(engines.values())))
