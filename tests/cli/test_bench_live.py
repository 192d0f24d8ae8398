"""What is seen while the load goes on."""

import io

import pytest
from rich.console import Console

from createflow.cli.bench_live import line, live_view
from createflow.scenarios.load.fleet.progress import Progress
from createflow.schemas.load_report import Validity
from tests.scenarios.metrics.made_progress import moment, progress


def _console(**options: object) -> Console:
    return Console(file=io.StringIO(), **({"width": 80, "force_terminal": False} | options))  # type: ignore[arg-type]


def _text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _look(elapsed_s: float, phase: str = "measuring") -> Progress:
    return progress(moment(elapsed_s), elapsed_s=elapsed_s, phase=phase)


def test_the_line_of_a_log_is_short() -> None:
    """And says when it cannot be believed."""
    assert line(progress()) == ("measuring  12/22 s  sent 490/s  ok 480/s  p50 9  p99 61 ms  open 15  bad 111")
    assert line(progress(validity=Validity.SUSPECT)).endswith("  SUSPECT")


def test_a_log_gets_a_line_every_five_seconds_and_at_each_phase() -> None:
    """By the clock, not by the load: verifying may take a minute in which the load's time stands still."""
    console, now_s = _console(), [0.0]
    with live_view(console, lambda: now_s[0]) as show:
        for second in range(12):
            now_s[0] = float(second)
            show(_look(float(second)))
        for second in range(12, 24):
            now_s[0] = float(second)
            show(_look(12.0, "verifying"))
    lines = _text(console).splitlines()
    assert lines[0] == "starting the load processes"
    assert [" ".join(text.split()[:2]) for text in lines[1:]] == [
        "measuring 0/22", "measuring 5/22", "measuring 10/22", "verifying 12/22", "verifying 12/22", "verifying 12/22"
    ]  # fmt: skip


def test_a_dumb_terminal_is_served_as_a_log_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot move its cursor."""
    console = _console(force_terminal=True, _environ={"TERM": "dumb"})
    with live_view(console) as show:
        show(_look(1.0))
    assert line(_look(1.0)) in _text(console)
    assert "\x1b" not in _text(console)


def test_a_terminal_shows_something_at_once_and_is_left_clean() -> None:
    """Before the first look there is a word; afterwards nothing of it remains."""
    console = _console(force_terminal=True, _environ={"TERM": "xterm-256color"})
    with live_view(console) as show:
        assert "starting the load processes" in _text(console)
        show(_look(1.0))
        assert "MEASURING" in _text(console)
    assert _text(console).endswith("\x1b[1A\x1b[2K"), "erased"


def test_no_colour_is_sent_where_none_is_wanted() -> None:
    """NO_COLOR leaves the words."""
    console = _console(force_terminal=True, _environ={"TERM": "xterm-256color", "NO_COLOR": "1"})
    with live_view(console) as show:
        show(_look(1.0))
    assert not any(f"\x1b[3{colour}m" in _text(console) for colour in range(8))
