"""What parent and nodes say to each other, whichever way it travels: documents of JSON's kinds.

Through a pipe they are JSON lines; between machines they are Locust's own messages. Tokens travel in here and nowhere
else: command lines and environments can be read by others.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from createflow.scenarios.load.plan.schedule import Schedule, Stage

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RequestForm:
    """How the requests of one operation look; ``%d`` stands where the number of the arrival goes."""

    method: str
    path: str
    """Empty where the path is that of a resource which the node itself created."""
    headers: tuple[tuple[str, str], ...] = ()
    bodies: tuple[str, ...] = ()
    """Taken in turn; none for requests without a body."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a created resource is read."""

    path: str
    """With ``{id}`` in it."""
    id_pointer: str
    """JSON Pointer to the id in the reply to a create."""
    by_id: bool
    """Whatever the Location says."""


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """All that a node needs to know."""

    index: int
    of: int
    """How many nodes share the schedule."""
    run_id: str
    base_url: str
    ca_file: str | None
    stages: tuple[tuple[float, float, float], ...]
    """Of the whole run, warm-up first; the node works out its own share."""
    poisson: bool
    seed: int
    warmup_s: float
    pattern: str
    """The first letters of the operations, repeated over and over."""
    forms: dict[str, RequestForm]
    """By operation."""
    reading: Reading
    credentials: tuple[tuple[str, str], ...]
    """Header and value of each principal, taken in turn; empty for an open endpoint."""
    known: tuple[tuple[str, int], ...]
    """Paths of resources that exist already, and which principal made each; for reads before the first create."""
    senders: int
    """Of this node: the most requests in flight."""
    timeout_s: float
    drain_s: float
    drop: bool = False
    """What finds no free sender is dropped, instead of waiting."""
    closed: bool = False
    """The senders are clients that take turns without a schedule, whose stages only say how long."""
    locust_statistics: bool = False
    """Locust's own statistics are fed too, for its web page."""

    @property
    def schedule(self) -> Schedule:
        """The whole run's."""
        return Schedule(tuple(Stage(*stage) for stage in self.stages), self.poisson, self.seed)

    def to_document(self) -> Document:
        """For the way."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Document) -> "NodeConfig":
        """From the way."""
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
                "reading": Reading(**document["reading"]),
                "stages": tuple(tuple(stage) for stage in document["stages"]),
                "credentials": tuple(tuple(pair) for pair in document["credentials"]),
                "known": tuple(tuple(pair) for pair in document["known"]),
            }
        )


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node's message: its books so far and its own health. A later ``seq`` replaces an earlier one."""

    index: int
    kind: Literal["ready", "tick", "final"]
    seq: int = 0
    now_s: float = 0.0
    """Seconds from the start of the run."""
    in_flight: int = 0
    backlog: int = 0
    peak_in_flight: int = 0
    cpu_s: float = 0.0
    """Of this process, over the run until now."""
    memory_mb: float = 0.0
    """The most it used."""
    loop_delay_p99_ms: float = 0.0
    """How late the event loop served a heartbeat."""
    gc_pause_max_ms: float = 0.0
    connections_opened: int = 0
    """During the run."""
    host: str = ""
    ended_s: float = 0.0
    """When the pacing ended, seconds from the start; 0 while it goes on."""
    books: Document | None = None
    """``Books.to_wire``."""
    outcomes: Document = field(default_factory=dict)
    """``Recorder.outcomes_to_wire``, with the final books."""

    def to_document(self) -> Document:
        """For the way; not by ``asdict``, which would copy every bucket of every histogram."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def encode(document: Document) -> bytes:
    """As one line."""
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
