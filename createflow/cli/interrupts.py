"""Ctrl-C, SIGTERM and a closed terminal: they end the work in order, and never the report about it."""

import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from createflow.cli.exit_code import ExitCode
from createflow.cli.messages import print_error

if TYPE_CHECKING:
    import asyncio

Result = TypeVar("Result")

# asyncio is imported where it is needed: most commands end before that.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""CI systems end a job with SIGTERM; a terminal that is closed sends SIGHUP."""


class Interrupts:
    """Counts the signals and passes each to whoever handles it now.

    While a coroutine runs, a signal cancels it unless somebody else handles it. Outside they are only counted.

    Why not ``loop.add_signal_handler``: its handlers end with the loop, and a signal that comes while the report is
    written would then cost the report.
    """

    def __init__(self) -> None:
        self.count = 0
        self._on_signal: Callable[[], object] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, main: Coroutine[Any, Any, Result]) -> Result:
        """Run the coroutine as ``asyncio.run`` does.

        Raises:
            typer.Exit: it was cancelled by a signal and has nothing to report.
        """
        import asyncio

        async def cancelled_by_a_signal() -> Result:
            task = asyncio.current_task()
            if task is not None:
                self.handle(task.cancel)
            return await main

        try:
            return asyncio.run(cancelled_by_a_signal())
        except asyncio.CancelledError:
            print_error("interrupted")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        finally:
            self._loop = self._on_signal = None

    def handle(self, on_signal: Callable[[], object]) -> None:
        """Call this in the running event loop for each signal from now on, and at once if one has come already."""
        import asyncio

        self._loop, self._on_signal = asyncio.get_running_loop(), on_signal
        if self.count:
            self._loop.call_soon(on_signal)

    def receive(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Note a signal. Called by the interpreter between any two instructions of the main thread."""
        self.count += 1
        if self._loop is not None and self._on_signal is not None:
            self._loop.call_soon_threadsafe(self._on_signal)


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Handle the signals inside the block."""
    received = Interrupts()
    before = {number: signal.getsignal(number) for number in _handled_signals()}
    for number in before:
        signal.signal(number, received.receive)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


def interrupt_like_ctrl_c() -> None:
    """Let SIGTERM and SIGHUP raise ``KeyboardInterrupt`` outside of ``interrupts`` blocks, as Ctrl-C does."""
    for number in _handled_signals():
        signal.signal(number, signal.default_int_handler)


def _handled_signals() -> list[signal.Signals]:
    """``nohup`` ignores SIGHUP, and it stays ignored. A script's SIGINT to a process in the background counts."""
    return [number for number in _SIGNALS if number is not signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]
