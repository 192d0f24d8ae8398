"""``[sinks]``: the places that a write must reach, one section for each. A ``kind``, or the URL, chooses the engine."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from createflow.schemas.profile_section import Section
from createflow.schemas.profile_sinks.documents import (
    CommandSink,
    HttpSink,
    LogFileSink,
    MappedSink,
    ReplicaDocuments,
)
from createflow.schemas.profile_sinks.events import (
    EVENT_MODELS,
    AnyEvents,
    CommandEvents,
    EventAudit,
    EventShape,
    EventSink,
    KafkaSink,
    RabbitSink,
    RedisStreamSink,
)
from createflow.schemas.profile_sinks.rows import ReplicaSink, SqlSink
from createflow.schemas.profile_sinks.stores import CacheSink, SearchSink

__all__ = [
    "EVENT_MODELS",
    "SINK_TAGS",
    "AnyAudit",
    "AnyCache",
    "AnyEvents",
    "AnyReplica",
    "AnyRows",
    "AnySearch",
    "CacheSink",
    "CommandEvents",
    "CommandSink",
    "EventAudit",
    "EventShape",
    "EventSink",
    "HttpSink",
    "KafkaSink",
    "LogFileSink",
    "MappedSink",
    "RabbitSink",
    "RedisStreamSink",
    "ReplicaDocuments",
    "ReplicaSink",
    "SearchSink",
    "Sinks",
    "SqlSink",
]

SINK_TAGS = frozenset(
    {
        *("sql", "command", "http", "log_file", "events", "redis", "elasticsearch", "documents"),
        *("nats", "kafka", "redis_stream", "rabbitmq"),
    }
)
"""The kinds: they stand in the place of an error of the model, and not in a profile's path of keys."""


def _kind(default: str) -> Discriminator:
    def kind(section: Any) -> str:
        given = section.get("kind") if isinstance(section, dict) else getattr(section, "kind", None)
        return default if given is None else str(given)

    return Discriminator(kind)


def _replica_kind(section: Any) -> str:
    if isinstance(section, dict):
        return "documents" if {"command", "url"} & section.keys() else "sql"
    return "documents" if isinstance(section, ReplicaDocuments) else "sql"


_Documents = Annotated[CommandSink, Tag("command")] | Annotated[HttpSink, Tag("http")]
AnyRows = Annotated[Annotated[SqlSink, Tag("sql")] | _Documents, _kind("sql")]
AnyAudit = Annotated[
    Annotated[SqlSink, Tag("sql")]
    | _Documents
    | Annotated[LogFileSink, Tag("log_file")]
    | Annotated[EventAudit, Tag("events")],
    _kind("sql"),
]
AnyCache = Annotated[Annotated[CacheSink, Tag("redis")] | _Documents, _kind("redis")]
AnySearch = Annotated[Annotated[SearchSink, Tag("elasticsearch")] | _Documents, _kind("elasticsearch")]
AnyReplica = Annotated[
    Annotated[ReplicaSink, Tag("sql")] | Annotated[ReplicaDocuments, Tag("documents")], Discriminator(_replica_kind)
]


class Sinks(Section):
    """``[sinks]``: the places that a write must reach, each optional."""

    primary: AnyRows | None = None
    """The row query must return the columns of the representation, under the representation's names."""
    replicas: tuple[AnyReplica, ...] = Field(default=())
    """Every replica that reads may go to."""
    audit: AnyAudit | None = None
    """Columns ``actor``, ``action``, ``resource_id``, ``occurred_at``, ``outcome``, ``request_id``."""
    cache: AnyCache | None = None
    """The cache."""
    events: AnyEvents | None = None
    """The event stream."""
    search: AnySearch | None = None
    """The search index."""
