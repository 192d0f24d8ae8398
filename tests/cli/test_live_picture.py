"""A run as it is now: everything on one screen, never wider than it."""

import io

import pytest
from rich.console import Console

from createflow.cli.live_picture import picture
from createflow.cli.sparkline import sparkline
from createflow.scenarios.load.fleet.progress import Progress
from createflow.schemas.load_report import Validity
from tests.scenarios.metrics.made_progress import moment, progress
from tests.scenarios.reports.hostile import NASTY


def _drawn(shown: Progress, width: int = 80, *, plain: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(picture(shown, width, plain=plain))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _trouble() -> Progress:
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
@pytest.mark.parametrize("shown", [progress(), _trouble()], ids=["healthy", "trouble"])
def test_it_fits_every_terminal(shown: Progress, width: int) -> None:
    """Also with sixty statuses, thirty sinks and two minutes of history; and on one screen of 80 columns."""
    lines = _drawn(shown, width).splitlines()
    assert max(map(len, lines)) <= width
    assert width < 80 or len(lines) <= 24


def test_a_doubt_says_why() -> None:
    """And what comes from elsewhere stays on its line."""
    text = _drawn(_trouble(), 200)
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
