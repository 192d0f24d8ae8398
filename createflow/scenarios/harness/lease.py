"""A lease on a target: a run that injects faults has it alone, all others share it.

Two runs on one target accuse it falsely when one of them kills its services. The lease is a lock on a file in the state
folder of the user, one for each origin, so it ends with its last holder, however that goes. The guardian of a run
holds it as well: until the target is whole nobody else gets it. Other users and other machines are seen by the lease in
the target's own store (``store_lease``).
"""

import asyncio
import fcntl
import hashlib
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from createflow.scenarios.harness.state_folder import private_folder
from createflow.schemas.error import TargetError
from createflow.schemas.origin import Origin

Taken = TypeVar("Taken")

_FOLDER = "leases"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_POLL_S = 0.1
_MOST_BYTES = 1000
_GREATEST_PID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a lease."""

    command: str
    pid: int
    host: str
    since: str
    is_alone: bool

    @classmethod
    def this_process(cls, command: str, *, is_alone: bool) -> "Holder":
        """This process, from now on."""
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return cls(command, os.getpid(), socket.gethostname(), now, is_alone)

    def __str__(self) -> str:
        faults = " with faults" if self.is_alone else ""
        return f"{self.command}{faults}, process {self.pid} on {self.host}, since {self.since}"


class Waiting:
    """How a command waits for the holders of a lease.

    Args:
        base_url: of the target.
        wait_s: how long to wait in all.
        on_message: called once for each lease, with the names of those that are waited for.
    """

    def __init__(self, base_url: str, *, wait_s: float, on_message: Callable[[str], None]) -> None:
        self.base_url = base_url
        self._wait_s = wait_s
        self._give_up = time.monotonic() + wait_s
        self._on_message = on_message

    async def for_lease(
        self, take: Callable[[], Awaitable[Taken | None]], holders: Callable[[], Awaitable[list[str]]], *, poll_s: float
    ) -> Taken:
        """What ``take`` gives as soon as it gives something.

        Raises:
            TargetError: others had the lease until the time was up; it names them.
        """
        is_told = False
        while (taken := await take()) is None:
            names = " and ".join(await holders()) or "another createflow command"
            if time.monotonic() >= self._give_up:
                waited = f" (waited {self._wait_s:g} s)" if self._wait_s else ""
                raise TargetError(
                    self.base_url,
                    f"in use by {names}{waited}",
                    hint="faults of one run make another one fail; wait for it: --wait-for-lease 10m",
                )
            if not is_told:
                self._on_message(f"waiting for {names}")
                is_told = True
            await asyncio.sleep(poll_s)
        return taken


@asynccontextmanager
async def lease_of(holder: Holder, waiting: Waiting) -> AsyncIterator[tuple[int, ...]]:
    """Hold the lease inside the block. Gives the open files that hold it; none where the state folder cannot be used.

    Args:
        holder: this run.
        waiting: how to wait for others.

    Raises:
        TargetError: another holder has it.
    """
    path = _path_of(waiting.base_url)
    if path is None:
        yield ()
        return
    descriptor = await _locked(path, holder, waiting)
    name = _write_name(path, holder)
    try:
        yield (descriptor,)
    finally:
        os.close(descriptor)
        # Not by the file that was open: a guardian that goes on shares its lock, and keeps the name.
        with suppress(OSError):
            last = _try_lock(path, is_alone=True)
            if last is not None:
                for left in (path, *_names(path)):
                    left.unlink(missing_ok=True)
                os.close(last)
            elif not holder.is_alone:  # others share it
                name.unlink(missing_ok=True)


def is_held(base_url: str) -> bool:
    """Whether somebody else has the lease, such as the guardian of a run that has just ended."""
    path = _path_of(base_url)
    if path is None:
        return False
    with suppress(OSError):
        descriptor = _try_lock(path, is_alone=True)
        if descriptor is None:
            return True
        os.close(descriptor)
    return False


async def _locked(path: Path, holder: Holder, waiting: Waiting) -> int:
    """The open and locked file."""

    async def take() -> int | None:
        return _try_lock(path, is_alone=holder.is_alone)

    async def others() -> list[str]:
        return [str(one) for one in _others(path)]

    return await waiting.for_lease(take, others, poll_s=_POLL_S)


def _try_lock(path: Path, *, is_alone: bool) -> int | None:
    """The open and locked file; None when somebody else has it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except FileNotFoundError:
            pass
        os.close(descriptor)  # its last holder removed the file meanwhile


def _write_name(path: Path, holder: Holder) -> Path:
    """A file beside the lock with the holder's name, for messages only; it is stale when the process is gone."""
    name = path.with_name(f"{path.stem}.{holder.pid}.json")
    with suppress(OSError):
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump([holder.command, holder.pid, holder.host, holder.since, holder.is_alone], file)
    return name


def _names(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.stem}.*.json"))


def _others(path: Path) -> list[Holder]:
    """The holders by name. One that is gone is still named while its guardian makes the target whole."""
    holders = []
    for name in _names(path):
        with suppress(OSError):
            holder = _holder_in(name)
            if holder is not None:
                holders.append(
                    holder if _is_alive(holder.pid) else replace(holder, command=f"{holder.command} (ended)")
                )
    alive = [holder for holder in holders if _is_alive(holder.pid)]
    return alive or holders


def _holder_in(name: Path) -> Holder | None:
    """The holder that a file names; None for what is no such file."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        command, pid, host, since, is_alone = json.loads(os.read(descriptor, _MOST_BYTES))
    except (ValueError, TypeError, RecursionError):
        return None
    finally:
        os.close(descriptor)
    texts = (command, host, since)
    if not all(isinstance(text, str) for text in texts) or type(pid) is not int or not 0 < pid <= _GREATEST_PID:
        return None
    return Holder(command, pid, host, since, bool(is_alone))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _path_of(base_url: str) -> Path | None:
    """The lock file of an origin; None where none can be kept."""
    try:
        origin = Origin.of(base_url)
        folder = private_folder(_FOLDER)
    except (ValueError, OSError, RuntimeError):
        return None
    if origin.host in _LOOPBACK:
        origin = replace(origin, host="localhost")
    return folder / f"{hashlib.sha256(str(origin).encode()).hexdigest()[:32]}.lock"
