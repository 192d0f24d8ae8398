"""What is broken on purpose is mended, whatever happens in between."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from createflow.scenarios.harness.guardian.client import Guarding, RunGuardian
from createflow.scenarios.harness.guardian.faults import DeclaredFaults, FaultCommandFailed, FaultNotHealed
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile import FaultCommands, FaultName, Profile


@asynccontextmanager
async def declared(**commands: FaultCommands) -> AsyncIterator[DeclaredFaults]:
    """Faults with these commands, and the guardian that runs them."""
    profile = Profile.model_validate({"target": {"base_url": "http://127.0.0.1:9"}, "faults": commands})
    guardian = RunGuardian(profile, RunContext(profile, "r", Mask()), Guarding(is_target_ours=True))
    try:
        yield DeclaredFaults(profile.faults, guardian)
    finally:
        await guardian.end()


def writes(file: Path, word: str) -> tuple[str, ...]:
    """A command that notes that it ran."""
    return (sys.executable, "-c", f"open({str(file)!r}, 'a').write({word!r})")


def fails(word: str) -> tuple[str, ...]:
    """A command that fails with a word."""
    return (sys.executable, "-c", f"raise SystemExit({word!r})")


@pytest.mark.anyio
async def test_a_fault_is_in_inside_the_block_and_out_after_it(tmp_path: Path) -> None:
    """Also when the block fails."""
    log = tmp_path / "log"
    async with declared(search_down=FaultCommands(inject=writes(log, "i"), heal=writes(log, "h"))) as faults:

        async def block() -> None:
            async with faults.injected("search_down"):
                assert log.read_text() == "i"
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await block()
        assert log.read_text() == "ih"


@pytest.mark.anyio
async def test_a_cancelled_block_is_healed_before_the_cancellation_goes_on(tmp_path: Path) -> None:
    """Even when it is cancelled again while it heals."""
    log = tmp_path / "log"
    async with declared(search_down=FaultCommands(inject=writes(log, "i"), heal=writes(log, "h"))) as faults:
        inside = asyncio.Event()

        async def block() -> None:
            async with faults.injected("search_down"):
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(block())
        await inside.wait()
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert log.read_text() == "ih"


@pytest.mark.anyio
async def test_a_command_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    """And what was perhaps half broken is healed."""
    log = tmp_path / "log"
    async with declared(search_down=FaultCommands(inject=fails("no such thing"), heal=writes(log, "h"))) as faults:
        with pytest.raises(FaultCommandFailed, match=r"faults.search_down.inject: .* status 1: no such thing"):
            async with faults.injected("search_down"):
                pytest.fail("nothing was injected")
        assert log.read_text() == "h"


@pytest.mark.anyio
@pytest.mark.parametrize("heal", [fails("stuck"), ("/no/such/program",)], ids=["fails", "missing"])
async def test_what_cannot_be_healed_is_a_worse_failure(tmp_path: Path, heal: tuple[str, ...]) -> None:
    """The run must not go on blaming the target."""
    async with declared(search_down=FaultCommands(inject=writes(tmp_path / "log", "i"), heal=heal)) as faults:
        with pytest.raises(FaultNotHealed, match=r"faults.search_down.heal"):
            async with faults.injected("search_down"):
                pass


@pytest.mark.anyio
async def test_the_first_declared_fault_is_taken(tmp_path: Path) -> None:
    """And none of them being declared is a reason to skip."""
    log = tmp_path / "log"
    async with declared(database_down=FaultCommands(inject=writes(log, "i"), heal=writes(log, "h"))) as faults:
        async with faults.injected("database_error", "database_down"):
            assert log.read_text() == "i"
        with pytest.raises(NotDeclared, match=r"faults.database_error"):
            async with faults.injected("database_error"):
                pass


def alone(file: Path, word: str) -> tuple[str, ...]:
    """A command that notes that it ran, and fails while another one of this kind runs."""
    lock = file.with_suffix(".lock")
    script = f"import os; open({str(lock)!r}, 'x').close(); open({str(file)!r}, 'a').write({word!r}); "
    return (sys.executable, "-c", f"{script}sum(range(10**6)); os.unlink({str(lock)!r})")


@pytest.mark.anyio
async def test_two_faults_are_in_at_once_and_their_commands_take_turns(tmp_path: Path) -> None:
    """The guardian settles one injection before it heals, so that nothing takes effect after its heal."""
    log = tmp_path / "log"
    names = ("search_down", "replica_down")
    commands = {name: FaultCommands(inject=alone(log, "i"), heal=alone(log, "h")) for name in names}
    both = asyncio.Barrier(2)
    async with declared(**commands) as faults:

        async def lane(name: FaultName) -> None:
            async with faults.injected(name):
                await both.wait()

        await asyncio.gather(lane("search_down"), lane("replica_down"))
    assert log.read_text() == "iihh"
