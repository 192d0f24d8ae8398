"""Targets are evaluated over every arrival, and in windows by the worst one."""

import math
from dataclasses import replace

import pytest

from createflow.scenarios.load.verdict.slo_verdict import evaluate_targets
from createflow.scenarios.load.verdict.windows import Outcomes, Window
from createflow.schemas.load_report import SloVerdict
from createflow.schemas.slo import parse_target
from tests.scenarios.load.verdict.made_window import histogram, outcomes, window

EMPTY = Outcomes()


def one(text: str, whole: Window, *seconds: Window) -> SloVerdict:
    """The verdict on a single target."""
    (verdict,) = evaluate_targets([parse_target(text)], whole, seconds)
    return verdict


def test_a_fast_target_meets_all_targets_in_their_order() -> None:
    """Each verdict has the expression, and the observed value in its unit."""
    texts = ["p99<=100ms", "rate>=500/s", "errors<0.1%", "mean<=0.02s", "max<1s"]
    verdicts = evaluate_targets([parse_target(text) for text in texts], window(outcomes(1000), duration_s=2), ())
    assert [verdict.target for verdict in verdicts] == texts
    assert all(verdict.held for verdict in verdicts)
    assert [verdict.seen for verdict in verdicts] == [
        pytest.approx(10, rel=0.001),
        500,
        0,
        pytest.approx(0.01, rel=0.001),
        pytest.approx(0.01, rel=0.001),
    ]


def test_a_latency_just_above_the_bound_is_missed() -> None:
    """No rounding hides 104.9 ms, and ``<=`` includes the bound."""
    slow = replace(outcomes(1000), accepted=histogram([0.05] * 949 + [0.1049] * 51))
    assert not one("p95<=100ms", window(slow)).held
    assert one("p94.9<=51ms", window(slow)).held


@pytest.mark.parametrize("text", ["p99<=100ms", "p99.9<=100ms", "mean<=100ms", "max<=100ms"])
def test_fast_failures_do_not_improve_a_latency(text: str) -> None:
    """Two of a hundred replies are 503 after a millisecond: they count as infinitely slow."""
    verdict = one(text, window(outcomes(980, bad=20, unavailable=20)))
    assert (verdict.seen, verdict.held) == (math.inf, False)
    assert SloVerdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_a_percentile_below_the_failures_is_a_number() -> None:
    """p95 of 980 accepted and 20 failed is that of an accepted one."""
    assert one("p95<=100ms", window(outcomes(980, bad=20))).held


def test_errors_are_a_share_of_all_arrivals_in_percent() -> None:
    """``errors<=0`` allows none."""
    some = window(outcomes(999, bad=1))
    assert one("errors<0.2%", some) == SloVerdict(target="errors<0.2%", seen=0.1, held=True)
    assert not one("errors<0.1%", some).held
    assert not one("errors<=0", some).held
    assert one("errors<=0", window(outcomes(1000))).held


def test_refusals_of_the_rate_limiter_are_noted() -> None:
    """They count as errors, and a reader must know that they are not from the write path."""
    verdict = one("errors<1%", window(outcomes(900, bad=100, limited=60, unavailable=30, unsent=10)))
    assert verdict.note == "100 were not accepted, including 60 x 429, 30 x 503, 10 x unsent"
    assert one("errors<50%", window(outcomes(900, bad=100))).note == ""


def test_a_lost_arrival_counts_as_not_accepted() -> None:
    """It must not make anything better."""
    lost = replace(outcomes(980), scheduled=1000)
    assert one("errors<1%", window(lost)).seen == 2
    assert math.isinf(one("p99<=1s", window(lost)).seen)


def test_a_rate_bound_above_the_offered_rate_is_lowered() -> None:
    """At 100/s nothing can be said about 500/s, and the verdict says so."""
    served = one("rate>=500/s", window(outcomes(1000), duration_s=10))
    assert served.held
    assert served.note == "the bound was lowered to 99/s, because only 100/s were offered"
    assert (served.bound, served.adjusted_bound) == (500, pytest.approx(99))
    assert not one("rate>=500/s", window(outcomes(980, bad=20), duration_s=10)).held


def test_a_rate_bound_below_the_offered_rate_is_kept() -> None:
    """At 1,000/s the bound is still 500/s, and ``>=`` includes it."""
    assert one("rate>=500/s", window(outcomes(1000, in_window=500))) == SloVerdict(
        target="rate>=500/s", seen=500, held=True
    )
    assert not one("rate>=500/s", window(outcomes(1000, in_window=499))).held
    assert not one("rate>500/s", window(outcomes(1000, in_window=500))).held


def test_offering_just_the_rate_leaves_room_for_replies_after_the_end() -> None:
    """497 of 500 arrive inside the window, the rest a moment later."""
    verdict = one("rate>=500/s", window(outcomes(500, in_window=497)))
    assert verdict.held
    assert "lowered to 495/s" in verdict.note


def test_verified_counts_verified_creates_only() -> None:
    """Reads are not verified."""
    whole = window(outcomes(600, verified=400), reads=outcomes(9000))
    assert one("verified>=500/s", whole) == SloVerdict(target="verified>=500/s", seen=400, held=False)
    assert one("verified>=400/s", whole).held


def test_verified_without_verification_is_not_held() -> None:
    """The note says why."""
    verdict = one("verified>=1/s", window(outcomes(600)))
    assert (verdict.held, verdict.note) == (False, "not evaluated: the run was not verified")


@pytest.mark.parametrize("text", ["p50<=1s", "mean<=1s", "max<=1s", "rate>=1/s", "verified>=1/s", "errors<99%"])
@pytest.mark.parametrize("nothing", [EMPTY, outcomes(0, bad=5, verified=0)], ids=["nothing due", "nothing accepted"])
@pytest.mark.parametrize("every", ["", " every 1s"])
def test_without_an_accepted_request_nothing_is_held(text: str, nothing: Outcomes, every: str) -> None:
    """For every metric."""
    verdict = one(text + every, window(nothing), window(nothing))
    assert not verdict.held
    assert verdict.note


@pytest.mark.parametrize("text", ["p50<=1s every 1s", "rate>=1/s every 1s"])
def test_windows_of_a_run_without_seconds_are_never_held(text: str) -> None:
    """As of a run that was stopped in the warm-up."""
    assert one(text, window(outcomes())).note == "nothing was measured"
    assert not one(text, window(outcomes())).held


def test_a_target_of_one_operation_ignores_the_others() -> None:
    """Slow reads do not miss a target for creates, but one for all operations."""
    whole = window(outcomes(1000, 0.01), reads=outcomes(1000, 0.5))
    assert one("create.p99<=100ms", whole).held
    assert not one("read.p99<=100ms", whole).held
    assert not one("p99<=100ms", whole).held
    assert one("update.p99<=100ms", whole).note == "no updates were due"


def test_one_bad_window_misses_the_target() -> None:
    """The p99 of the whole run would hide it."""
    seconds = [window(outcomes(100, 0.3 if t in {7, 13} else 0.01), start_s=2.0 + t) for t in range(20)]
    seconds[13] = window(outcomes(100, 0.4), start_s=15.0)
    verdict = one("p99<=100ms every 5s", window(outcomes()), *seconds)
    assert (verdict.held, verdict.at_s) == (False, 12.0)
    assert verdict.seen == pytest.approx(400, rel=0.001)
    assert one("p80<=100ms every 5s", window(outcomes()), *seconds).held


def test_the_worst_window_is_reported_also_when_all_hold() -> None:
    """It shows how near the bound was."""
    seconds = [window(outcomes(100, 0.01 * (1 + t)), start_s=float(t)) for t in range(4)]
    verdict = one("max<1s every 2s", window(outcomes()), *seconds)
    assert (verdict.held, verdict.at_s, verdict.seen) == (True, 2.0, pytest.approx(0.04, rel=0.001))


def test_a_missed_window_is_worse_than_a_held_one_with_a_lower_value() -> None:
    """The first second offers little and serves it; the second offers enough and serves too little."""
    seconds = [window(outcomes(10)), window(outcomes(100, in_window=50), start_s=3.0)]
    verdict = one("rate>=90/s every 1s", window(outcomes()), *seconds)
    assert (verdict.held, verdict.seen, verdict.at_s) == (False, 50, 3.0)


@pytest.mark.parametrize(("length", "held"), [(12, True), (14, True), (15, False), (4, False), (3, True)])
def test_a_last_window_shorter_than_half_is_left_out(length: int, held: bool) -> None:  # noqa: FBT001
    """It has too few samples, unless it is the only window."""
    slow_at = {4: 0, 12: 10, 14: 10, 15: 10}
    seconds = [window(outcomes(10, 0.5 if t == slow_at.get(length) else 0.01)) for t in range(length)]
    assert one("max<100ms every 10s", window(outcomes()), *seconds).held is held


def test_a_window_with_a_second_that_was_not_verified_is_not_held() -> None:
    """What is not known is not verified."""
    seconds = [window(outcomes(verified=1000)), window(outcomes())]
    assert one("verified>=1/s every 2s", window(outcomes()), *seconds).note == "not evaluated: the run was not verified"
    assert one("verified>=1/s every 2s", window(outcomes()), *seconds[:1] * 2).held


def test_a_second_without_arrivals_of_the_operation_is_no_window() -> None:
    """A spike has quiet times, and a mix has seconds without a read."""
    seconds = [window(EMPTY), window(outcomes(), reads=outcomes(5)), window(outcomes(), reads=EMPTY)]
    assert one("read.p50<=1s every 1s", window(outcomes()), *seconds).held
    assert one("rate>=1/s every 1s", window(outcomes()), *seconds).held


def test_a_second_in_which_everything_stalled_is_a_window() -> None:
    """Arrivals were due, and no reply came."""
    stalled = replace(EMPTY, scheduled=100)
    verdict = one("p50<=1s every 1s", window(outcomes()), window(outcomes()), window(stalled, start_s=3.0))
    assert (verdict.held, verdict.at_s, verdict.note) == (False, 3.0, "no request was accepted")
