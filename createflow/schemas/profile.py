"""The profile: how any deployment is described to the tester.

``createflow up`` writes one for the bundled stack; users write theirs as ``createflow.toml``. The model only says
what is allowed; reading files and the environment is in ``profile_file.py``.
"""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from createflow.schemas.baseline import BaselineEntry
from createflow.schemas.profile_auth import (
    ApiKeyAuth,
    Auth,
    BasicAuth,
    CommandAuth,
    JwtAuth,
    NoAuth,
    OAuth2Auth,
    StaticAuth,
)
from createflow.schemas.profile_section import Seconds, Section
from createflow.schemas.profile_target import Envelope, Errors, Fields, Meaning, Request, Target

__all__ = [
    "ApiKeyAuth",
    "Auth",
    "BaselineEntry",
    "BasicAuth",
    "CacheSink",
    "CommandAuth",
    "Deadlines",
    "Envelope",
    "Errors",
    "EventSink",
    "FaultCommands",
    "FaultName",
    "Fields",
    "JwtAuth",
    "Limits",
    "Meaning",
    "NoAuth",
    "OAuth2Auth",
    "Profile",
    "ReplicaSink",
    "Request",
    "SearchSink",
    "Section",
    "Sinks",
    "Slo",
    "SqlSink",
    "StaticAuth",
    "Target",
]


class SqlSink(Section):
    """A table that can be asked, read-only."""

    dsn: SecretStr
    by_id: str
    """SQL with ``%(id)s``."""
    by_name: str | None = None
    """SQL with ``%(name)s``: finds what a refused create may have left behind."""
    by_actor: str | None = None
    """For the audit trail, SQL with ``%(actor)s``: finds entries about resources that do not exist."""


class ReplicaSink(Section):
    """One streaming replica; the queries are the primary's."""

    name: str
    dsn: SecretStr


class CacheSink(Section):
    """``[sinks.cache]``: a Redis or Valkey that holds the representation."""

    url: SecretStr
    key: str
    """Template with ``{id}``."""
    field: str | None = None
    """The hash field that holds the JSON body; absent when the key is a plain string."""


class EventSink(Section):
    """``[sinks.events]``: a NATS JetStream stream; JSON Pointers say where things are in an event."""

    url: SecretStr
    stream: str
    subject: str
    """Filter, for example ``orders.created``."""
    resource: str = "/data"
    """JSON Pointer to the representation inside the event."""
    event_id: str = "/id"
    """JSON Pointer to the event's own id."""


class SearchSink(Section):
    """``[sinks.search]``: an Elasticsearch or OpenSearch index, documents by resource id."""

    url: SecretStr
    index: str


class Sinks(Section):
    """``[sinks]``: everything the write must reach, each optional."""

    primary: SqlSink | None = None
    """The row query must return the columns of the representation, under the representation's names."""
    replicas: tuple[ReplicaSink, ...] = ()
    audit: SqlSink | None = None
    """Columns ``actor``, ``action``, ``resource_id``, ``occurred_at``, ``outcome``, ``request_id``."""
    cache: CacheSink | None = None
    events: EventSink | None = None
    search: SearchSink | None = None


class FaultCommands(Section):
    """``[faults.NAME]``: how a fault is brought in and taken out; argument lists, no shell."""

    inject: Annotated[tuple[str, ...], Field(min_length=1)]
    heal: Annotated[tuple[str, ...], Field(min_length=1)]


FaultName = Literal["database_error", "database_down", "service_down", "gateway_down", "replica_down", "search_down"]


class Deadlines(Section):
    """``[deadlines]``: how long each copy may lag behind the 201."""

    replica_s: Seconds = 2.0
    cache_s: Seconds = 1.0
    event_s: Seconds = 2.0
    index_s: Seconds = 5.0
    audit_s: Seconds = 1.0
    recovery_s: Seconds = 20.0
    """How long the service may take to answer 201 again once a fault is healed."""


class Limits(Section):
    """``[limits]``: the rate limit that is promised for one subject."""

    rate_per_s: Annotated[float, Field(gt=0)]
    burst: Annotated[int, Field(gt=0)]


class Slo(Section):
    """``[slo]``: the seed's targets unless declared otherwise."""

    p99_ms: Annotated[float, Field(gt=0)] = 100.0
    rate_per_s: Annotated[float, Field(gt=0)] = 500.0


class Profile(Section):
    """A whole deployment."""

    target: Target
    """The endpoint."""
    auth: Auth = NoAuth()
    """Who may ask."""
    setup: tuple[Request, ...] = ()
    """Requests of the writer's before all checks: what the path's parameters name must exist."""
    teardown: tuple[Request, ...] = ()
    """Requests of the writer's after all checks, also after a failure."""
    sinks: Sinks = Sinks()
    faults: dict[FaultName, FaultCommands] = Field(default_factory=dict)
    deadlines: Deadlines = Deadlines()
    limits: Limits | None = None
    slo: Slo = Slo()
    baseline: tuple[BaselineEntry, ...] = ()
    """Failures that are known and tolerated until a day."""
