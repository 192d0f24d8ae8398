"""One child process of the stack: started with a log, stopped with grace, paused as a whole."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import psutil

from createflow.reference_server.stack.account import Account

_LOG_TAIL_BYTES = 4096
_SIGNAL_LIMIT_S = 2.0
_GONE = (psutil.STATUS_DEAD, psutil.STATUS_ZOMBIE)


class Process:
    """A running program and all that it forked.

    Args:
        argv: program and arguments; no secret among them, since everybody can list them.
        cwd: a directory of the stack.
        log: standard output and error are appended to it; by both the guardian knows the stack's processes.
        account: run as this user.
        environment: added to our own.
        niceness: 0 to 19; what the program starts inherits it.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        log: Path,
        account: Account | None = None,
        environment: Mapping[str, str] | None = None,
        niceness: int = 0,
    ) -> None:
        self._argv = argv
        self._cwd = cwd
        self._log = log
        self._account = account
        self._environment = environment or {}
        self._niceness = niceness
        self._child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the program in a session of its own, so that a Ctrl-C in the terminal is ours alone to handle."""
        user: dict[str, int | list[int]] = {}
        if self._account is not None:
            user = {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}
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
                **user,  # type: ignore[arg-type]  # typeshed knows these of Popen but not of asyncio's wrapper
            )
        finally:
            os.close(descriptor)
        if self._niceness:
            with contextlib.suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, self._child.pid, self._niceness)

    @property
    def pid(self) -> int:
        """Of the program itself; 0 before it was started."""
        return self._child.pid if self._child else 0

    @property
    def running(self) -> bool:
        """Whether the program has not ended."""
        return self._child is not None and self._child.returncode is None

    @property
    def ended_with(self) -> int | None:
        """Exit status, negative for a signal; None while running."""
        return self._child.returncode if self._child else None

    async def wait(self) -> int:
        """Until the program ends; its exit status, negative for a signal."""
        if self._child is None:
            return 0
        return await self._child.wait()

    async def stop(self, how: signal.Signals, *, grace_s: float) -> None:
        """Ask with a signal, then end what is left, children included, when ``grace_s`` is over."""
        if self._child is None or not self.running:
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

    def kill(self) -> None:
        """SIGKILL, for the program and all its children."""
        _signal(self._family(), signal.SIGKILL)

    async def pause(self) -> None:
        """SIGSTOP, for the program and all its children, and wait until they stand: it is there and does not answer."""
        # Twice: a server may have forked between our look and its own stop.
        for _ in range(2):
            family = self._family()
            _signal(family, signal.SIGSTOP)
            await _until(family, (psutil.STATUS_STOPPED, *_GONE))

    def resume(self) -> None:
        """SIGCONT, for the program and all its children."""
        _signal(self._family(), signal.SIGCONT)

    def log_tail(self, lines: int = 8) -> str:
        """The end of the log."""
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def _family(self) -> list[psutil.Process]:
        """The program first, then its descendants (PostgreSQL's are in sessions of their own)."""
        if self._child is None or not self.running:
            return []
        try:
            main = psutil.Process(self._child.pid)
            return [main, *main.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def _signal(family: Sequence[psutil.Process], how: signal.Signals) -> None:
    for process in family:
        # psutil refuses when the number belongs to another process by now.
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(how)


async def _until(family: Sequence[psutil.Process], statuses: Collection[str]) -> None:
    """Wait until each process has one of the statuses: signals take effect when the kernel gets round to it."""
    deadline = time.monotonic() + _SIGNAL_LIMIT_S
    while any(_status(process) not in statuses for process in family) and time.monotonic() < deadline:
        await asyncio.sleep(0.002)


def _status(process: psutil.Process) -> str:
    try:
        return process.status() if process.is_running() else psutil.STATUS_DEAD
    except psutil.NoSuchProcess:
        return psutil.STATUS_DEAD
