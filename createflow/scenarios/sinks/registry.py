"""Chooses the engine of each sink by the scheme of its URL, and opens what a profile configures.

A new engine is a module of this package and a line in this one.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import nats.errors
import psycopg
from nats.js.errors import Error as JetStreamError
from pydantic import SecretStr
from redis.exceptions import RedisError

from createflow.scenarios.sinks.documents.command import CommandSource
from createflow.scenarios.sinks.documents.http import HttpSource
from createflow.scenarios.sinks.documents.roles import DocumentCache, DocumentIndex, Documents, DocumentTable
from createflow.scenarios.sinks.elasticsearch import ElasticsearchIndex
from createflow.scenarios.sinks.events.audit import EventTrail, shape_of_entries, shape_of_log
from createflow.scenarios.sinks.events.command import CommandEventSource
from createflow.scenarios.sinks.events.kafka import KafkaSource
from createflow.scenarios.sinks.events.log_file import LogFileSource
from createflow.scenarios.sinks.events.polled import EventSource, PolledStream
from createflow.scenarios.sinks.events.rabbitmq import RabbitSource
from createflow.scenarios.sinks.events.redis_stream import RedisStreamSource
from createflow.scenarios.sinks.events.shape import EventReader
from createflow.scenarios.sinks.failure import SinkFailed
from createflow.scenarios.sinks.mysql import MysqlTable
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
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile_sinks import (
    AnyCache,
    AnyEvents,
    AnyReplica,
    AnyRows,
    AnySearch,
    CacheSink,
    CommandEvents,
    CommandSink,
    EventAudit,
    EventSink,
    HttpSink,
    KafkaSink,
    LogFileSink,
    MappedSink,
    RabbitSink,
    RedisStreamSink,
    ReplicaSink,
    SearchSink,
    Sinks,
    SqlSink,
)

Engine = TypeVar("Engine")

TABLES: dict[str, Callable[[str, str, SqlSink], Table]] = {
    "postgresql": PostgresTable,
    "postgres": PostgresTable,
    "mysql": MysqlTable,
    "mariadb": MysqlTable,
}
CACHES: dict[str, Callable[[CacheSink], Cache]] = {"redis": RedisCache, "rediss": RedisCache, "unix": RedisCache}
INDEXES: dict[str, Callable[[SearchSink], SearchIndex]] = {"http": ElasticsearchIndex, "https": ElasticsearchIndex}
"""Engines by URL scheme. The first of each kind takes what no other does."""
SOURCES: dict[type, Callable[[Any], EventSource]] = {
    KafkaSink: KafkaSource,
    RedisStreamSink: RedisStreamSource,
    RabbitSink: RabbitSource,
    CommandEvents: CommandEventSource,
}
"""Engines of events by the model of their section; NATS has its own ways to read."""


def table(name: str, dsn: SecretStr, queries: SqlSink) -> Table:
    """A table of rows in SQL.

    Args:
        name: for messages.
        dsn: the replica's own where it is one.
        queries: the section with the queries; a replica is read with those of the primary.

    Raises:
        UserError: the DSN cannot be used.
    """
    return _engine(TABLES, dsn)(name, dsn.get_secret_value(), queries)


def primary_table(sinks: Sinks) -> Table | None:
    """The primary, where it is configured. Raises UserError when its DSN or URL cannot be used."""
    return None if sinks.primary is None else _rows("the primary", "sinks.primary", sinks.primary)


def replica_tables(sinks: Sinks) -> tuple[Table, ...]:
    """The replicas, in the order of the profile; none without a primary. Raises UserError for an unusable address."""
    primary = sinks.primary
    return () if primary is None else tuple(_replica(one, primary) for one in sinks.replicas)


def audit_table(sinks: Sinks) -> Table | None:
    """The audit trail, where it is configured. Raises UserError when its DSN or URL cannot be used."""
    section, name = sinks.audit, "the audit trail"
    if isinstance(section, LogFileSink):
        shape, key, path = shape_of_log(section), "sinks.audit", section.path
        lines = PolledStream(lambda: LogFileSource(path), EventReader(shape, key=key), path)
        return EventTrail(lines, shape, key=key, has_changes=section.changes, is_once=False)
    if isinstance(section, EventAudit):
        key = "sinks.audit.stream"
        stream = event_stream(section.stream, key=key)
        return EventTrail(stream, shape_of_entries(section.stream), key=key, has_changes=section.changes)
    return None if section is None else _rows(name, "sinks.audit", section)


def cache(section: AnyCache) -> Cache:
    """The cache. Raises UserError when its URL cannot be used."""
    if isinstance(section, MappedSink):
        return DocumentCache(_documents("the cache", "sinks.cache", section))
    return _engine(CACHES, section.url)(section)


def event_stream(section: AnyEvents, id_field: str = "id", *, key: str = "sinks.events") -> EventStream:
    """The event stream.

    Args:
        section: the profile's.
        id_field: the key of the resource's id in the representation.
        key: of the section, for messages.

    Raises:
        UserError: its URL cannot be used, or its extra is not installed.
    """
    if isinstance(section, EventSink):
        return NatsStream(section, id_field)
    make = SOURCES[type(section)]
    return PolledStream(lambda: make(section), EventReader(section, id_field, key=key), _name_of(section))


def search_index(section: AnySearch) -> SearchIndex:
    """The search index. Raises UserError when its URL cannot be used."""
    if isinstance(section, MappedSink):
        return DocumentIndex(_documents("the search index", "sinks.search", section))
    return _engine(INDEXES, section.url)(section)


FAILURES = (
    psycopg.Error,
    RedisError,
    nats.errors.Error,
    JetStreamError,
    httpx.HTTPError,
    BodyRefused,
    OSError,
    SinkFailed,
)
"""What a reading method of an engine raises when the sink does not answer, or not as an engine of its kind."""


def _rows(name: str, key: str, section: AnyRows) -> Table:
    if isinstance(section, SqlSink):
        return table(name, section.dsn, section)
    documents = _documents(name, key, section, audits=key == "sinks.audit")
    return DocumentTable(name, documents, has_changes=section.changes)


def _replica(replica: AnyReplica, primary: AnyRows) -> Table:
    if isinstance(replica, ReplicaSink) and isinstance(primary, SqlSink):
        return table(replica.name, replica.dsn, primary)
    if not isinstance(replica, ReplicaSink):
        if replica.command is not None and isinstance(primary, CommandSink):
            return _rows(replica.name, "sinks.replicas", primary.model_copy(update={"command": replica.command}))
        if replica.url is not None and isinstance(primary, HttpSink):
            return _rows(replica.name, "sinks.replicas", primary.model_copy(update={"url": replica.url}))
    raise UserError(
        f"the replica {replica.name} is not of the kind of [sinks.primary]",
        hint="a replica of a database has `dsn`, one behind HTTP `url`, and one that a command reads `command`",
    )


def _documents(name: str, key: str, section: CommandSink | HttpSink, *, audits: bool = False) -> Documents:
    if isinstance(section, CommandSink):
        return Documents(key, CommandSource(name, section), section, by_one_id=False, audits=audits)
    return Documents(key, HttpSource(name, key, section), section, by_one_id=True, audits=audits)


def _name_of(section: AnyEvents) -> str:
    names = ("stream", "topic", "exchange")
    return str(next((found for name in names if (found := getattr(section, name, None))), "of the command"))


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
    found = (getattr(section, name, None) for section in _sections(sinks) for name in ("dsn", "url"))
    return [url.get_secret_value() for url in found if isinstance(url, SecretStr)]


def mask_secrets(sinks: Sinks, mask: Mask, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Keep the passwords and credentials of all sinks out of reports. Returns them."""
    passwords = [mask.add_url(url) for url in secret_urls(sinks)]
    names = [name for section in _sections(sinks) if (name := getattr(section, "credential_env", None))]
    credentials = [environment[name] for name in names if environment.get(name)]
    for name, credential in zip(names, credentials, strict=False):
        mask.add(credential, shown=f"${name}")
    return [*passwords, *credentials]


def _sections(sinks: Sinks) -> Sequence[Any]:
    own = (sinks.primary, sinks.audit, *sinks.replicas, sinks.cache, sinks.events, sinks.search)
    return (*own, getattr(sinks.audit, "stream", None))


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
