"""The profile: how any deployment is described to the tester.

``createflow up`` writes one for the bundled stack; users write theirs as ``createflow.toml``. The model only says
what is allowed; reading files and the environment is in ``profile_file.py``.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from createflow.schemas.baseline import BaselineEntry


class Section(BaseModel):
    """A frozen table of the profile that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Seconds = Annotated[float, Field(gt=0, le=3600)]


class Fields(Section):
    """Which top-level field of the 201 body carries what."""

    id: str = "id"
    name: str = "name"
    created_at: str = "created_at"
    created_by: str = "created_by"


class Target(Section):
    """``[target]``: the endpoint and its contract."""

    base_url: Annotated[str, Field(pattern=r"^https?://[^/?#@]+/?$")]
    """Scheme, host and port."""
    path: Annotated[str, Field(pattern=r"^/")] = "/api/resources"
    ca_file: str | None = None
    """PEM file of the authority that signed the server's certificate."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Sent with every request."""
    timeout_s: Seconds = 10.0
    schema_file: str | None = None
    """JSON Schema of the create body; the seed's own when absent."""
    fields: Fields = Fields()
    update: bool = False
    """PUT to the Location replaces the resource."""
    idempotency: bool = False
    """``Idempotency-Key`` is honoured on POST."""
    max_body_bytes: int | None = None
    """A body above this is refused with 413."""
    cleanup: bool = False
    """DELETE what the run created."""


class JwtAuth(Section):
    """``[auth] kind = "jwt"``: the tester mints its own tokens with the issuer's key."""

    kind: Literal["jwt"]
    key_file: str
    """PEM private key."""
    algorithm: Literal["EdDSA", "ES256", "RS256"] = "EdDSA"
    key_id: str | None = None
    issuer: str
    audience: str
    type: str = "at+jwt"
    """``typ`` of the token's header."""
    roles_claim: str = "roles"
    writer_roles: tuple[str, ...] = ("writer",)
    reader_roles: tuple[str, ...] = ("reader",)


class StaticAuth(Section):
    """``[auth] kind = "static"``: tokens from the environment, one for each principal.

    Each value is the *name* of an environment variable. What is not given makes the checks that need it skipped.
    """

    kind: Literal["static"]
    writer_env: str
    other_writer_env: str | None = None
    reader_env: str | None = None
    expired_env: str | None = None


class NoAuth(Section):
    """``[auth] kind = "none"``: the endpoint is open."""

    kind: Literal["none"] = "none"


Auth = Annotated[JwtAuth | StaticAuth | NoAuth, Field(discriminator="kind")]


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
    auth: Auth = NoAuth()
    sinks: Sinks = Sinks()
    faults: dict[FaultName, FaultCommands] = Field(default_factory=dict)
    deadlines: Deadlines = Deadlines()
    limits: Limits | None = None
    slo: Slo = Slo()
    baseline: tuple[BaselineEntry, ...] = ()
    """Failures that are known and tolerated until a day."""
