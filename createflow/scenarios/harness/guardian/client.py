"""The run's side of its guardian: starts it, tells it what is at stake, and lets it run the commands of faults."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from createflow.scenarios.harness.guardian.command import run_command
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.run_context import Created, RunContext
from createflow.schemas.profile import FaultCommands, FaultName, Profile

MODULE = "createflow.scenarios.harness.guardian.process"
_ENDING_S = 10.0
_PROFILE_SECTIONS = {"target", "teardown"}


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

    A guardian that was killed is started again and told everything once more.
    """

    def __init__(self, profile: Profile, context: RunContext, guarding: Guarding) -> None:
        self._profile = profile
        self._context = context
        self._guarding = guarding
        self._started_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._answers: dict[int, asyncio.Future[str | None]] = {}
        self._number = 0
        self._injected: dict[str, tuple[str, ...]] = {}
        self._created: list[dict[str, Any]] = []
        self._teardown: dict[str, Any] | None = None
        self._is_alive = False
        self._has_ended = False

    async def start_if_needed(self) -> None:
        """Start it now when the run may create what has to be removed; otherwise it starts at the first fault."""
        if self._profile.target.cleanup or self._profile.teardown:
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
        self._created.append(told)
        self._tell({"created": told})

    def needs_teardown(self, who: Principal) -> None:
        """Tell that the tear-down requests have to be sent, with the variables that are known by now."""
        if self._profile.teardown:
            self._teardown = {"variables": dict(self._context.variables), "who": _told(who.current())}
            self._tell({"teardown": self._teardown})

    def torn_down(self) -> None:
        """Tell that the tear-down requests were sent."""
        self._teardown = None
        self._tell({"teardown": None})

    async def end(self) -> None:
        """End it: the run ended in order, and did itself what was to be done."""
        self._has_ended = True
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        with suppress(OSError, RuntimeError):
            process.stdin.write(b'{"end": true}\n')
        process.stdin.close()
        try:
            async with asyncio.timeout(_ENDING_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._reading is not None:
            await self._reading

    async def _is_there(self) -> bool:
        """Whether a guardian lives that knows everything; it is started if need be."""
        if self._is_alive:
            return True
        if self._has_ended:
            return False
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", MODULE),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                start_new_session=True,  # neither Ctrl-C nor the end of the terminal or of the process group ends it
                pass_fds=self._guarding.held,
            )
        except OSError:
            return False
        self._is_alive = True
        self._reading = asyncio.create_task(self._read(self._process))
        self._tell(self._begin())
        for name, command in self._injected.items():
            self._tell({"injected": name, "heal_command": command})
        for told in self._created:
            self._tell({"created": told})
        self._tell({"teardown": self._teardown})
        return True

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
        }

    async def _ask(self, message: Mapping[str, Any]) -> str | None:
        """Its answer; None when it was killed before it answered."""
        self._number += 1
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._answers[self._number] = answer
        self._tell({"id": self._number, **message})
        if not self._is_alive:
            return None
        return await answer

    def _tell(self, message: Mapping[str, Any]) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, RuntimeError):
                self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _read(self, process: Process) -> None:
        if process.stdout is not None:
            while line := await process.stdout.readline():
                answer = json.loads(line)
                waiting = self._answers.pop(answer["id"], None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer["problem"])
        self._is_alive = False
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_result(None)
        self._answers.clear()
        await process.wait()


def _told(who: Principal) -> dict[str, Any]:
    """The credential of a principal, as plain data."""
    return {"subject": who.subject, "token": who.token, "scheme": who.scheme, "header": who.header}
