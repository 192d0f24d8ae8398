"""The target of a verdict is data, in new reports and in those that were saved with its expression alone."""

import pytest

from createflow.schemas.load_report import SloVerdict
from createflow.schemas.operation import Operation
from createflow.schemas.slo import Metric, parse_target

_SAVED = {"target": "p99<=100ms", "seen": "Infinity", "held": False, "at_s": None, "note": ""}


def test_a_verdict_carries_its_target_as_data() -> None:
    """Everything that an expression can say."""
    target = parse_target("create.p99.9<0.5s every 10s")
    verdict = SloVerdict.of(target, seen=0.6, held=False, at_s=12.0)
    assert verdict.target == str(target)
    assert (verdict.metric, verdict.percentile, verdict.operator) == (Metric.PERCENTILE, 99.9, "<")
    assert (verdict.bound, verdict.unit, verdict.operation, verdict.window_s) == (0.5, "s", Operation.CREATE, 10)
    assert (verdict.metric_name, verdict.bound_ms, verdict.worst_window_s) == ("p99.9", 500, (12.0, 22.0))
    assert SloVerdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_a_saved_verdict_without_data_gets_it_from_its_expression() -> None:
    """Reports of older versions open, and render as new ones do."""
    verdict = SloVerdict.model_validate(_SAVED)
    assert verdict == SloVerdict.of(parse_target("p99<=100ms"), seen=float("inf"), held=False)
    assert verdict.worst_window_s is None


def test_an_expression_that_is_not_valid_leaves_the_data_empty() -> None:
    """A report of a later version may hold one."""
    verdict = SloVerdict.model_validate({**_SAVED, "target": "something new", "at_s": 3})
    assert (verdict.metric, verdict.metric_name, verdict.bound_ms) == (None, "", None)
    assert verdict.worst_window_s == (3, 4)


@pytest.mark.parametrize(
    ("text", "name", "operator", "unit"),
    [("rate>=500/s", "rate", ">=", "/s"), ("errors<=0", "errors", "<=", ""), ("mean<20ms", "mean", "<", "ms")],
)
def test_only_a_percentile_has_a_percentile(text: str, name: str, operator: str, unit: str) -> None:
    """The others have none, and a rate or a share has no milliseconds."""
    verdict = SloVerdict.of(parse_target(text), seen=1.0, held=True)
    assert (verdict.metric_name, verdict.percentile) == (name, None)
    assert (verdict.operator, verdict.unit) == (operator, unit)
    assert (verdict.bound_ms is None) == (unit != "ms")
