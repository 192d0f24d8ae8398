"""Breaking things on purpose, with the commands of the profile, and always mending them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from createflow.scenarios.outcome import NotDeclared
from createflow.schemas.profile import FaultCommands, FaultName

_LONGEST_COMMAND_S = 30.0
_SHOWN_CHARACTERS = 300


class FaultCommandFailed(Exception):  # noqa: N818 - read as a statement
    """A command of the profile did not do its work."""


class FaultNotHealed(FaultCommandFailed):
    """What was broken stays broken: nothing that is seen from now on can be blamed on the target."""


class DeclaredFaults:
    """Fills the role Faults."""

    def __init__(self, commands: Mapping[FaultName, FaultCommands]) -> None:
        self._commands = commands

    @asynccontextmanager
    async def injected(self, *names: FaultName) -> AsyncIterator[None]:
        """The first declared of these faults is in inside the block, and is healed after it, whatever happens.

        Raises:
            NotDeclared: none of them is in the profile.
            FaultCommandFailed: it could not be brought in.
            FaultNotHealed: it could not be taken out.
        """
        name = next((name for name in names if name in self._commands), None)
        if name is None:
            raise NotDeclared(f"no faults.{' or faults.'.join(names)}")
        commands = self._commands[name]
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
            if problem:
                raise FaultNotHealed(f"faults.{name}.heal: {problem}")


async def _run(command: tuple[str, ...]) -> str:
    """What went wrong, in words; empty when nothing did."""
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
        async with asyncio.timeout(_LONGEST_COMMAND_S):
            output, _ = await process.communicate()
    except TimeoutError:
        return f"{command[0]} did not end within {_LONGEST_COMMAND_S:g} s"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        text = output.decode("utf-8", "replace").strip()[-_SHOWN_CHARACTERS:]
        return f"{command[0]} ended with status {process.returncode}: {text}"
    return ""
