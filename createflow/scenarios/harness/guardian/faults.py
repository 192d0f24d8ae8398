"""Injects and heals the faults of the profile through the guardian of the run; a fault is always healed."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from createflow.scenarios.harness.guardian.client import RunGuardian
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.traffic.traffic import Traffic
from createflow.schemas.profile import FaultCommands, FaultName


class FaultCommandFailed(Exception):  # noqa: N818 - read as a statement
    """A command of the profile failed."""


class FaultNotHealed(FaultCommandFailed):
    """A fault could not be healed: from now on no failure can be blamed on the target."""


class DeclaredFaults:
    """Fills the role Faults."""

    def __init__(
        self,
        commands: Mapping[FaultName, FaultCommands],
        guardian: RunGuardian,
        traffic: Traffic | None = None,
    ) -> None:
        self._commands = commands
        self._guardian = guardian
        self._traffic = traffic
        self._turn = asyncio.Lock()
        """Faults of different lanes are in at the same time. But the guardian settles one injection before it heals."""

    @asynccontextmanager
    async def injected(self, *names: FaultName) -> AsyncIterator[None]:
        """Inject the first configured of these faults, and heal it after the block, whatever happens.

        Raises:
            NotDeclared: the profile configures none of them.
            FaultCommandFailed: it could not be injected.
            FaultNotHealed: it could not be healed.
        """
        name = next((name for name in names if name in self._commands), None)
        if name is None:
            keys = " or ".join(f"`faults.{name}`" for name in names)
            raise NotDeclared(f"{keys} is not configured")
        commands = self._commands[name]
        if self._traffic is not None:
            self._traffic.fault_begins(name)
        try:
            async with self._turn:
                problem = await self._guardian.inject(name, commands)
            if problem:
                raise FaultCommandFailed(f"faults.{name}.inject: {problem}")
            yield
        finally:
            problem, is_cancelled = await _whatever_happens(self._heal(name, commands))
            if self._traffic is not None:
                self._traffic.fault_ends(name)
            if problem:
                # Also when the run is interrupted: its report must say that the target is not whole.
                raise FaultNotHealed(f"faults.{name}.heal: {problem}")
            if is_cancelled:
                raise asyncio.CancelledError

    async def _heal(self, name: FaultName, commands: FaultCommands) -> str:
        async with self._turn:
            return await self._guardian.heal(name, commands)


async def _whatever_happens(healing: Coroutine[Any, Any, str]) -> tuple[str, bool]:
    """The result of healing, and whether the caller was cancelled meanwhile, once or several times.

    An interrupted run must not leave somebody's database paused.
    """
    task, is_cancelled = asyncio.ensure_future(healing), False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            is_cancelled = True
    return task.result(), is_cancelled
