"""What the supervisor has to know of one part of the stack."""

import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from createflow.reference_server.stack.account import Account
from createflow.reference_server.stack.ports import HOST


class Status(StrEnum):
    """Where a component is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    PAUSED = "paused"
    KILLED = "killed"
    """Ended by ``createflow stack kill``."""
    DIED = "died"
    """Ended by itself."""
    STOPPED = "stopped"


async def _nothing() -> None:
    return


@dataclass(slots=True)
class Component:
    """One process of the stack, as a declaration.

    Args:
        name: unique; the part before the last number is its kind (``service-2`` is a ``service``).
        port: where it listens, on the loopback address.
        scheme: shown before the address when it is one that people open.
        needs: names of components that it talks to. It starts when they are ready and stops before they do.
        waits_itself: it is started at once, because it waits for what it needs by itself. Its imports then run while
            the engines start.
        prepare: once, before the first start; makes the data directory and the like.
        argv: evaluated after ``prepare``.
        ready: asks once; False or an ``OSError`` means not yet.
        settle: once, after it was ready for the first time and before it counts as ready.
    """

    name: str
    port: int
    argv: Callable[[], Sequence[str]]
    cwd: Path
    ready: Callable[[], Awaitable[bool]]
    needs: tuple[str, ...] = ()
    waits_itself: bool = False
    prepare: Callable[[], Awaitable[None]] = _nothing
    settle: Callable[[], Awaitable[None]] = _nothing
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 5.0
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to our own."""
    niceness: int = 0
    """Above 0 for what no client waits for: on a full machine it gives way to the parts that a request goes through."""
    scheme: str = ""
    note: str = ""
    """What is worth a word in the table, for example the engine's version."""

    @property
    def address(self) -> str:
        """Where it listens, for people."""
        return f"{self.scheme}://localhost:{self.port}" if self.scheme else f"{HOST}:{self.port}"

    @property
    def kind(self) -> str:
        """The name without its number."""
        stem, _, last = self.name.rpartition("-")
        return stem if last.isdigit() else self.name


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the status table."""

    name: str
    address: str
    status: str
    pid: int
    note: str = ""


@dataclass(slots=True)
class Death:
    """A component that ended without having been asked to."""

    name: str
    exit_status: int
    log_file: Path
    log_tail: str = field(default="")

    def describe(self) -> str:
        """What happened and the end of its log, for a person."""
        how = (
            f"signal {signal.Signals(-self.exit_status).name}"
            if self.exit_status < 0
            else f"exit status {self.exit_status}"
        )
        tail = "\n".join(f"    {line}" for line in self.log_tail.splitlines()) or "    (empty)"
        return f"{self.name} ended with {how}; the end of {self.log_file}:\n{tail}"
