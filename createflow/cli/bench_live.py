"""What is seen while the load goes on: a picture on a terminal, a line now and then in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from createflow.cli.live_picture import picture
from createflow.scenarios.load.fleet.progress import Progress
from createflow.schemas.load_report import Validity

_LOG_EVERY_S = 5.0
_STARTING = "starting the load processes"


@contextmanager
def live_view(console: Console, clock: Callable[[], float] = time.monotonic) -> Iterator[Callable[[Progress], None]]:
    """Give what to call with each look at the run. A terminal that cannot move its cursor is served as a log is."""
    if not console.is_terminal or console.is_dumb_terminal:
        console.print(_STARTING, highlight=False)
        yield _log(console, clock)
        return
    # No refresh of its own: the thread that rich would start competes with the load for a core.
    with Live(_STARTING, console=console, auto_refresh=False, transient=True) as live:
        live.refresh()
        yield lambda progress: live.update(
            picture(progress, console.width, plain=console.options.ascii_only), refresh=True
        )


def line(progress: Progress) -> str:
    """The state of the run in one line; within 80 columns while all is well."""
    now = progress.now
    trouble = progress.refused + progress.failed + progress.not_sent
    waiting = now.in_flight + now.backlog
    doubt = "" if progress.validity is Validity.VALID else f"  {progress.validity.value.upper()}"
    return (
        f"{progress.phase:<9} {progress.elapsed_s:>3.0f}/{progress.total_s:.0f} s"
        f"  sent {now.sent}/s"
        f"  ok {now.statuses.get('2xx', 0)}/s"
        f"  p50 {progress.p50_ms:.0f}  p99 {progress.p99_ms:.0f} ms"
        f"  open {waiting}" + (f"  bad {trouble}" if trouble else "") + doubt
    )


def _log(console: Console, clock: Callable[[], float]) -> Callable[[Progress], None]:
    last_s = clock() - _LOG_EVERY_S
    phase = ""

    def show(progress: Progress) -> None:
        nonlocal last_s, phase
        if progress.phase != phase or clock() - last_s >= _LOG_EVERY_S:
            last_s, phase = clock(), progress.phase
            console.print(line(progress), soft_wrap=True, highlight=False, markup=False)

    return show
