"""The messages between parent and load workers: plain documents of JSON's types.

Through a pipe they are JSON lines; between machines Locust carries them. Tokens are sent only in these messages,
because other users can read command lines and environments.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, NoReturn

from createflow.scenarios.load.plan.schedule import Schedule, Stage

Document = dict[str, Any]

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""Of one message as JSON. What may be longer is sent in several."""
_MAX_CONTAINERS = 50_000
"""Lists and objects of one message: an empty list has two bytes as JSON, and 64 in memory."""


@dataclass(frozen=True, slots=True)
class RequestForm:
    """The requests of one operation. ``%d`` in path and bodies is the number of the arrival."""

    method: str
    path: str
    """Empty when the path is that of a resource which the worker itself created."""
    headers: tuple[tuple[str, str], ...] = ()
    bodies: tuple[str, ...] = ()
    """Used in turn; empty for requests without a body."""


@dataclass(frozen=True, slots=True)
class ReadPath:
    """How a worker finds the path of a resource that it created."""

    path: str
    """Path with ``{id}`` in it."""
    id_pointer: str
    """JSON Pointer to the id in the reply to a create."""
    by_id: bool
    """Use path and id even when the reply has a Location."""
    self_link: str = ""
    """JSON Pointer to the URL in the reply to a create, where it stands for a Location."""
    id_header: str = ""
    """The field of the reply's head that has the id."""
    create_path: str = "/"
    """The path of creates, for relative references; an id that the client chooses is left out."""


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Everything that a load worker needs to know."""

    index: int
    node_count: int
    """Workers that share the schedule."""
    run_id: str
    base_url: str
    ca_file: str | None
    stages: tuple[tuple[float, float, float], ...]
    """The stages of the whole run, warm-up first. The worker computes its own share."""
    poisson: bool
    seed: int
    warmup_s: float
    pattern: str
    """See ``Mix.letters``."""
    forms: dict[str, RequestForm]
    """By operation."""
    read_path: ReadPath
    credentials: tuple[tuple[str, ...], ...]
    """Names and values of each principal, see ``Principal.parts``; used in turn, empty without authentication."""
    known: tuple[tuple[str, int], ...]
    """Paths of existing resources and the number of the principal that created each, for reads before the first
    create."""
    senders: int
    """Senders that this worker begins with."""
    most_senders: int
    """The most requests in flight: more senders are started when none is free."""
    timeout_s: float
    drain_s: float
    drop: bool = False
    """Drop an arrival that finds no free sender, instead of letting it wait."""
    closed: bool = False
    """Closed model: each sender is a client without a schedule. The stages give only the length of the run."""
    location_origins: tuple[str, ...] = ()
    """See ``ResourcePaths``."""
    reports_created: bool = False
    """Report what each 201 says was created, for the clean-up."""
    read_back_ratio: float = 0.0
    """Report for this share of the creates what the reply says was created, to read it after the load."""
    clean_up: Document | None = None
    """The target and the variables of paths, by which a worker of another machine deletes what it created last when its
    master is killed. None: it deletes nothing."""
    client_certificate: tuple[str, ...] = ()
    """See ``Target.certificate_parts``: files of the worker's own machine. Empty: none."""
    locust_statistics: bool = False
    """Update Locust's own statistics too, for its web page."""
    verify_tls: bool = True
    """Verify the certificate of the target."""
    created_status: int = 201
    """Of a reply to a create that has made a resource."""
    name_style: str = "words"
    """See ``NAME_STYLES``."""

    @property
    def schedule(self) -> Schedule:
        """The schedule of the whole run."""
        return Schedule(tuple(Stage(*stage) for stage in self.stages), self.poisson, self.seed)

    def to_document(self) -> Document:
        """As a document to send."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Document) -> "NodeConfig":
        """From a document that was received."""
        forms = {
            operation: RequestForm(
                form["method"],
                form["path"],
                tuple((name, value) for name, value in form["headers"]),
                tuple(form["bodies"]),
            )
            for operation, form in document["forms"].items()
        }
        return cls(
            **document
            | {
                "forms": forms,
                "read_path": ReadPath(**document["read_path"]),
                "stages": tuple(tuple(stage) for stage in document["stages"]),
                "credentials": tuple(tuple(pair) for pair in document["credentials"]),
                "known": tuple(tuple(pair) for pair in document["known"]),
                "location_origins": tuple(document["location_origins"]),
                "client_certificate": tuple(document["client_certificate"]),
            }
        )


@dataclass(frozen=True, slots=True)
class NodeState:
    """A load worker's message: its ledger so far and its own health. A higher ``seq`` replaces a lower one."""

    index: int
    kind: Literal["ready", "tick", "final"]
    seq: int = 0
    now_s: float = 0.0
    """Seconds from the start of the run."""
    in_flight: int = 0
    backlog: int = 0
    peak_in_flight: int = 0
    cpu_s: float = 0.0
    """CPU time of the process since the start of the run."""
    memory_mb: float = 0.0
    """Peak memory."""
    loop_delay_p99_ms: float = 0.0
    """How late the event loop ran a timer of 10 ms."""
    gc_pause_max_ms: float = 0.0
    connections_opened: int = 0
    """During the run; connections opened before it are not counted."""
    host: str = ""
    ended_s: float = 0.0
    """When the last arrival was due, in seconds from the start; 0 before that."""
    last_reply_k: int = 0
    """The arrival that was answered last."""
    last_reply_s: float = 0.0
    """When it was, in seconds from the start of the run; 0 before the first reply."""
    sent_since_reply: int = 0
    """Requests that were sent after that reply."""
    resent: int = 0
    """Requests that were sent once more; see ``Recorder.record_resent``."""
    renamed: int = 0
    """Creates among them under another name."""
    without_resource: int = 0
    """Reads and updates not sent, because no reply to a create named a resource on the target."""
    unusable_locations: dict[str, int] = field(default_factory=dict)
    """Accepted creates whose Location was not used, by the reason (see ``resource_path.Unusable``)."""
    ledger: Document | None = None
    """See ``Ledger.to_wire``."""
    due_in_warmup: int = 0
    """How many arrivals of this worker belong to the warm-up; only in the final message."""

    def to_document(self) -> Document:
        """As a document to send. Not by ``asdict``, which would copy every bucket of every histogram."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def encode(document: Document) -> bytes:
    """Encode a document as one JSON line."""
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


class MessageRefused(ValueError):  # noqa: N818 - read as a statement
    """What came is no message of a load process, or larger than one may be."""


def decode(text: bytes) -> Document:
    """Decode a document that another process sent. A process on another machine may be anybody's.

    Raises:
        MessageRefused: it is not JSON, is not an object, or would need much more memory than its own length.
    """
    if len(text) > MAX_MESSAGE_BYTES:
        raise MessageRefused(f"a message of {len(text)} bytes: the limit is {MAX_MESSAGE_BYTES}")
    document = decode_line(text)
    if not isinstance(document, dict):
        raise MessageRefused("a message that is not an object")
    return document


def decode_line(text: bytes) -> Any:
    """Decode one line of a process of this machine, whose length is bounded already. Raises as ``decode`` does."""
    if text.count(b"[") + text.count(b"{") > _MAX_CONTAINERS:
        raise MessageRefused(f"a message with more than {_MAX_CONTAINERS} lists and objects")
    try:
        return json.loads(text, parse_constant=_refuse)
    except MessageRefused:
        raise
    except (ValueError, RecursionError) as error:
        raise MessageRefused(f"a message that is not JSON: {error!s:.200}") from None


def _refuse(name: str) -> NoReturn:
    raise MessageRefused(f"a message with {name}")
