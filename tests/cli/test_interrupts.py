"""Signals end the work in order, and nothing after it."""

import asyncio
import os
import signal

import pytest
import typer

from createflow.cli.exit_code import ExitCode
from createflow.cli.interrupts import interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_after_the_work_is_only_counted(number: signal.Signals) -> None:
    """The report is being written then. Afterwards the earlier handlers are back."""
    before = signal.getsignal(number)
    with interrupts() as signals:
        signals.run(asyncio.sleep(0))
        os.kill(os.getpid(), number)
        assert signals.count == 1
    assert signal.getsignal(number) is before


def test_a_signal_before_the_handler_is_not_lost() -> None:
    """It may come while modules are imported."""
    with interrupts() as signals:
        os.kill(os.getpid(), signal.SIGTERM)

        async def work() -> None:
            task = asyncio.current_task()
            assert task is not None
            signals.handle(task.cancel)
            await asyncio.Event().wait()

        with pytest.raises(typer.Exit) as ended:
            signals.run(work())
    assert ended.value.exit_code == ExitCode.INTERRUPTED


def test_a_signal_ends_a_coroutine_that_handles_none() -> None:
    """No command can forget it: such a one would go on whatever the user does."""

    async def endless() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()

    with interrupts() as signals, pytest.raises(typer.Exit) as ended:
        signals.run(endless())
    assert ended.value.exit_code == ExitCode.INTERRUPTED


def test_nohup_is_respected() -> None:
    """A signal that the caller ignores stays ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupts() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.count == 0
    finally:
        signal.signal(signal.SIGHUP, before)
