"""What parent and node say to each other: JSON lines over the node's stdin and stdout.

Parent to node: the configuration, then ``{"start": epoch}``, then perhaps ``{"stop": true}``; a closed pipe means that
the parent is gone. Node to parent: ``ready``, ``tick`` once a second, ``final``. Tokens travel in here and nowhere
else: command lines and environments can be read by others.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """All that a node needs to know."""

    index: int
    of: int
    """How many nodes share the schedule."""
    run_id: str
    base_url: str
    path: str
    ca_file: str | None
    headers: dict[str, str]
    tokens: tuple[str, ...]
    """Bearer tokens of the principals, taken in turn; empty for an open endpoint."""
    body: str
    """JSON with ``%(k)s`` where the number of the arrival goes."""
    media_type: str
    accept: str
    credential: tuple[str, str]
    """The header that carries a token, and the word before the token."""
    rate_per_s: float
    """Of the whole run, not of this node."""
    warmup_s: float
    duration_s: float
    senders: int
    timeout_s: float
    drain_s: float

    def encode(self) -> bytes:
        """As one line."""
        return encode(asdict(self))

    @classmethod
    def decode(cls, line: bytes) -> "NodeConfig":
        """From one line."""
        document = json.loads(line)
        document["tokens"] = tuple(document["tokens"])
        document["credential"] = tuple(document["credential"])
        return cls(**document)


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node's message: its books so far and its own health. A later ``seq`` replaces an earlier one."""

    kind: Literal["ready", "tick", "final"]
    seq: int = 0
    now_s: float = 0.0
    """Seconds from the start of the run."""
    in_flight: int = 0
    backlog: int = 0
    peak_in_flight: int = 0
    cpu_ratio: float = 0.0
    """Of one core, over the run until now."""
    memory_mb: float = 0.0
    ended_s: float = 0.0
    """When the pacing ended, seconds from the start; 0 while it goes on."""
    books: dict[str, Any] | None = None
    """``Recorder.to_json``."""

    def encode(self) -> bytes:
        """As one line."""
        return encode(asdict(self))

    @classmethod
    def decode(cls, line: bytes) -> "NodeState":
        """From one line."""
        return cls(**json.loads(line))


def encode(document: dict[str, Any]) -> bytes:
    """One line."""
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
