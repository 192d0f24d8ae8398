"""The live view of a load: a screen that is updated on a terminal, a line every few seconds in a log."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from createflow.cli.messages import print_message
from createflow.scenarios.load.fleet.progress import Phase, Progress
from createflow.scenarios.reports.format.text import format_count, format_ms
from createflow.scenarios.text.printable import foldable
from createflow.schemas.load_report import Validity

_LOG_EVERY_S = 5.0
_STARTING = "starting the load processes"

_PHASES: tuple[Phase, ...] = ("warm-up", "measuring", "draining", "verifying")
_VALIDITIES = {Validity.VALID: "green", Validity.SUSPECT: "yellow", Validity.INVALID: "bold red"}
_LABEL_WIDTH = 12
_TOP_WIDTH = 12
_MAX_NAMED = 8
"""Only this many statuses or sinks are named, so that everything stays on one screen."""
_BARS = "▁▂▃▄▅▆▇█"
_PLAIN_BARS = "_.-:=+*#"
"""For terminals that cannot show block characters."""


@contextmanager
def live_view(console: Console, clock: Callable[[], float] = time.monotonic) -> Iterator[Callable[[Progress], None]]:
    """The function that shows each snapshot of a run.

    A terminal that cannot move its cursor gets lines as a log does.
    """
    if not console.is_terminal or console.is_dumb_terminal:
        console.print(_STARTING, highlight=False)
        yield _log(console, clock)
        return
    # No automatic refresh: Rich would start a thread, which competes with the load for a core.
    with Live(_STARTING, console=console, auto_refresh=False, transient=True) as live:
        live.refresh()
        yield lambda progress: live.update(
            draw_progress(progress, console.width, plain=console.options.ascii_only), refresh=True
        )


def _log(console: Console, clock: Callable[[], float]) -> Callable[[Progress], None]:
    last_s = clock() - _LOG_EVERY_S
    phase = ""

    def show(progress: Progress) -> None:
        nonlocal last_s, phase
        if progress.phase != phase or clock() - last_s >= _LOG_EVERY_S:
            last_s, phase = clock(), progress.phase
            print_message(console, describe_progress(progress))

    return show


def describe_progress(progress: Progress) -> str:
    """The state of the run in one line, of at most 80 columns as long as nothing goes wrong."""
    now = progress.now
    bad = progress.refused + progress.failed + progress.not_sent
    waiting = now.in_flight + now.backlog
    validity = "" if progress.validity is Validity.VALID else f"  {progress.validity.value.upper()}"
    return (
        f"{progress.phase:<9} {progress.elapsed_s:>3.0f}/{progress.total_s:.0f} s"
        f"  sent {now.sent}/s"
        f"  ok {now.statuses.get('2xx', 0)}/s"
        f"  p50 {progress.p50_ms:.0f}  p99 {progress.p99_ms:.0f} ms"
        f"  open {waiting}" + (f"  bad {bad}" if bad else "") + validity
    )


def draw_progress(progress: Progress, width: int, *, plain: bool = False) -> RenderableType:
    """The state of the run in a dozen lines.

    Args:
        progress: the latest snapshot.
        width: columns of the terminal; no line is longer.
        plain: use ASCII characters only.
    """
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(style="dim", no_wrap=True, width=_LABEL_WIDTH - 1)
    grid.add_column(overflow="fold")
    for label, text in _rows(progress, width - _LABEL_WIDTH, plain=plain):
        grid.add_row(label, text)
    return Group(_phases(progress, width, plain=plain), grid)


def _phases(progress: Progress, width: int, *, plain: bool) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    for number, phase in enumerate(_PHASES):
        text.append(" > " if number else "", "dim")
        now = phase == progress.phase
        text.append(phase.upper() if now else phase, "bold" if now else "dim")
    text.append(f"  {progress.elapsed_s:.0f} of {progress.total_s:.0f} s  ")
    room = width - len(text) - 1
    if room >= 10 and progress.total_s > 0:
        done = round(room * min(1.0, progress.elapsed_s / progress.total_s))
        text.append(("=" if plain else "━") * done, "green")
        text.append(("." if plain else "━") * (room - done), "dim")
    return text


def _rows(progress: Progress, width: int, *, plain: bool) -> list[tuple[str, Text]]:
    now = progress.now
    rows = [
        ("per second", _counts(offered=now.offered, sent=now.sent, accepted=_accepted(now.statuses))),
        ("latency ms", _latencies(p50=progress.p50_ms, p95=progress.p95_ms, p99=progress.p99_ms)),
        ("last second", _latencies(p50=now.p50_ms, p95=now.p95_ms, p99=now.p99_ms, max=now.max_ms)),
        ("open", _counts(**{"in flight": now.in_flight, "backlog": now.backlog})),
        ("replies", _replies(progress)),
    ]
    if now.sink_lag_ms:
        rows.append(("sinks' lag", _lags(now.sink_lag_ms)))
    accepted = [_accepted(moment.statuses) for moment in progress.history]
    slowest = [moment.p99_ms for moment in progress.history]
    rows += [
        ("accepted/s", _sparks(accepted, format_count(max(accepted)), width, plain=plain)),
        ("p99 ms", _sparks(slowest, format_ms(max(slowest)), width, plain=plain)),
        ("generator", _generator(progress)),
    ]
    return rows


def _accepted(statuses: dict[str, int]) -> int:
    return statuses.get("2xx", 0)


def _counts(**numbers: int) -> Text:
    return _pairs(*((label, format_count(number)) for label, number in numbers.items()))


def _latencies(**latencies_ms: float) -> Text:
    return _pairs(*((label, format_ms(value_ms)) for label, value_ms in latencies_ms.items()))


def _pairs(*pairs: tuple[str, str]) -> Text:
    text = Text()
    for number, (label, value) in enumerate(pairs):
        text.append(f"{'   ' if number else ''}{label} ", "dim")
        text.append(value, "bold")
    return text


def _replies(progress: Progress) -> Text:
    counts = [(foldable(status), format_count(number)) for status, number in sorted(progress.statuses.items())]
    text = _pairs(*counts[:_MAX_NAMED])
    if len(counts) > _MAX_NAMED:
        text.append(f"   and {len(counts) - _MAX_NAMED} more", "dim")
    for label, number in (("failed", progress.failed), ("not sent", progress.not_sent)):
        if number:
            text.append(f"   {label} {format_count(number)}", "bold red")
    return text if len(text) else Text("none yet", "dim")


def _lags(lags: dict[str, float]) -> Text:
    text = Text()
    for number, (sink, lag_ms) in enumerate(list(lags.items())[:_MAX_NAMED]):
        late = math.isinf(lag_ms)
        text.append(f"{'   ' if number else ''}{foldable(sink)} ", "dim")
        text.append("LATE" if late else f"{format_ms(lag_ms)} ms", "bold red" if late else "bold")
    if len(lags) > _MAX_NAMED:
        text.append(f"   and {len(lags) - _MAX_NAMED} more", "dim")
    return text


def _sparks(values: list[float] | list[int], top: str, width: int, *, plain: bool) -> Text:
    room = max(1, min(width - _TOP_WIDTH, 60))
    line = sparkline(values, room, plain=plain)
    return Text.assemble((line, "cyan"), (f" max {top}", "dim"))


def _generator(progress: Progress) -> Text:
    text = Text(progress.validity.value.upper(), _VALIDITIES[progress.validity])
    text.append(
        f"   CPU {progress.now.cpu_ratio:.0%} of a core, wakes up {format_ms(progress.now.pacing_p99_ms)} ms late",
        "dim",
    )
    for reason in progress.reasons:
        text.append(f"\n{foldable(reason)}", _VALIDITIES[progress.validity])
    return text


def sparkline(values: Sequence[float], width: int, *, plain: bool = False) -> str:
    """Values as bars of one character, the newest at the right. Zero is the lowest bar, the maximum the highest."""
    shown = values[-width:] if width > 0 else ()
    bars = _PLAIN_BARS if plain else _BARS
    top = max(shown, default=0)
    steps = len(bars) - 1
    return "".join(bars[round(steps * max(0.0, value) / top) if top > 0 else 0] for value in shown)
