"""What is seen while the load goes on: one moving line on a terminal, a line now and then in a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from createflow.scenarios.load.progress import Progress

_LOG_EVERY_S = 5.0


@contextmanager
def live_view(console: Console) -> Iterator[Callable[[Progress], None]]:
    """Give what to call with each look at the run."""
    if not console.is_terminal:
        yield _log(console)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield lambda progress: live.update(Text(line(progress), no_wrap=True, overflow="ellipsis"), refresh=True)


def line(progress: Progress) -> str:
    """The state of the run within 80 columns."""
    now = progress.now
    trouble = progress.refused + progress.failed + progress.not_sent
    waiting = now.in_flight + now.backlog
    return (
        f"{progress.phase:<9} {progress.elapsed_s:>3.0f}/{progress.total_s:.0f} s"
        f"  sent {now.sent}/s"
        f"  ok {now.statuses.get('2xx', 0)}/s"
        f"  p50 {progress.p50_ms:.0f}  p99 {progress.p99_ms:.0f} ms"
        f"  open {waiting}" + (f"  bad {trouble}" if trouble else "")
    )


def _log(console: Console) -> Callable[[Progress], None]:
    last = -_LOG_EVERY_S
    phase = ""

    def show(progress: Progress) -> None:
        nonlocal last, phase
        if progress.phase != phase or progress.elapsed_s - last >= _LOG_EVERY_S:
            last, phase = progress.elapsed_s, progress.phase
            console.print(line(progress), soft_wrap=True, highlight=False)

    return show
