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
from createflow.schemas.slo import DeclaredTarget

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
    """``postgresql://`` connection string of somebody who may only read."""
    by_id: str
    """SQL with ``%(id)s``."""
    by_name: str | None = None
    """SQL with ``%(name)s``: finds what a refused create may have left behind."""
    by_actor: str | None = None
    """For the audit trail, SQL with ``%(actor)s``: finds entries about resources that do not exist."""
    by_run: str | None = None
    """For the primary, SQL with ``%(prefix)s`` and, where an index helps, ``%(since)s`` (a time): two columns, id and
    name of every resource whose name begins so. ``createflow bench`` verifies its writes with it, replicas too."""
    by_ids: str | None = None
    """For the audit trail, SQL with ``%(ids)s`` (an array of texts): one column, the resource id of every entry about
    a successful create of one of them. ``createflow bench`` verifies with it."""
    by_actors: str | None = None
    """For the audit trail, SQL with ``%(actors)s`` (an array of texts) and ``%(since)s``: the same column, of every
    successful create by one of them. ``createflow bench`` finds entries about creates that never were with it."""


class ReplicaSink(Section):
    """One streaming replica; the queries are the primary's."""

    name: str
    """How the report calls it."""
    dsn: SecretStr
    """``postgresql://`` connection string of somebody who may only read."""


class CacheSink(Section):
    """``[sinks.cache]``: a Redis or Valkey that holds the representation."""

    url: SecretStr
    """``redis://`` or ``rediss://``."""
    key: str
    """Template with ``{id}``."""
    field: str | None = None
    """The hash field that holds the JSON body; absent when the key is a plain string."""


class EventSink(Section):
    """``[sinks.events]``: a NATS JetStream stream; JSON Pointers say where things are in an event."""

    url: SecretStr
    """``nats://`` or ``tls://``."""
    stream: str
    """The JetStream stream."""
    subject: str
    """Filter, for example ``orders.created``."""
    created_subject: str | None = None
    """Filter of creates alone, where ``subject`` covers other changes, too."""
    resource: str = "/data"
    """JSON Pointer to the representation inside the event."""
    event_id: str = "/id"
    """JSON Pointer to the event's own id."""


class SearchSink(Section):
    """``[sinks.search]``: an Elasticsearch or OpenSearch index, documents by resource id."""

    url: SecretStr
    """``http://`` or ``https://``, user and password in it."""
    index: str
    """Name of the index or alias."""
    name_keyword: str | None = None
    """The name as one keyword, for example ``name.keyword``: finds what is indexed twice, or should not be."""


class Sinks(Section):
    """``[sinks]``: everything the write must reach, each optional."""

    primary: SqlSink | None = None
    """The row query must return the columns of the representation, under the representation's names."""
    replicas: tuple[ReplicaSink, ...] = ()
    """Every replica that reads may go to."""
    audit: SqlSink | None = None
    """Columns ``actor``, ``action``, ``resource_id``, ``occurred_at``, ``outcome``, ``request_id``."""
    cache: CacheSink | None = None
    """The cache."""
    events: EventSink | None = None
    """The event stream."""
    search: SearchSink | None = None
    """The search index."""


class FaultCommands(Section):
    """``[faults.NAME]``: how a fault is brought in and taken out; argument lists, no shell."""

    inject: Annotated[tuple[str, ...], Field(min_length=1)]
    """Brings it in, and ends when it is in."""
    heal: Annotated[tuple[str, ...], Field(min_length=1)]
    """Takes it out; run whatever happens."""


FaultName = Literal["database_error", "database_down", "service_down", "gateway_down", "replica_down", "search_down"]


class Deadlines(Section):
    """``[deadlines]``: how long each copy may lag behind the 201."""

    replica_s: Seconds = 2.0
    """On every replica."""
    cache_s: Seconds = 1.0
    """In the cache."""
    event_s: Seconds = 2.0
    """On the event stream."""
    index_s: Seconds = 5.0
    """In the search index."""
    audit_s: Seconds = 1.0
    """In the audit trail."""
    recovery_s: Seconds = 20.0
    """How long the service may take to answer 201 again once a fault is healed."""


class Limits(Section):
    """``[limits]``: the rate limit that is promised for one subject."""

    rate_per_s: Annotated[float, Field(gt=0)]
    """Requests a second, in the long run; of each credential."""
    burst: Annotated[int, Field(gt=0)]
    """Requests at once."""


class Slo(Section):
    """``[slo]``: what ``createflow bench`` must see; the seed's targets unless declared otherwise."""

    targets: tuple[DeclaredTarget, ...] = Field(
        default=("p99<=100ms", "rate>=500/s", "errors<0.1%"), validate_default=True
    )
    """Expressions: ``p95<=100ms``, ``p99.9<0.5s``, ``mean<=20ms``, ``max<1s``, ``rate>=500/s``, ``verified>=500/s``,
    ``errors<0.1%``; with ``create.``, ``read.`` or ``update.`` before it for one kind of request, and ``every 10s``
    after it to judge each such window. See [bench.md](bench.md#targets)."""


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
    """Where the write must arrive."""
    faults: dict[FaultName, FaultCommands] = Field(default_factory=dict)
    """What can be broken on purpose: ``database_error``, ``database_down``, ``service_down``, ``gateway_down``,
    ``replica_down``, ``search_down``."""
    deadlines: Deadlines = Deadlines()
    """How long each copy may lag."""
    limits: Limits | None = None
    """The promised rate limit; kept by the run itself, so that no check is spoiled by a 429."""
    slo: Slo = Slo()
    """What ``createflow bench`` must see."""
    baseline: tuple[BaselineEntry, ...] = ()
    """Failures that are known and tolerated until a day."""
