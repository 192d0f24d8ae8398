"""The result of a load run within 80 columns."""

import io

import pytest
from rich.console import Console

from createflow.cli.bench_view import print_report
from createflow.schemas.load_report import LoadReport
from tests.scenarios.reports.load.made_load_report import (
    ALL,
    interrupted,
    load_report,
    lossy,
    mixed,
    stalled,
    starved,
    verified,
)

__all__ = ["load_report"]


def _drawn(report: LoadReport, *, terminal: bool = False) -> str:
    console = Console(file=io.StringIO(), width=80, force_terminal=terminal, color_system=None)
    print_report(console, report)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_result_shows_everything_that_happened() -> None:
    """Rates, all latencies, replies, errors, the ledger, the generator, the machine, notes, targets, verdict."""
    text = _drawn(load_report())
    for part in (
        "500/s for 20 s after 2 s of warm-up, 100 users, 1 worker, at most 250 in flight",
        "ACCEPTED 499.5/s   sent 499.9/s   offered 500.0/s",
        "response       10.0   9.0  20.0  30.0  60.0   90.0  1,200",
        "9,988 x 201, 2 x 503",
        "4 x connection_reset",
        "10,000 due = 9,990 answered + 4 transport errors + 3 timed out",
        "12 (0.12%)",
        "12% of a core, woke up 3.0 ms late (p99)",
        "this machine can send 14,300.0/s",
        "2 cores, Some CPU 2.0 GHz, 24,000 MB",
        "a note",
        "held  p99<=100ms               60 ms",
        "held  errors<0.2% every 10s    0.11%    12 to 22 s",
    ):
        assert part in text, text
    assert text.endswith("MEASURED, NOT VERIFIED (--no-verify): all 3 targets were met\n"), (
        "the verdict is the last line, and one line"
    )


def test_verified_writes_are_the_headline() -> None:
    """Before writes that were only accepted."""
    text = _drawn(verified())
    assert "VERIFIED 499.4/s   accepted 499.5/s" in text
    assert "ok  search     10,988        0        0        0      0       1.9" in text
    assert "10,988 of them found exactly once, and as sent, in every sink." in " ".join(text.split())
    sinks = "primary, replica 1, audit, events, search"
    power = f"Field by field, 0 of 10,988 writes differ in {sinks}: below 0.027 % with 95 % confidence."
    assert power in " ".join(text.split())
    assert "40 reads by the writer right after a write: all showed the write." in text


def test_violations_are_listed() -> None:
    """By sink, with examples."""
    text = _drawn(lossy())
    for part in (
        "FAILED   search   10,980        8        0        0      0      30.0",
        "FAILED   primary  10,988        0        2        0      0       0.0",
        "primary: arrival 7 has count = '1' instead of 1, in primary",
        "primary: not looked at: who wrote.",
        "UNKNOWN  audit",
        "audit could not be searched: connection refused",
        "search: arrival 1204 (resource 7f3c) was accepted and is not there",
    ):
        assert part in text, text


def test_the_difference_of_response_and_service_latency_is_explained() -> None:
    """With both numbers, and what an infinite percentile means."""
    text = " ".join(_drawn(stalled()).split())
    assert "Response p99 is 1,800 ms, service p99 is 120.0 ms: requests waited to be sent (lag)" in text
    assert "because no sender was free." in text
    assert "inf: the percentile lies among failed, refused or unsent requests." in text
    assert "MISSED p99<=100ms inf: too many failed" in text


def test_a_late_generator_is_not_blamed_on_the_senders() -> None:
    """It woke up late by itself."""
    late = load_report(service=load_report().lag.model_dump(), pacing=load_report().response.model_dump())
    assert "because the generator woke up 60.0 ms late (p99)." in " ".join(_drawn(late).split())


def test_invalid_numbers_give_no_verdict() -> None:
    """Results without a verdict stand in brackets."""
    text = _drawn(starved())
    assert "(missed)  p99<=100ms  340 ms" in text
    assert "MISSED" not in text


def test_each_operation_and_worker_has_a_row() -> None:
    """When there are several."""
    text = _drawn(mixed())
    assert "create    60%       299.7     5.4    18.0    36.0" in text
    assert "worker 1 was lost: no word since second 12" in text
    assert "Poisson (seed 42)" in text


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("terminal", [False, True])
def test_no_line_is_wider_than_a_terminal(name: str, terminal: bool) -> None:  # noqa: FBT001 - a parameter
    """80 columns, but for the first, which holds an address, and a log's last, which is searched."""
    lines = _drawn(ALL[name], terminal=terminal).splitlines()
    assert max(map(len, lines[1:] if terminal else lines[1:-1])) <= 80


def test_a_run_of_nothing_is_shown_too() -> None:
    """Ctrl-C comes at any time."""
    assert "0 due = 0 answered" in _drawn(interrupted())
