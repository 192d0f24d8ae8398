"""Targets read as people write them, and what is no target is told in a way that helps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from createflow.schemas.error import UserError
from createflow.schemas.operation import Operation
from createflow.schemas.profile import Slo
from createflow.schemas.slo import Metric, SloTarget, parse_target


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("p95<=100ms", "p95<=100ms"),
        ("p99.9<0.5s", "p99.9<0.5s"),
        ("p99.90 < 0.50 s", "p99.9<0.5s"),
        ("mean<=20ms", "mean<=20ms"),
        (" MAX < 1s ", "max<1s"),
        ("rate>=500/s", "rate>=500/s"),
        ("verified > 500 /s", "verified>500/s"),
        ("errors<0.1%", "errors<0.1%"),
        ("errors<=0", "errors<=0"),
        ("create.p99<=80ms", "create.p99<=80ms"),
        ("read.rate>=999999999/s", "read.rate>=999999999/s"),
        ("create.verified>=1/s", "create.verified>=1/s"),
        ("p99<=100ms every 10s", "p99<=100ms every 10s"),
        ("update.errors<1% every 2m", "update.errors<1% every 120s"),
    ],
)
def test_an_expression_has_one_canonical_text(text: str, canonical: str) -> None:
    """Which reads back as the same target."""
    target = parse_target(text)
    assert str(target) == canonical
    assert parse_target(canonical) == target


def test_the_parts_are_told_apart() -> None:
    """Everything that an expression can say, in one."""
    assert parse_target("create.p99.9<0.5s every 10s") == SloTarget(
        metric=Metric.PERCENTILE,
        percentile=99.9,
        is_strict=True,
        bound=0.5,
        unit="s",
        operation=Operation.CREATE,
        window_s=10,
    )
    assert parse_target("p99.9<0.5s").bound_ms == 500


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "wrong form"),
        ("p99_ms<=100", "wrong form"),
        ("p99==100ms", "wrong form"),
        ("p99<=100ms every now", "wrong form"),
        ("p99<=1e3ms", "wrong form"),
        ("p99<=\u0661ms", "wrong form"),
        ("p99<=100ms" + " " * 100, "wrong form"),
        ("median<=10ms", "unknown metric"),
        ("percentile<=10ms", "unknown metric"),
        ("delete.p99<=10ms", "create, read or update"),
        ("p99>=100ms", "a rate has a minimum"),
        ("rate<=500/s", "a rate has a minimum"),
        ("p99<=100", "unit ms or s"),
        ("max<5%", "unit ms or s"),
        ("rate>=500", "unit /s"),
        ("errors<0.001", "unit %"),
        ("errors<=100%", "below 100 %"),
        ("errors<0%", "errors<=0"),
        ("rate>=0/s", "above zero"),
        ("mean<=0ms", "above zero"),
        ("p99<=3601s", "one hour"),
        ("p0<=1s", "above 0 and below 100"),
        ("read.verified>=1/s", "only creates"),
        ("p99<=1s every 0s", "window"),
        ("p99<=1s every 61m", "window"),
    ],
)
def test_what_is_no_target_is_refused_with_all_that_is_understood(text: str, reason: str) -> None:
    """What, where, and a hint."""
    with pytest.raises(UserError, match=reason) as caught:
        parse_target(text)
    assert text[:80] in caught.value.message or "\\u" in ascii(text)
    assert "p95<=100ms" in caught.value.hint
    assert len(caught.value.message) < 200


@given(st.text(max_size=100))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    """Whatever a file or a command line holds."""
    try:
        target = parse_target(text)
    except UserError:
        return
    assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    ("text", "holding", "missing"),
    [
        ("p99<=100ms", 100.0, 100.1),
        ("p99<100ms", 99.9, 100.0),
        ("rate>=500/s", 500.0, 499.9),
        ("rate>500/s", 500.1, 500.0),
        ("errors<=0", 0.0, 0.001),
        ("max<1s", 0.9, float("inf")),
    ],
)
def test_the_bound_holds_as_its_sign_says(text: str, holding: float, missing: float) -> None:
    """The border belongs to ``<=`` and ``>=`` only."""
    target = parse_target(text)
    assert target.is_met_by(holding)
    assert not target.is_met_by(missing)


def test_nobody_has_objectives_that_were_not_given() -> None:
    """And a profile says those that were as text again."""
    assert Slo().targets == ()
    slo = Slo.model_validate({"targets": ["p99<=100 ms", "errors<0.1%"]})
    assert slo.model_dump(mode="json") == {"targets": ["p99<=100ms", "errors<0.1%"]}
    assert Slo.model_validate_json(slo.model_dump_json()) == slo
