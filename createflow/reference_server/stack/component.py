"""What the supervisor needs to know of one component of the stack."""

import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from createflow.reference_server.stack.endpoints import HOST
from createflow.reference_server.stack.os_user import OsUser


class Status(StrEnum):
    """The state of a component."""

    WAITING = "waiting"
    STARTING = "starting"
    """It runs, and has not been ready yet."""
    READY = "ready"
    NOT_READY = "not ready"
    """It was ready and runs, but something that it needs is not there."""
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
    """The declaration of one process of the stack.

    Args:
        name: unique; the part before the number is its kind (``service-2`` is a ``service``).
        port: where it listens, on the loopback address.
        scheme: shown before the address if users open it, for example ``https``.
        needs: names of the components that it uses. It starts when they are ready, and stops before they do.
        starts_early: it is started at once, because it waits for its needs by itself. Its imports then run while the
            engines start.
        prepare: runs once, before the first start, for example to make the data directory.
        argv: evaluated after ``prepare``.
        check_ready: checks once; False or an ``OSError`` means not yet.
        says_broken: asked again and again while it runs: whether it, or who uses it, answers that it cannot work any
            more. If its disk has room, it is started again.
        data: the directory on whose disk it writes. Without room there it is not ready, whatever it answers.
        initialise: runs once, when the process answers for the first time, before the component counts as ready.
        user: run as this user; None for our own.
    """

    name: str
    port: int
    argv: Callable[[], Sequence[str]]
    cwd: Path
    check_ready: Callable[[], Awaitable[bool]]
    needs: tuple[str, ...] = ()
    starts_early: bool = False
    prepare: Callable[[], Awaitable[None]] = _nothing
    initialise: Callable[[], Awaitable[None]] = _nothing
    says_broken: Callable[[], Awaitable[bool]] | None = None
    data: Path | None = None
    user: OsUser | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    abort_signal: signal.Signals = signal.SIGKILL
    """Ends it at once, when what it has stored is thrown away. What is left elsewhere it must remove all the same."""
    grace_s: float = 5.0
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to our own."""
    niceness: int = 0
    """Above 0 for components that no client waits for: on a busy machine they yield to those that clients wait for."""
    scheme: str = ""
    note: str = ""
    """Shown in the status table."""

    @property
    def address(self) -> str:
        """Where it listens, as shown to users."""
        return f"{self.scheme}://localhost:{self.port}" if self.scheme else f"{HOST}:{self.port}"

    @property
    def kind(self) -> str:
        """The name without its number."""
        stem, _, last = self.name.rpartition("-")
        return stem if last.isdigit() else self.name


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One line of the status table."""

    name: str
    address: str
    status: str
    pid: int
    note: str = ""


@dataclass(slots=True)
class UnexpectedExit:
    """A component that ended by itself."""

    name: str
    exit_status: int
    log_file: Path
    log_tail: str = field(default="")
    is_broken: bool = False
    """It runs and says that it cannot work, so it is ended."""

    def describe(self) -> str:
        """Return what happened and the end of its log, as a text for users."""
        how = (
            f"signal {signal.Signals(-self.exit_status).name}"
            if self.exit_status < 0
            else f"exit status {self.exit_status}"
        )
        if self.is_broken:
            how = "a restart, because it said that it cannot work any more"
        tail = "\n".join(f"    {line}" for line in self.log_tail.splitlines()) or "    (empty)"
        return f"{self.name} ended with {how}; the end of {self.log_file}:\n{tail}"
