"""A target's expression: unit, line, window."""

import math

import pytest

from createflow.scenarios.reports.load.slo_words import line, seen, worst_window_s
from createflow.schemas.load_report import SloVerdict


def _slo(target: str, value: float = 60.0, at_s: float | None = None) -> SloVerdict:
    return SloVerdict(target=target, seen=value, held=False, at_s=at_s)


@pytest.mark.parametrize(
    ("target", "value", "shown"),
    [
        ("p99<=100ms", 60.0, "60 ms"),
        ("p99<=0.1s", 0.06, "0.06 s"),
        ("rate>=500/s", 1499.5, "1,500/s"),
        ("create.errors<0.1% every 10s", 0.25, "0.25%"),
        ("p95<=50ms", math.inf, "inf: too many failed"),
        ("something new", 3.0, "3"),
    ],
)
def test_what_was_seen_has_the_unit_of_the_target(target: str, value: float, shown: str) -> None:
    """Nobody should have to guess."""
    assert seen(_slo(target, value)) == shown


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("p99<=100ms", ("p99 target", "latency", 100.0)),
        ("p99.9 < 0.5s every 10s", ("p99.9 target", "latency", 500.0)),
        ("rate>=500/s", ("rate target", "rate", 500.0)),
        ("create.p99<=100ms", None),
        ("errors<0.1%", None),
        ("p99<=0ms", None),
        ("anything", None),
    ],
)
def test_targets_of_the_whole_load_are_lines(target: str, found: tuple[str, str, float] | None) -> None:
    """Those of one operation would lie on another's curve, and zero has no place on a logarithmic axis."""
    drawn = line(_slo(target))
    assert (drawn and (drawn.label, drawn.axis, drawn.value)) == found


def test_the_worst_window_is_as_long_as_the_target_says() -> None:
    """Without windows there is none."""
    assert worst_window_s(_slo("p99<=1ms every 10s", at_s=12.0)) == (12.0, 22.0)
    assert worst_window_s(_slo("p99<=1ms every 2m", at_s=0.0)) == (0.0, 120.0)
    assert worst_window_s(_slo("p99<=1ms")) is None
