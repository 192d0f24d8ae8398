"""Event streams: the shape of an event, and one model for each engine."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Discriminator, Field, SecretStr, Tag, field_validator, model_validator

from createflow.schemas.profile_section import Pointer, Section
from createflow.schemas.profile_sinks.documents import Command

EnvelopePart = Literal["actor", "time", "request_id", "resource_id", "version"]

DEBEZIUM = {
    "resource": "/after",
    "type": "/op",
    "created_types": ("c",),
    "updated_types": ("u",),
    "deleted_types": ("d",),
}
"""What ``format = "debezium"`` sets unless the profile says otherwise. With schemas in the messages, all of it is in
``/payload``."""
_PAYLOAD = {"resource": "/payload/after", "type": "/payload/op"}


class EventShape(Section):
    """Base of the event streams: JSON Pointers say where things are in an event."""

    format: Literal["json", "cloudevents", "debezium", "debezium_with_schema"] = "json"
    """``cloudevents`` also reads the binary mode, with the attributes in headers: they become members beside ``data``.
    ``debezium`` reads rows after a change from ``/after`` and what happened from ``/op``; ``debezium_with_schema``
    reads both inside ``/payload``."""
    resource: Pointer = "/data"
    """JSON Pointer to the representation inside the event."""
    id: Pointer | None = None
    """JSON Pointer to the resource's id inside the event; the ``id`` of the representation unless given."""
    fields: dict[str, Pointer] = Field(default_factory=dict)
    """Fields of the representation that have another name or place in the event: name, and JSON Pointer into the
    event."""
    event_id: Pointer = "/id"
    """JSON Pointer to the event's own id. An event without one counts by its position."""
    type: str | None = None
    """Where an event says what happened: a JSON Pointer, ``@subject`` (the subject, topic or routing key), or
    ``@header:NAME``. Then the types below tell creates from other events."""
    created_types: tuple[str, ...] = ()
    """Types of the event that each accepted create has once. Where types are given, an event of another type is not
    looked at: a create may have several events, of which one is counted."""
    updated_types: tuple[str, ...] = ()
    """Types of the event of an update."""
    deleted_types: tuple[str, ...] = ()
    """Types of the event of a delete."""
    envelope: dict[EnvelopePart, str] = Field(default_factory=dict)
    """JSON Pointers to what else the event tells: who wrote, when, the ``X-Request-Id`` of the reply, the resource,
    and its version as the ETag of the reply names it."""

    @model_validator(mode="before")
    @classmethod
    def _fill_format(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and str(raw.get("format", "")).startswith("debezium"):
            given = DEBEZIUM | (_PAYLOAD if raw["format"] == "debezium_with_schema" else {})
            return {**given, **raw}
        return raw

    @field_validator("type")
    @classmethod
    def _require_place(cls, value: str | None) -> str | None:
        if value is None or value == "@subject" or value.startswith(("/", "@header:")):
            return value
        raise ValueError("neither a JSON Pointer, nor @subject, nor @header:NAME")

    @model_validator(mode="after")
    def _require_type(self) -> "EventShape":
        if self.type is None and (self.created_types or self.updated_types or self.deleted_types):
            raise ValueError("types are given, and `type` does not say where an event has its own")
        return self


class EventSink(EventShape):
    """A NATS JetStream stream."""

    kind: Literal["nats"] = "nats"
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


class KafkaSink(EventShape):
    """A Kafka topic. It is read by assignment from its end: no consumer group, no committed offset. Extra ``kafka``."""

    kind: Literal["kafka"] = "kafka"
    url: SecretStr
    """``kafka://HOST:PORT``, several with commas between; ``kafkas://`` for TLS. With user and password, SASL."""
    topic: str
    """The topic. All of its partitions are read."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    """How user and password are sent."""
    ca_file: str | None = None
    """PEM file of the authority that signed the brokers' certificates."""


class RedisStreamSink(EventShape):
    """A Redis or Valkey stream, read with XRANGE: no consumer group, nothing is acknowledged."""

    kind: Literal["redis_stream"] = "redis_stream"
    url: SecretStr
    """``redis://`` or ``rediss://``."""
    stream: str
    """The key of the stream."""
    entry_field: str | None = None
    """The field of an entry that holds the event as JSON. Without it, the fields of the entry are the event, and those
    that are JSON objects or lists are read as such."""


class RabbitSink(EventShape):
    """A RabbitMQ exchange, read through a queue of the run's own: exclusive, gone with its connection.

    Extra ``rabbitmq``.
    """

    kind: Literal["rabbitmq"] = "rabbitmq"
    url: SecretStr
    """``amqp://USER:PASSWORD@HOST:PORT/VHOST`` or ``amqps://``."""
    exchange: str
    """The exchange, which must exist."""
    routing_key: str = "#"
    """What the queue is bound with. Direct exchanges need the exact key; fanout exchanges ignore it."""
    ca_file: str | None = None
    """PEM file of the authority that signed the broker's certificate."""


class CommandEvents(EventShape):
    """Events that a command prints, one JSON text a line, as they come; it runs as long as the run.

    It must print nothing older than its start. ``--allow-commands`` or a confirmation lets it run.
    """

    kind: Literal["command"]
    command: Command
    """Argument list, without a shell."""
    ready_line: str | None = None
    """A line that the command prints on standard error or standard output once it misses no event any more. Without
    it, the run waits half a second."""


_KINDS = {"kafka": "kafka", "kafkas": "kafka", "amqp": "rabbitmq", "amqps": "rabbitmq"}
_KINDS |= {"redis": "redis_stream", "rediss": "redis_stream", "unix": "redis_stream"}
EVENT_MODELS = (EventSink, KafkaSink, RedisStreamSink, RabbitSink, CommandEvents)


def event_kind(section: Any) -> str:
    """The engine of a section: its ``kind``, else by the scheme of its URL."""
    if not isinstance(section, dict):
        return str(getattr(section, "kind", "nats"))
    if "kind" in section:
        return str(section["kind"])
    url = section.get("url")
    text = url.get_secret_value() if isinstance(url, SecretStr) else str(url)
    try:
        scheme = urlsplit(text).scheme.lower()
    except ValueError:
        return "nats"
    return _KINDS.get(scheme, "nats")


AnyEvents = Annotated[
    Annotated[EventSink, Tag("nats")]
    | Annotated[KafkaSink, Tag("kafka")]
    | Annotated[RedisStreamSink, Tag("redis_stream")]
    | Annotated[RabbitSink, Tag("rabbitmq")]
    | Annotated[CommandEvents, Tag("command")],
    Discriminator(event_kind),
]
"""``[sinks.events]``, by the engine."""


class EventAudit(Section):
    """An audit trail that is an event stream: every entry is an event."""

    kind: Literal["events"]
    stream: AnyEvents
    """The stream, as in ``[sinks.events]``. ``fields`` names where ``actor``, ``action``, ``resource_id``,
    ``occurred_at`` and ``request_id`` are; ``resource`` is where others are looked for, the whole event by default."""
    changes: bool = False
    """Updates and deletes have an entry each as well."""

    @property
    def by_ids(self) -> Any:
        """Entries are found by ids."""
        return "ids"

    @property
    def by_actors(self) -> Any:
        """No such query."""
        return None
