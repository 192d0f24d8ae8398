"""Child processes of the stack: a component with everything that it forks, and the guardian that ends them all."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import psutil

from createflow.reference_server.process.private_file import open_private
from createflow.reference_server.stack import guardian
from createflow.reference_server.stack.os_user import OsUser
from createflow.reference_server.stack.state import State

_LOG_TAIL_BYTES = 4096
_SIGNAL_LIMIT_S = 2.0
_GONE = (psutil.STATUS_DEAD, psutil.STATUS_ZOMBIE)


class ChildProcess:
    """A program and all processes that it forked.

    Args:
        argv: program and arguments, without secrets, because every user can list them.
        cwd: a directory of the stack.
        log: standard output and error are appended to it. By directory and log the guardian finds the processes.
        user: run as this user; None for our own.
        environment: added to our own.
        niceness: 0 to 19; inherited by what the program forks.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        log: Path,
        user: OsUser | None = None,
        environment: Mapping[str, str] | None = None,
        niceness: int = 0,
    ) -> None:
        self._argv = argv
        self._cwd = cwd
        self._log = log
        self._user = user
        self._environment = environment or {}
        self._niceness = niceness
        self._child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the program in a session of its own, so that only this process gets a Ctrl-C in the terminal."""
        run_as: dict[str, int | list[int]] = {}
        if self._user is not None:
            run_as = {"user": self._user.uid, "group": self._user.gid, "extra_groups": []}
        descriptor = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._child = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                cwd=self._cwd,
                env={**os.environ, **self._environment},
                start_new_session=True,
                **run_as,  # type: ignore[arg-type]  # typeshed knows these of Popen but not of asyncio's wrapper
            )
        finally:
            os.close(descriptor)
        if self._niceness:
            with contextlib.suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, self._child.pid, self._niceness)

    @property
    def pid(self) -> int:
        """The program's process id; 0 before the start."""
        return self._child.pid if self._child else 0

    @property
    def is_running(self) -> bool:
        """Whether the program was started and has not ended."""
        return self._child is not None and self._child.returncode is None

    @property
    def is_paused(self) -> bool:
        """Whether the system has stopped it, by whatever signal of whomever."""
        try:
            return self.is_running and psutil.Process(self.pid).status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            return False

    @property
    def exit_status(self) -> int | None:
        """The exit status, negative for a signal; None while the program runs."""
        return self._child.returncode if self._child else None

    async def wait(self) -> int:
        """Wait until the program ends, and return its exit status, negative for a signal."""
        if self._child is None:
            return 0
        return await self._child.wait()

    async def stop(self, how: signal.Signals, *, grace_s: float) -> None:
        """Send a signal, and after ``grace_s`` SIGKILL to what is left, children included."""
        if self._child is None or not self.is_running:
            return
        family = self._family()
        self.resume()  # a stopped process cannot act on a signal
        self._child.send_signal(how)
        try:
            await asyncio.wait_for(self._child.wait(), grace_s)
        except TimeoutError:
            _signal(family, signal.SIGKILL)
            await self._child.wait()
        _signal(family, signal.SIGKILL)  # children that outlived it
        await _until(family, _GONE)

    async def kill(self) -> None:
        """Send SIGKILL to the program and all its children, and wait until all have ended.

        A child of PostgreSQL that lives a little longer would keep its shared memory from the next start.
        """
        if self._child is None or not self.is_running:
            return
        _signal(self._family()[:1], signal.SIGSTOP)  # what is stopped does not fork
        family = self._family()
        _signal(family, signal.SIGKILL)
        await self._child.wait()
        await _until(family, _GONE)

    async def pause(self) -> None:
        """Send SIGSTOP to the program and all its children, and wait until they have stopped."""
        # Twice, because a server may fork while the first signals are sent.
        for _ in range(2):
            family = self._family()
            _signal(family, signal.SIGSTOP)
            await _until(family, (psutil.STATUS_STOPPED, *_GONE))

    def resume(self) -> None:
        """Send SIGCONT to the program and all its children."""
        _signal(self._family(), signal.SIGCONT)

    def log_tail(self, lines: int = 8) -> str:
        """Return the last lines of the log."""
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def turn_log(self, max_bytes: int) -> None:
        """Move a log that is larger to ``NAME.log.old``, in place of the one there; the program writes on into the log.

        The program keeps its descriptor, so the text is copied and the file is cut. A line that is written between the
        two is lost.
        """
        with contextlib.suppress(OSError):
            if self._log.stat().st_size <= max_bytes:
                return
            old = os.fdopen(open_private(self._log.with_name(f"{self._log.name}.old")), "wb")
            with old, self._log.open("rb") as log:
                shutil.copyfileobj(log, old)
            os.truncate(self._log, 0)

    def _family(self) -> list[psutil.Process]:
        """Return the program and its descendants (those of PostgreSQL are in sessions of their own)."""
        if self._child is None or not self.is_running:
            return []
        try:
            main = psutil.Process(self._child.pid)
            return [main, *main.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def _signal(family: Sequence[psutil.Process], how: signal.Signals) -> None:
    for process in family:
        # psutil raises when the id belongs to another process by now.
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(how)


async def _until(family: Sequence[psutil.Process], statuses: Collection[str]) -> None:
    """Wait until each process has one of the statuses, because signals take effect a little later."""
    deadline = time.monotonic() + _SIGNAL_LIMIT_S
    while any(_status(process) not in statuses for process in family) and time.monotonic() < deadline:
        await asyncio.sleep(0.002)


def _status(process: psutil.Process) -> str:
    try:
        return process.status() if process.is_running() else psutil.STATUS_DEAD
    except psutil.NoSuchProcess:
        return psutil.STATUS_DEAD


class Guardian:
    """Runs ``guardian.py`` for as long as the block lasts. It ends what the block leaves behind, however that ends."""

    def __init__(self, state: State) -> None:
        outside = map(str, state.outside_directories())
        self._arguments = [str(state.run), str(state.logs), "--remove", *outside]

    def __enter__(self) -> None:
        reader, self._writer = os.pipe2(os.O_CLOEXEC)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(guardian.__file__), *self._arguments],
                stdin=reader,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(reader)

    def __exit__(self, *_: object) -> None:
        os.close(self._writer)
        self._process.wait()
