"""``kind = "command"``: a command that prints an event a line, as they come, for as long as the run goes on."""

import asyncio
import os
import signal
from contextlib import suppress

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.events.collector import MOST_BYTES, MOST_EVENT_BYTES
from createflow.scenarios.sinks.failure import SinkFailed
from createflow.scenarios.sinks.sink import PublishedEvent
from createflow.schemas.profile_sinks import CommandEvents

_READY_S = 10.0
_START_S = 0.5
_PART_BYTES = 64 * 1024
_SHOWN_CHARACTERS = 300
_GONE_S = 2.0


class CommandEventSource:
    """Fills EventSource. What the command prints is kept until it is taken, within a bound."""

    keeps = False

    def __init__(self, section: CommandEvents) -> None:
        self._section = section
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._lines: list[bytes] = []
        self._waiting_bytes = 0
        self._position = 0
        self._said = b""
        self._problem: Exception | None = None
        self._is_ready = asyncio.Event()

    @property
    def address(self) -> str:
        """The program; its arguments may have passwords."""
        return self._section.command[0]

    async def open(self) -> None:
        """Start the command, and wait until it misses nothing any more."""
        program = self.address
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                *self._section.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SinkFailed(f"{program} cannot be run: {reason}; check sinks.events.command") from None
        assert process.stdout is not None  # noqa: S101 - both are pipes
        assert process.stderr is not None  # noqa: S101
        self._readers = [
            asyncio.create_task(self._read_events(process.stdout)),
            asyncio.create_task(self._read_messages(process.stderr)),
        ]
        within_s = _START_S if self._section.ready_line is None else _READY_S
        ended = asyncio.create_task(process.wait())
        ready = asyncio.create_task(self._is_ready.wait())
        await asyncio.wait({ended, ready}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        is_ready = ready.done() or self._section.ready_line is None
        for task in (ended, ready):
            task.cancel()
        if process.returncode is None and is_ready:
            return
        failure = self._failure(f"did not print {self._section.ready_line!r} within {within_s:g} s; see `ready_line`")
        await self.close()
        raise failure

    async def take(self) -> list[PublishedEvent]:
        """What was printed since the last time."""
        if self._problem is not None:
            raise self._problem
        if not self._lines and (self._process is None or self._process.returncode is not None):
            raise self._failure("is not running any more")
        lines, self._lines, self._waiting_bytes = self._lines, [], 0
        found = []
        for line in lines:
            self._position += 1
            found.append(PublishedEvent(line, position=str(self._position)))
        return found

    async def skip(self) -> None:
        """Drop what was printed."""
        await self.take()

    def rewind(self) -> None:
        """Do nothing: what was taken is gone."""

    async def close(self) -> None:
        """End the command, and what it started."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGTERM)
        if not await _gone(process):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await _gone(process)
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    async def _read_events(self, stream: asyncio.StreamReader) -> None:
        rest = b""
        while part := await stream.read(_PART_BYTES):
            *lines, rest = (rest + part).split(b"\n")
            for line in filter(bytes.strip, lines):
                if self._notes_ready(line):
                    continue
                self._lines.append(line)
                self._waiting_bytes += len(line)
            if len(rest) > MOST_EVENT_BYTES:
                self._problem = Inconclusive(f"{self.address} printed a line of more than {MOST_EVENT_BYTES} bytes")
                return
            if self._waiting_bytes > MOST_BYTES:
                self._problem = Inconclusive(f"{self.address} printed more than {MOST_BYTES} bytes at once: too many")
                return
        if rest.strip():
            self._lines.append(rest)

    async def _read_messages(self, stream: asyncio.StreamReader) -> None:
        while part := await stream.read(_PART_BYTES):
            self._said = (self._said + part)[-_PART_BYTES:]
            for line in self._said.split(b"\n"):
                self._notes_ready(line)

    def _notes_ready(self, line: bytes) -> bool:
        wanted = self._section.ready_line
        if wanted is None or self._is_ready.is_set() or line.strip() != wanted.strip().encode():
            return False
        self._is_ready.set()
        return True

    def _failure(self, what: str) -> SinkFailed:
        said = self._said.decode("utf-8", "replace").strip()[-_SHOWN_CHARACTERS:]
        status = None if self._process is None else self._process.returncode
        ended = what if status is None else f"ended with status {status}"
        return SinkFailed(f"{self.address} {ended}{f': {said}' if said else ''}")


async def _gone(process: asyncio.subprocess.Process) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(_GONE_S):
            await process.wait()
            return True
    return False
