"""``kind = "command"``: a command gets ids on its standard input, one a line, and prints a JSON document a line."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.documents.source import (
    MAX_ANSWER_BYTES,
    MAX_BATCH,
    MAX_DOCUMENT_BYTES,
    not_declared,
)
from createflow.scenarios.sinks.failure import SinkFailed
from createflow.scenarios.target.received import NotJson, json_of
from createflow.scenarios.text.printable import cut
from createflow.schemas.profile_sinks import CommandSink

_PART_BYTES = 64 * 1024
_SHOWN_CHARACTERS = 300
_GONE_S = 2.0
_AT_ONCE = 4
"""Commands that run at the same time."""
NOBODY = "createflow-asks-for-nothing"
"""An id that no store has."""


class CommandSource:
    """Fills DocumentSource. The command runs anew for each batch of ids, and what it starts ends with it."""

    def __init__(self, name: str, section: CommandSink) -> None:
        self._name = name
        self._section = section
        self._slots = asyncio.Semaphore(_AT_ONCE)

    @property
    def address(self) -> str:
        """The program; its arguments may have passwords."""
        return self._section.command[0]

    async def open(self) -> None:
        """Ask for an id that is not there."""
        await self.by_ids([NOBODY])

    async def close(self) -> None:
        """Do nothing: no command is running."""

    async def by_ids(self, ids: Sequence[str]) -> list[Any]:
        """The documents of these resources."""
        known = [one for one in ids if one and "\n" not in one and "\r" not in one]
        found: list[Any] = []
        for start in range(0, len(known), MAX_BATCH):
            found += await self._printed(self._section.command, known[start : start + MAX_BATCH])
        return found

    async def by_name(self, name: str) -> list[Any]:
        """The documents with this name."""
        if self._section.name_command is None:
            raise not_declared(self._name, "name_command")
        return await self._printed([part.replace("{name}", name) for part in self._section.name_command])

    async def by_prefix(self, prefix: str, since: str) -> list[Any]:
        """The documents whose name begins so."""
        if self._section.run_command is None:
            raise not_declared(self._name, "run_command")
        command = [part.replace("{prefix}", prefix).replace("{since}", since) for part in self._section.run_command]
        return await self._printed(command)

    async def _printed(self, command: Sequence[str], lines: Sequence[str] = ()) -> list[Any]:
        async with self._slots:
            out = await self._output(command, "".join(f"{line}\n" for line in lines).encode())
        return [self._document(number, line) for number, line in enumerate(out.splitlines(), 1) if line.strip()]

    def _document(self, number: int, line: bytes) -> Any:
        if len(line) > MAX_DOCUMENT_BYTES:
            raise Inconclusive(f"{self._name}: line {number} of its command has more than {MAX_DOCUMENT_BYTES} bytes")
        try:
            return json_of(line)
        except NotJson as error:
            shown = cut(line.decode("utf-8", "replace"), 60)
            raise Inconclusive(f"{self._name}: line {number} of its command is no JSON: {shown!r} ({error})") from None

    async def _output(self, command: Sequence[str], given: bytes) -> bytes:
        program, within_s = command[0], self._section.timeout_s
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SinkFailed(f"{program} cannot be run: {reason}; check `command`") from None
        try:
            async with asyncio.timeout(within_s):
                _, out, err = await asyncio.gather(
                    _give(process.stdin, given), _all_of(process), _end_of(process.stderr)
                )
                await process.wait()
        except TimeoutError:
            raise SinkFailed(f"{program} did not end within {within_s:g} s; see `timeout_s`") from None
        finally:
            await _end(process)
        if len(out) > MAX_ANSWER_BYTES:
            raise Inconclusive(f"{self._name}: its command printed more than {MAX_ANSWER_BYTES} bytes: too many")
        if process.returncode:
            said = err.decode("utf-8", "replace").strip()[-_SHOWN_CHARACTERS:] or "it said nothing on standard error"
            raise SinkFailed(f"{program} ended with status {process.returncode}: {said}")
        return out


async def _give(stream: asyncio.StreamWriter | None, given: bytes) -> None:
    if stream is None:
        return
    with suppress(ConnectionError):  # it may not want to know
        stream.write(given)
        await stream.drain()
    with suppress(ConnectionError):
        stream.close()
        await stream.wait_closed()


async def _all_of(process: asyncio.subprocess.Process) -> bytes:
    """What it prints. A command that prints more than is kept is ended."""
    whole = bytearray()
    while process.stdout is not None and (part := await process.stdout.read(_PART_BYTES)):
        if len(whole) <= MAX_ANSWER_BYTES:
            whole += part
        if len(whole) > MAX_ANSWER_BYTES:
            _kill(process)
    return bytes(whole)


async def _end_of(stream: asyncio.StreamReader | None) -> bytes:
    """The last bytes, whatever comes before them."""
    end = b""
    while stream is not None and (part := await stream.read(_PART_BYTES)):
        end = (end + part)[-_PART_BYTES:]
    return end


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a command that still runs, and what it started."""
    if process.returncode is not None:
        return
    _kill(process)
    with suppress(TimeoutError):
        async with asyncio.timeout(_GONE_S):
            await asyncio.gather(_end_of(process.stdout), _end_of(process.stderr), process.wait())


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
