"""The guardian process of a run. Run as ``python -m createflow.scenarios.harness.guardian.process``.

It reads JSON lines from its standard input, which is closed when the run is gone, also by SIGKILL. Secrets come that
way only: a command line can be read by every user. It runs the commands that inject and heal faults itself, one after
the other, so that a heal never overtakes an injection of a run that was killed meanwhile. As long as the run lives it
imports only what starts in milliseconds and needs little memory.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from createflow.scenarios.harness.guardian.command import run_command
from createflow.scenarios.harness.guardian.orphan import end_orphan
from createflow.scenarios.harness.guardian.records import Record, RecordFile
from createflow.scenarios.harness.guardian.rescue import ROWS_S, Stake, rescue
from createflow.scenarios.harness.guardian.rows import is_row

Message = dict[str, Any]

_MAX_LINE_BYTES = 16 * 1024 * 1024
_INJECTION_GRACE_S = 2.0
"""So long an injection may go on after the run gave it up. What is done half is harder to heal."""
_LATE_S = 3.0
"""So long load processes may go on after the run."""
_LONGEST_S = 90
"""After the run is gone."""


class Guardian:
    """What the run has told."""

    def __init__(self, begin: Message) -> None:
        self.record = Record(
            run_id=begin["run_id"],
            command=begin["command"],
            pid=begin["pid"],
            started_at=begin["started_at"],
            target=begin["target"],
        )
        self.stake = Stake(self.record, begin["profile"])
        self.is_target_ours: bool = begin["is_target_ours"]
        """The target ends with the run, so nothing needs to be healed or removed."""
        self.has_ended = False
        self._file = RecordFile.create(self.record)
        self._injection: asyncio.Task[None] | None = None
        self._orphan: int | None = None
        self.late: list[int] = begin["late"]
        """Open files of load processes that tell last what they created."""

    def save(self) -> None:
        """Write the record."""
        if self._file is not None:
            self._file.write(self.record)

    def close(self, *, keep_record: bool) -> None:
        """Remove the record, unless it has something to tell."""
        if self._file is not None and not keep_record:
            self._file.remove()

    async def receive(self, message: Message) -> None:
        """Do what a message of the run says."""
        if "inject" in message:
            command = _command(message, "command")
            self.record.faults[message["inject"]] = _command(message, "heal_command")
            self.save()  # before anything breaks
            self._injection = asyncio.create_task(self._inject(message["id"], command))
        elif "heal" in message:
            await self.settle_injection()
            problem = await run_command(_command(message, "heal_command"))
            if not problem:
                self.record.faults.pop(message["heal"], None)
                self.save()
            _answer(message["id"], problem)
        elif "injected" in message:  # a guardian before this one was told
            self.record.faults[message["injected"]] = _command(message, "heal_command")
            self.save()
        elif "end" in message:
            self.has_ended = True
        else:
            self._note(message)

    def _note(self, message: Message) -> None:
        """Keep what is at stake."""
        if "created" in message:
            self.stake.created[message["created"]["url"]] = message["created"]
            self.record.created += 1
        elif "removed" in message:
            if self.stake.created.pop(message["removed"], None) is not None:
                self.record.removed += 1
        elif "listed" in message:  # in the report of the run: it cannot be removed
            self.stake.created.pop(message["listed"], None)
        elif "teardown" in message:
            self.stake.teardown = message["teardown"]
        elif "orphan" in message:  # the guardian before this one was killed while it injected
            self._orphan = message["orphan"]
        elif "handed_over" in message:
            self.record.is_handed_over = True
        else:
            self._note_load(message)

    def _note_load(self, message: Message) -> None:
        """Keep what a load created."""
        if "rows" in message:
            rows = [row for row in message["rows"] if is_row(row)]
            self.stake.rows.add(rows)
            self.record.created += len(rows)
        elif "tried" in message:
            self.stake.rows.tried = int(message["tried"])
        elif "writers" in message:
            self.stake.writers, self.stake.variables = message["writers"], message["variables"]

    async def settle_injection(self) -> None:
        """Wait until no injection goes on; one that takes long is killed."""
        if self._orphan is not None:
            await end_orphan(self._orphan)
            self._orphan = None
        if self._injection is not None and not self._injection.done():
            await asyncio.wait({self._injection}, timeout=_INJECTION_GRACE_S)
            self._injection.cancel()
            await asyncio.wait({self._injection})

    async def _inject(self, number: int, command: list[str]) -> None:
        problem = "it was ended"
        told = os.dup(1)

        def tell_group() -> None:
            """Before the command can kill this guardian, which could then not tell it any more."""
            _tell({"group": os.getpid()}, told)

        try:
            problem = await run_command(command, in_child=tell_group)
        finally:
            os.close(told)
            _answer(number, problem)

    async def receive_late(self) -> None:
        """Receive what load processes tell last; they end soon after the run."""
        received = [_read_late(descriptor) for descriptor in self.late]
        for rows in await asyncio.gather(*received):
            if rows:
                before = self.stake.rows.count
                self.stake.rows.add_late(rows)
                self.record.created += self.stake.rows.count - before


async def _read_late(descriptor: int) -> list[Any]:
    """The rows that came until the other end was closed, or the time was up."""
    rows: list[Any] = []
    reader = asyncio.StreamReader(limit=_MAX_LINE_BYTES)
    pipe = os.fdopen(descriptor, "rb", 0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    with suppress(TimeoutError):
        async with asyncio.timeout(_LATE_S):
            async for message in _messages(reader):
                created = message.get("created")
                rows += [row for row in created if is_row(row)] if isinstance(created, list) else []
    transport.close()
    return rows


def _command(message: Message, key: str) -> list[str]:
    """Raises TypeError for what is no command."""
    command = message[key]
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        raise TypeError(key)
    return command


async def _messages(reader: asyncio.StreamReader) -> AsyncIterator[Message]:
    """Every line that is a message, until the other end is closed. What is none is passed over."""
    while True:
        try:
            line = await reader.readline()
            if not line.endswith(b"\n"):
                return
            message = json.loads(line)
        except (ValueError, RecursionError):  # also a line that is longer than any of ours
            continue
        if isinstance(message, dict):
            yield message


def _answer(number: int, problem: str) -> None:
    _tell({"id": number, "problem": problem})


def _tell(message: Message, to: int = 1) -> None:
    with suppress(OSError):  # the run is gone
        os.write(to, json.dumps(message).encode() + b"\n")


async def guard() -> None:
    """Serve the run until it ends or is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_MAX_LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    first = await reader.readline()
    if not first.endswith(b"\n"):
        return
    guardian = Guardian(json.loads(first))
    async for message in _messages(reader):
        with suppress(KeyError, TypeError, ValueError, AttributeError):  # one that is none costs the others nothing
            await guardian.receive(message)
        if guardian.has_ended:
            await guardian.settle_injection()
            guardian.close(keep_record=False)
            return
    signal.alarm(_LONGEST_S)
    await guardian.settle_injection()
    await guardian.receive_late()
    if guardian.stake.rows.remaining:
        signal.alarm(_LONGEST_S + int(ROWS_S))
    if guardian.is_target_ours:
        guardian.close(keep_record=False)
        return
    await rescue(guardian.stake, guardian.save)
    guardian.close(keep_record=guardian.record.is_worth_telling)


def _ignore(*_: object) -> None:
    """Do nothing. Not SIG_IGN, which the commands would inherit."""


def main() -> None:
    """Guard one run."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _ignore)
    asyncio.run(guard())


if __name__ == "__main__":
    main()
