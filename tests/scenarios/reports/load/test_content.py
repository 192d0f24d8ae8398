"""The observed value of a target, as every format shows it."""

import math

import pytest

from createflow.scenarios.reports.load.content import format_seen
from createflow.schemas.load_report import SloVerdict


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
def test_the_observed_value_has_the_unit_of_the_target(target: str, value: float, shown: str) -> None:
    """Nobody should have to guess."""
    assert format_seen(SloVerdict(target=target, seen=value, held=False)) == shown
