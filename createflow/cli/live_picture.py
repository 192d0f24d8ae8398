"""A run as it is now, in a dozen lines of a terminal, never wider than it."""

import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from createflow.cli.sparkline import sparkline
from createflow.scenarios.load.fleet.progress import Phase, Progress
from createflow.scenarios.reports.format.one_line import one_line
from createflow.scenarios.reports.load.figure import count, ms
from createflow.schemas.load_report import Validity

_PHASES: tuple[Phase, ...] = ("warm-up", "measuring", "draining", "verifying")
_VALIDITIES = {Validity.VALID: "green", Validity.SUSPECT: "yellow", Validity.INVALID: "bold red"}
_LABEL_WIDTH = 12
_TOP_WIDTH = 12
_KINDS = 8
"""More statuses or sinks than this are counted, not named: the picture must stay on one screen."""


def picture(progress: Progress, width: int, *, plain: bool = False) -> RenderableType:
    """Draw it.

    Args:
        progress: the latest look.
        width: columns of the terminal.
        plain: it cannot show block characters.
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
        (
            "a second",
            _told(("offered", count(now.offered)), ("sent", count(now.sent)), ("accepted", count(_ok(now.statuses)))),
        ),
        ("latency ms", _told(("p50", ms(progress.p50_ms)), ("p95", ms(progress.p95_ms)), ("p99", ms(progress.p99_ms)))),
        (
            "last second",
            _told(("p50", ms(now.p50_ms)), ("p95", ms(now.p95_ms)), ("p99", ms(now.p99_ms)), ("max", ms(now.max_ms))),
        ),
        ("open", _told(("in flight", count(now.in_flight)), ("backlog", count(now.backlog)))),
        ("replies", _replies(progress)),
    ]
    if now.sink_lag_ms:
        rows.append(("sinks' lag", _lags(now.sink_lag_ms)))
    accepted = [_ok(moment.statuses) for moment in progress.history]
    slowest = [moment.p99_ms for moment in progress.history]
    rows += [
        ("accepted/s", _sparks(accepted, count(max(accepted)), width, plain=plain)),
        ("p99 ms", _sparks(slowest, ms(max(slowest)), width, plain=plain)),
        ("generator", _generator(progress)),
    ]
    return rows


def _ok(statuses: dict[str, int]) -> int:
    return statuses.get("2xx", 0)


def _told(*pairs: tuple[str, str]) -> Text:
    text = Text()
    for number, (label, value) in enumerate(pairs):
        text.append(f"{'   ' if number else ''}{label} ", "dim")
        text.append(value, "bold")
    return text


def _replies(progress: Progress) -> Text:
    counts = [(one_line(status), count(number)) for status, number in sorted(progress.statuses.items())]
    text = _told(*counts[:_KINDS])
    if len(counts) > _KINDS:
        text.append(f"   and {len(counts) - _KINDS} more", "dim")
    for label, number in (("failed", progress.failed), ("not sent", progress.not_sent)):
        if number:
            text.append(f"   {label} {count(number)}", "bold red")
    return text if len(text) else Text("none yet", "dim")


def _lags(lags: dict[str, float]) -> Text:
    text = Text()
    for number, (sink, lag_ms) in enumerate(list(lags.items())[:_KINDS]):
        late = math.isinf(lag_ms)
        text.append(f"{'   ' if number else ''}{one_line(sink)} ", "dim")
        text.append("LATE" if late else f"{ms(lag_ms)} ms", "bold red" if late else "bold")
    if len(lags) > _KINDS:
        text.append(f"   and {len(lags) - _KINDS} more", "dim")
    return text


def _sparks(values: list[float] | list[int], top: str, width: int, *, plain: bool) -> Text:
    room = max(1, min(width - _TOP_WIDTH, 60))
    line = sparkline(values, room, plain=plain)
    return Text.assemble((line, "cyan"), (f" max {top}", "dim"))


def _generator(progress: Progress) -> Text:
    text = Text(progress.validity.value.upper(), _VALIDITIES[progress.validity])
    text.append(
        f"   CPU {progress.now.cpu_ratio:.0%} of a core, wakes up {ms(progress.now.pacing_p99_ms)} ms late", "dim"
    )
    for reason in progress.reasons:
        text.append(f"\n{one_line(reason)}", _VALIDITIES[progress.validity])
    return text
