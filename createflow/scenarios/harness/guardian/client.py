"""The run's side of its guardian: starts it, tells it what is at stake, and lets it run the commands of faults."""

import asyncio
import json
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from createflow.scenarios.harness.guardian.command import COMMAND_TIMEOUT_S, run_command
from createflow.scenarios.harness.guardian.orphan import end_orphan
from createflow.scenarios.harness.guardian.pipe import GuardianPipe, start_process
from createflow.scenarios.harness.guardian.rows import Rows
from createflow.scenarios.target.lifecycle.set_up import Senders, endings
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.run_context import Created, RunContext
from createflow.schemas.profile import FaultCommands, FaultName, Profile

_ENDING_S = 10.0
_ANSWER_S = COMMAND_TIMEOUT_S + 10.0
_POLL_S = 0.01
_MOST_RESTARTS = 10
_PROFILE_SECTIONS = {"target", "setup", "teardown"}


@dataclass(frozen=True, slots=True)
class Guarding:
    """How a run is guarded."""

    command: str = "run"
    """The name of the command, for messages about it."""
    is_target_ours: bool = False
    """The target ends with the run, so nothing has to be healed or removed."""
    held: tuple[int, ...] = ()
    """Open files that the guardian holds as well: a lease ends only when the target is whole."""


class RunGuardian:
    """A guardian process, started when there is something to guard.

    A guardian that was killed is started again and told everything once more. It hears that the run ended in order only
    when nothing is at stake any more; otherwise it takes over.
    """

    def __init__(self, profile: Profile, context: RunContext, guarding: Guarding) -> None:
        self._profile = profile
        self._context = context
        self._guarding = guarding
        self._started_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: GuardianPipe | None = None
        self._reading: asyncio.Task[None] | None = None
        self._answers: dict[int, asyncio.Future[str | None]] = {}
        self._number = 0
        self._injected: dict[str, tuple[str, ...]] = {}
        self._created: dict[str, dict[str, Any]] = {}
        self._teardown: dict[str, Any] | None = None
        self._tears_down: Senders | None = None
        self._endings = len(endings(profile))
        self._rows = Rows()
        self._writers: list[dict[str, Any]] = []
        self._late: list[tuple[int, int]] = []
        self._injecting: int | None = None
        self._orphan: int | None = None
        self._restarts_left = _MOST_RESTARTS
        self._is_alive = False
        self._has_ended = False
        self._starting = asyncio.Lock()

    async def start_if_needed(self) -> None:
        """Start it now when the run may create what has to be removed; otherwise it starts at the first fault."""
        if self._profile.target.cleanup or self._endings:
            await self._is_there()

    async def inject(self, name: FaultName, commands: FaultCommands) -> str:
        """Run the command that injects a fault. None is injected without a guardian that knows of it.

        Returns:
            The reason why it failed; empty when it succeeded.
        """
        if not await self._is_there():
            return "the guardian of the run does not start, so nobody would heal the fault if the run was killed"
        self._injected[name] = commands.heal
        problem = await self._ask({"inject": name, "command": commands.inject, "heal_command": commands.heal})
        return "the guardian of the run was killed" if problem is None else problem

    async def heal(self, name: FaultName, commands: FaultCommands) -> str:
        """Run the command that heals a fault; an injection that was cancelled has ended before.

        Returns:
            The reason why it failed; empty when it succeeded.
        """
        problem: str | None = None
        if self._orphan is not None:
            await end_orphan(self._orphan)
            self._orphan = None
        if await self._is_there():
            problem = await self._ask({"heal": name, "heal_command": commands.heal})
        if problem is None:
            problem = await run_command(commands.heal)
        if not problem:
            self._injected.pop(name, None)
        return problem

    def on_created(self, created: Created) -> None:
        """Tell of a resource that has to be deleted."""
        if not self._profile.target.cleanup:
            return
        told = {
            "url": created.url,
            "id": created.id,
            "who": _told(created.who),
            "is_guessed": created.is_guessed,
            "kept_because": created.kept_because,
            "variables": self._context.variables,
        }
        self._created[created.url] = told
        self._tell({"created": told})

    def on_removed(self, created: Created) -> None:
        """Tell that a resource is gone."""
        if self._created.pop(created.url, None) is not None:
            self._tell({"removed": created.url})

    def on_listed(self, created: Created) -> None:
        """Tell that the report of the run lists a resource, because it cannot be removed."""
        if self._created.pop(created.url, None) is not None:
            self._tell({"listed": created.url})

    def late_pipes(self, count: int) -> tuple[int, ...]:
        """Open files for load processes, by which they tell what the run did not hear before it was gone.

        To be called before the guardian starts. Each is for one process, and stays open here until the end.
        """
        self._late = [os.pipe() for _ in range(count)]
        return tuple(write for _, write in self._late)

    def on_rows(self, rows: Sequence[Sequence[Any]]) -> None:
        """Tell what a load created; see ``Row``."""
        if rows and self._profile.target.cleanup and self._rows.add(rows):
            self._tell({"rows": rows})

    def on_rows_tried(self, count: int) -> None:
        """Tell that so many of the rows, from the first, need no more work."""
        if count > self._rows.tried:
            self._rows.tried = min(count, self._rows.count)
            self._tell({"tried": self._rows.tried})

    def set_writers(self, writers: Sequence[Principal]) -> None:
        """Tell who created the rows: that of arrival ``k`` number ``k % len(writers)``."""
        if self._profile.target.cleanup:
            self._writers = [_told(who) for who in writers]
            self._tell({"writers": self._writers, "variables": self._context.variables})

    def needs_teardown(self, senders: Senders) -> None:
        """Tell that the requests after the checks have to be sent, with the variables that are known by now."""
        if self._endings:
            self._tears_down = senders
            self._teardown = {
                "variables": dict(self._context.variables),
                "set_up": self._context.set_up_requests,
                "senders": {name: _told(who.current()) for name, who in senders.items()},
                "answered": 0,
            }
            self._tell({"teardown": self._teardown})

    def on_torn_down(self, answered: int) -> None:
        """Tell how many tear-down requests were answered."""
        if self._teardown is not None:
            self._teardown["answered"] = answered
            if answered == self._endings:
                self._teardown = self._tears_down = None
            self._tell({"teardown": self._teardown})

    @property
    def tears_down(self) -> Senders | None:
        """Who has to send the tear-down requests; None when there are none, or they were answered."""
        return self._tears_down

    @property
    def has_unhealed_fault(self) -> bool:
        """A fault is in that could not be healed."""
        return bool(self._injected)

    @property
    def has_created(self) -> bool:
        """Something that the run created has to be deleted."""
        return bool(self._created or self._rows.remaining)

    def at_stake(self) -> tuple[str, ...]:
        """What would have to be done if the run was killed now, as text."""
        count = len(self._created) + self._rows.remaining
        return (
            *(f"the fault {name}" for name in self._injected),
            *([f"{count} created resource{'' if count == 1 else 's'}"] if count else []),
            *(["the tear-down requests"] if self._teardown is not None else []),
        )

    async def can_take_over(self) -> bool:
        """Whether there is a guardian that does what is at stake when the run ends; it is started if need be."""
        return not self._guarding.is_target_ours and await self._is_there()

    async def end(self) -> None:
        """End it if nothing is at stake; otherwise it takes over, and nobody waits for it."""
        is_taking_over = bool(self.at_stake()) and await self.can_take_over()
        async with self._starting:
            self._has_ended = True
            process, pipe, reading = self._process, self._pipe, self._reading
            self._process = self._pipe = self._reading = None
        if process is None or pipe is None or reading is None:
            self._close_late_pipes()
            return
        pipe.send({"handed_over": True} if is_taking_over else {"end": True})
        await pipe.close()
        self._close_late_pipes()
        if is_taking_over:
            reading.cancel()
            await asyncio.wait({reading})
            # Whoever goes on after this run, tests for example, gets no zombie of it.
            threading.Thread(target=process.wait, daemon=True).start()
            return
        try:
            async with asyncio.timeout(_ENDING_S):
                await asyncio.shield(reading)
        except TimeoutError:
            process.kill()
            await reading

    async def _is_there(self) -> bool:
        """Whether a guardian lives that knows everything; it is started if need be."""
        async with self._starting:
            return self._is_alive or (not self._has_ended and await self._start())

    async def _start(self) -> bool:
        """Start a guardian and tell it everything. Nothing is asked of it before that, and nothing of the one before.

        Returns:
            Whether it was started.
        """
        try:
            process = start_process((*self._guarding.held, *(read for read, _ in self._late)))
        except OSError:
            return False
        try:
            pipe = await GuardianPipe.to(process)
        except BaseException:
            process.kill()
            process.wait()
            raise
        self._process, self._pipe, self._is_alive = process, pipe, True
        self._reading = asyncio.create_task(self._read(process))
        self._tell(self._begin())
        self._tell({"orphan": self._orphan})
        for name, command in self._injected.items():
            self._tell({"injected": name, "heal_command": command})
        for told in self._created.values():
            self._tell({"created": told})
        self._tell({"writers": self._writers, "variables": self._context.variables})
        for batch in self._rows.batches():
            self._tell({"rows": batch})
        self._tell({"tried": self._rows.tried})
        self._tell({"teardown": self._teardown})
        return True

    def _close_late_pipes(self) -> None:
        late, self._late = self._late, []
        for descriptor in (end for pipe in late for end in pipe):
            os.close(descriptor)

    def _begin(self) -> dict[str, Any]:
        target = self._context.target
        return {
            "run_id": self._context.run_id,
            "command": self._guarding.command,
            "pid": os.getpid(),
            "started_at": self._started_at,
            "target": self._context.mask.text(f"{target.base_url.rstrip('/')}{target.path}"),
            "profile": self._profile.model_dump(mode="json", include=_PROFILE_SECTIONS),
            "is_target_ours": self._guarding.is_target_ours,
            "late": [read for read, _ in self._late],
        }

    async def _ask(self, message: Mapping[str, Any]) -> str | None:
        """Its answer; None when it was killed before it answered, or does not answer."""
        if not self._is_alive:
            return None
        self._number += 1
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._answers[self._number] = answer
        self._tell({"id": self._number, **message})
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await answer
        except TimeoutError:
            return None

    def _tell(self, message: Mapping[str, Any]) -> None:
        if self._pipe is not None:
            self._pipe.send(message)

    async def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Read its answers until it is gone."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), process.stdout)
        try:
            while line := await reader.readline():
                answer = json.loads(line)
                self._injecting = answer.get("group")
                if self._injecting is not None:
                    continue
                waiting = self._answers.pop(answer["id"], None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer["problem"])
            while process.poll() is None:
                await asyncio.sleep(_POLL_S)
        finally:
            transport.close()
            if process is self._process:
                self._is_alive = False
                self._orphan, self._injecting = self._injecting, None
            for waiting in self._answers.values():
                if not waiting.done():
                    waiting.set_result(None)
            self._answers.clear()
        if not self._has_ended and self.at_stake() and self._restarts_left:
            self._restarts_left -= 1
            await self._is_there()


def _told(who: Principal) -> dict[str, Any]:
    """The credential of a principal, as plain data."""
    return {
        "subject": who.subject,
        "token": who.token,
        "scheme": who.scheme,
        "header": who.header,
        "query": who.query,
        "cookie": who.cookie,
        "also": who.also,
        "signer": None if who.signer is None else who.signer.settings,
    }
