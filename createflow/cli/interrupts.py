"""Ctrl-C and SIGTERM during a load run."""

import asyncio
import signal


class Interrupts:
    """Before there is a target, the end; then drain first, and the second time do not wait."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.kill = asyncio.Event()
        self.drain_first = False
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if not self.drain_first and self._task is not None:
            self._task.cancel()
        elif self.stop.is_set():
            self.kill.set()
        else:
            self.stop.set()
