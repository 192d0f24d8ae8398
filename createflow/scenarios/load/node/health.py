"""The health of a load process: CPU time, memory, event loop delay, garbage collection."""

import gc
import time
from typing import Literal

import gevent

from createflow.scenarios.load.accounting.histogram import Histogram
from createflow.scenarios.load.host.proc import read_peak_memory_mb

_HEARTBEAT_S = 0.01


class Health:
    """Measures this process from ``start`` to ``stop``."""

    def __init__(self) -> None:
        self._loop_delay = Histogram()
        self._gc_start_s = 0.0
        self._cpu_start_s = 0.0
        self._heartbeat: gevent.Greenlet | None = None
        self.gc_pause_max_ms = 0.0

    def start(self) -> None:
        """Start measuring. Everything loaded until now is frozen, so that the garbage collector skips it."""
        gc.collect()
        gc.freeze()
        gc.callbacks.append(self._on_gc)
        self._cpu_start_s = time.process_time()
        self._heartbeat = gevent.spawn(self._beat)

    def stop(self) -> None:
        """Stop measuring."""
        if self._heartbeat is not None:
            self._heartbeat.kill()
            gc.callbacks.remove(self._on_gc)

    @property
    def cpu_s(self) -> float:
        """CPU time used since the start."""
        return time.process_time() - self._cpu_start_s

    @property
    def memory_mb(self) -> float:
        """Peak memory of the process."""
        return read_peak_memory_mb()

    @property
    def loop_delay_p99_ms(self) -> float:
        """How late the event loop ran a timer of 10 ms."""
        (p99_ms,) = self._loop_delay.percentiles_ms(0.99)
        return p99_ms

    def _beat(self) -> None:
        while True:
            due = time.perf_counter() + _HEARTBEAT_S
            gevent.sleep(_HEARTBEAT_S)
            self._loop_delay.record(max(0.0, time.perf_counter() - due))

    def _on_gc(self, phase: Literal["start", "stop"], _info: dict[str, int]) -> None:
        if phase == "start":
            self._gc_start_s = time.perf_counter()
        else:
            pause_ms = (time.perf_counter() - self._gc_start_s) * 1000
            self.gc_pause_max_ms = max(self.gc_pause_max_ms, pause_ms)
