"""The live view of a load: never wider than the terminal, on one screen, and lines in a log."""

import io
import math

import pytest
from hypothesis import given, settings
from rich.console import Console

from createflow.cli.bench_live import describe_progress, draw_progress, live_view, sparkline
from createflow.scenarios.load.fleet.progress import Progress
from createflow.schemas.load_report import Validity
from tests.scenarios.metrics.made_progress import moment, progress
from tests.scenarios.reports.conformance.test_any_text import TEXTS
from tests.scenarios.reports.hostile import NASTY


def _console(**options: object) -> Console:
    return Console(file=io.StringIO(), **({"width": 80, "force_terminal": False} | options))  # type: ignore[arg-type]


def _text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _snapshot(elapsed_s: float, phase: str = "measuring") -> Progress:
    return progress(moment(elapsed_s), elapsed_s=elapsed_s, phase=phase)


def test_the_line_of_a_log_is_short() -> None:
    """It shows when the numbers are not valid."""
    assert describe_progress(progress()) == (
        "measuring  12/22 s  sent 490/s  ok 480/s  p50 9  p99 61 ms  open 15  bad 111"
    )
    assert describe_progress(progress(validity=Validity.SUSPECT)).endswith("  SUSPECT")


def test_a_log_gets_a_line_every_five_seconds_and_at_each_phase() -> None:
    """By the clock, not by the load: verifying may take a minute in which the load's time stands still."""
    console, now_s = _console(), [0.0]
    with live_view(console, lambda: now_s[0]) as show:
        for second in range(12):
            now_s[0] = float(second)
            show(_snapshot(float(second)))
        for second in range(12, 24):
            now_s[0] = float(second)
            show(_snapshot(12.0, "verifying"))
    lines = _text(console).splitlines()
    assert lines[0] == "starting the load processes"
    assert [" ".join(text.split()[:2]) for text in lines[1:]] == [
        "measuring 0/22", "measuring 5/22", "measuring 10/22", "verifying 12/22", "verifying 12/22", "verifying 12/22"
    ]  # fmt: skip


def test_a_dumb_terminal_gets_the_lines_of_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot move its cursor."""
    console = _console(force_terminal=True, _environ={"TERM": "dumb"})
    with live_view(console) as show:
        show(_snapshot(1.0))
    assert describe_progress(_snapshot(1.0)) in _text(console)
    assert "\x1b" not in _text(console)


def test_a_terminal_shows_something_at_once_and_is_left_clean() -> None:
    """A message before the first snapshot; afterwards the view is erased."""
    console = _console(force_terminal=True, _environ={"TERM": "xterm-256color"})
    with live_view(console) as show:
        assert "starting the load processes" in _text(console)
        show(_snapshot(1.0))
        assert "MEASURING" in _text(console)
    assert _text(console).endswith("\x1b[1A\x1b[2K"), "erased"


def test_no_colour_is_sent_where_none_is_wanted() -> None:
    """NO_COLOR keeps the text."""
    console = _console(force_terminal=True, _environ={"TERM": "xterm-256color", "NO_COLOR": "1"})
    with live_view(console) as show:
        show(_snapshot(1.0))
    assert not any(f"\x1b[3{colour}m" in _text(console) for colour in range(8))


def _drawn(shown: Progress, width: int = 80, *, plain: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(draw_progress(shown, width, plain=plain))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _bad_progress() -> Progress:
    history = tuple(moment(float(second), p99_ms=60.0 + second) for second in range(120))
    statuses = {str(status): 123_456_789 for status in range(200, 260)}
    many = {f"replica number {number}": 123456.0 for number in range(30)}
    history = (*history[:-1], moment(119.0, sink_lag_ms=many, p50_ms=1e6, p99_ms=1e6, max_ms=1e6))
    reasons = ("the generator woke up 14 ms late (p99): this machine is short of CPU", NASTY)
    return progress(*history, statuses=statuses, validity=Validity.INVALID, reasons=reasons)


def test_everything_that_matters_is_there() -> None:
    """Rates, percentiles, in flight, backlog, statuses, sinks, phase, validity."""
    text = _drawn(progress())
    for part in (
        "warm-up > MEASURING > draining > verifying  12 of 22 s",
        "offered 500   sent 490   accepted 480",
        "p50 9.0   p95 22.0   p99 61.0",
        "p50 8.0   p95 30.0   p99 60.0   max 90.0",
        "in flight 12   backlog 3",
        "201 9,000   503 100   failed 7   not sent 4",
        "search 120.0 ms   audit LATE",
        "VALID   CPU 20% of a core",
    ):
        assert part in text, text


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("shown", [progress(), _bad_progress()], ids=["healthy", "bad"])
def test_it_fits_every_terminal(shown: Progress, width: int) -> None:
    """Also with sixty statuses, thirty sinks and two minutes of history; and on one screen of 80 columns."""
    lines = _drawn(shown, width).splitlines()
    assert max(map(len, lines)) <= width
    assert width < 80 or len(lines) <= 24


def test_a_doubt_says_why() -> None:
    """And what comes from elsewhere stays on its line."""
    text = _drawn(_bad_progress(), 200)
    assert "INVALID" in text
    assert "the generator woke up 14 ms late (p99)" in text
    assert "\x1b" not in text
    assert "and 52 more" in text


def test_a_terminal_without_block_characters_gets_plain_ones() -> None:
    """All of it is ASCII."""
    assert _drawn(progress(), plain=True).isascii()


def test_a_sparkline_ends_with_now_and_starts_at_zero() -> None:
    """The highest value is the highest bar, whatever it is."""
    assert sparkline([0, 1, 7], 10) == "▁▂█"
    assert sparkline([5, 5, 0, 10], 2) == "▁█"
    assert sparkline([0, 0], 5) == "▁▁"
    assert sparkline([3, 6], 5, plain=True) == "=#"
    assert sparkline([1], 0) == ""


@settings(max_examples=50, deadline=None)
@given(TEXTS, TEXTS)
def test_no_text_of_a_target_or_a_worker_controls_the_terminal(text: str, other: str) -> None:
    """Neither on a screen nor in a log: statuses, names of sinks, and what a worker or a sink says."""
    last = moment(12.0, sink_lag_ms={text: 5.0, other: math.inf}, statuses={text: 1, "2xx": 2})
    made = progress(last, statuses={text: 3, other: 4}, validity=Validity.SUSPECT, reasons=(text, other))
    shown = _console(force_terminal=True, color_system=None)
    shown.print(draw_progress(made, 80))
    assert all(char.isprintable() or char == "\n" for char in _text(shown))
    log = _console()
    with live_view(log) as show:
        show(made)
    assert all(char.isprintable() or char == "\n" for char in _text(log))
