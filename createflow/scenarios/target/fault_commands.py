"""Injects and heals faults with the commands of the profile; a fault is always healed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.traffic.traffic import Traffic
from createflow.schemas.profile import FaultCommands, FaultName

_COMMAND_TIMEOUT_S = 30.0
_SHOWN_CHARACTERS = 300


class FaultCommandFailed(Exception):  # noqa: N818 - read as a statement
    """A command of the profile failed."""


class FaultNotHealed(FaultCommandFailed):
    """A fault could not be healed: from now on no failure can be blamed on the target."""


class DeclaredFaults:
    """Fills the role Faults."""

    def __init__(self, commands: Mapping[FaultName, FaultCommands], traffic: Traffic | None = None) -> None:
        self._commands = commands
        self._traffic = traffic

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
            problem = await _run(commands.inject)
            if problem:
                raise FaultCommandFailed(f"faults.{name}.inject: {problem}")
            yield
        finally:
            # Shielded: an interrupted run must not leave somebody's database paused.
            healing = asyncio.ensure_future(_run(commands.heal))
            try:
                problem = await asyncio.shield(healing)
            except asyncio.CancelledError:
                await healing
                raise
            if self._traffic is not None:
                self._traffic.fault_ends(name)
            if problem:
                raise FaultNotHealed(f"faults.{name}.heal: {problem}")


async def _run(command: tuple[str, ...]) -> str:
    """The reason why the command failed; empty when it succeeded."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal must not reach a heal command
        )
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    try:
        async with asyncio.timeout(_COMMAND_TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError:
        return f"{command[0]} did not end within {_COMMAND_TIMEOUT_S:g} s"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        text = output.decode("utf-8", "replace").strip()[-_SHOWN_CHARACTERS:]
        return f"{command[0]} ended with status {process.returncode}: {text}"
    return ""
