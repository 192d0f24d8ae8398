"""``[sinks]``: the places that a write must reach, one section for each."""

from typing import Literal

from pydantic import Field, SecretStr

from createflow.schemas.profile_section import Section


class SqlSink(Section):
    """A table of rows, read-only."""

    dsn: SecretStr
    """``postgresql://`` connection string of a role that may only read."""
    by_id: str
    """SQL with ``%(id)s``."""
    by_name: str | None = None
    """SQL with ``%(name)s``: finds rows that a refused create left behind."""
    by_actor: str | None = None
    """For the audit trail, SQL with ``%(actor)s``: finds entries about missing resources."""
    by_run: str | None = None
    """For the primary, SQL with ``%(prefix)s`` and, where an index helps, ``%(since)s`` (a time): id and name of every
    resource whose name begins with the prefix, in this order, and after them the other columns of the representation
    under its names, which are compared with what was sent. ``createflow bench`` verifies writes with it, also on
    replicas."""
    by_ids: str | None = None
    """For the audit trail, SQL with ``%(ids)s`` (an array of texts): the resource id of every entry about a successful
    create of one of them, and after it ``actor``, ``action``, ``occurred_at`` and ``request_id``, which are compared.
    ``createflow bench`` verifies with it."""
    by_actors: str | None = None
    """For the audit trail, SQL with ``%(actors)s`` (an array of texts) and ``%(since)s``: the same column, of every
    successful create by one of them. ``createflow bench`` finds entries about creates that did not happen."""
    by_creators: str | None = None
    """For the primary, SQL with ``%(creators)s`` (an array of texts) and ``%(since)s``: the rows that one of them
    created, with the columns of ``by_id``. ``run`` and ``bench`` find rows with it that nobody asked for."""
    changes: bool = False
    """For the audit trail: updates and deletes have an entry each as well."""


class ReplicaSink(Section):
    """One streaming replica; the queries are the primary's."""

    name: str
    """Its name in the report."""
    dsn: SecretStr
    """``postgresql://`` connection string of a role that may only read."""


class CacheSink(Section):
    """``[sinks.cache]``: a Redis or Valkey that caches the representation."""

    url: SecretStr
    """``redis://`` or ``rediss://``."""
    key: str
    """Key of a resource, with ``{id}``."""
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
    """Filter of creates only, where ``subject`` also includes other changes."""
    updated_subject: str | None = None
    """Filter of updates: each accepted update has exactly one event."""
    deleted_subject: str | None = None
    """Filter of deletes: each accepted delete has exactly one event."""
    resource: str = "/data"
    """JSON Pointer to the representation inside the event."""
    event_id: str = "/id"
    """JSON Pointer to the event's own id."""
    envelope: dict[Literal["actor", "time", "request_id", "resource_id", "version"], str] = Field(default_factory=dict)
    """JSON Pointers to what else the event tells: who wrote, when, the ``X-Request-Id`` of the reply, the resource,
    and its version as the ETag of the reply names it."""


class SearchSink(Section):
    """``[sinks.search]``: an Elasticsearch or OpenSearch index, documents by resource id."""

    url: SecretStr
    """``http://`` or ``https://``, with user and password."""
    index: str
    """Name of the index or alias."""
    name_keyword: str | None = None
    """The name as one keyword, for example ``name.keyword``: finds duplicates, and documents that should not exist."""


class Sinks(Section):
    """``[sinks]``: the places that a write must reach, each optional."""

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
