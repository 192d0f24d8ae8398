"""Targets are judged over every arrival; what was not accepted is never fast, and windows are judged by the worst."""

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


def test_a_fast_target_holds_what_is_asked_in_the_order_asked() -> None:
    """The verdict says the expression, and what was seen in its unit."""
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
    """No rounding hides 104.9 ms, and the border belongs to ``<=``."""
    slow = replace(outcomes(1000), accepted=histogram([0.05] * 949 + [0.1049] * 51))
    assert not one("p95<=100ms", window(slow)).held
    assert one("p94.9<=51ms", window(slow)).held


@pytest.mark.parametrize("text", ["p99<=100ms", "p99.9<=100ms", "mean<=100ms", "max<=100ms"])
def test_fast_failures_do_not_improve_a_latency(text: str) -> None:
    """Two in a hundred answered 503 in a millisecond: they count as slower than anything."""
    verdict = one(text, window(outcomes(980, bad=20, unavailable=20)))
    assert (verdict.seen, verdict.held) == (math.inf, False)
    assert SloVerdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_a_percentile_below_the_failures_stands() -> None:
    """p95 of 980 good and 20 bad is a good one's."""
    assert one("p95<=100ms", window(outcomes(980, bad=20))).held


def test_errors_are_a_share_of_all_arrivals_in_percent() -> None:
    """None at all is ``errors<=0``."""
    some = window(outcomes(999, bad=1))
    assert one("errors<0.2%", some) == SloVerdict(target="errors<0.2%", seen=0.1, held=True)
    assert not one("errors<0.1%", some).held
    assert not one("errors<=0", some).held
    assert one("errors<=0", window(outcomes(1000))).held


def test_refusals_of_the_limiter_are_told_apart() -> None:
    """They count, and a reader must know that they are not the write path's."""
    verdict = one("errors<1%", window(outcomes(900, bad=100, limited=60, unavailable=30, unsent=10)))
    assert verdict.note == "100 were not accepted, including 60 x 429, 30 x 503, 10 x unsent"
    assert one("errors<50%", window(outcomes(900, bad=100))).note == ""


def test_what_was_due_and_is_in_no_count_was_bad() -> None:
    """A lost arrival may not make anything better."""
    lost = replace(outcomes(980), scheduled=1000)
    assert one("errors<1%", window(lost)).seen == 2
    assert math.isinf(one("p99<=1s", window(lost)).seen)


def test_a_rate_above_what_was_offered_is_judged_by_what_was_offered_and_says_so() -> None:
    """At 100/s nothing can be said of 500/s, except that 100/s were served."""
    served = one("rate>=500/s", window(outcomes(1000), duration_s=10))
    assert served.held
    assert served.note == "the bound was lowered to 99/s, because only 100/s were offered"
    assert (served.bound, served.adjusted_bound) == (500, pytest.approx(99))
    assert not one("rate>=500/s", window(outcomes(980, bad=20), duration_s=10)).held


def test_a_rate_that_was_offered_is_judged_as_asked() -> None:
    """At 1,000/s the promise is still 500/s, and the border belongs to ``>=``."""
    assert one("rate>=500/s", window(outcomes(1000, in_window=500))) == SloVerdict(
        target="rate>=500/s", seen=500, held=True
    )
    assert not one("rate>=500/s", window(outcomes(1000, in_window=499))).held
    assert not one("rate>500/s", window(outcomes(1000, in_window=500))).held


def test_offering_just_the_rate_leaves_room_for_replies_after_the_end() -> None:
    """497 of 500 arrived inside the window, the rest a moment later."""
    verdict = one("rate>=500/s", window(outcomes(500, in_window=497)))
    assert verdict.held
    assert "lowered to 495/s" in verdict.note


def test_verified_counts_proved_creates_only() -> None:
    """Reads beside them are neither verified nor asked for."""
    whole = window(outcomes(600, verified=400), reads=outcomes(9000))
    assert one("verified>=500/s", whole) == SloVerdict(target="verified>=500/s", seen=400, held=False)
    assert one("verified>=400/s", whole).held


def test_verified_without_verification_is_not_held() -> None:
    """And says why."""
    verdict = one("verified>=1/s", window(outcomes(600)))
    assert (verdict.held, verdict.note) == (False, "not evaluated: the run was not verified")


@pytest.mark.parametrize("text", ["p50<=1s", "mean<=1s", "max<=1s", "rate>=1/s", "verified>=1/s", "errors<99%"])
@pytest.mark.parametrize("nothing", [EMPTY, outcomes(0, bad=5, verified=0)], ids=["nothing due", "nothing accepted"])
@pytest.mark.parametrize("every", ["", " every 1s"])
def test_nothing_accepted_is_never_held(text: str, nothing: Outcomes, every: str) -> None:
    """Whatever is asked."""
    verdict = one(text + every, window(nothing), window(nothing))
    assert not verdict.held
    assert verdict.note


@pytest.mark.parametrize("text", ["p50<=1s every 1s", "rate>=1/s every 1s"])
def test_windows_of_a_run_without_seconds_are_never_held(text: str) -> None:
    """Stopped in the warm-up."""
    assert one(text, window(outcomes())).note == "nothing was measured"
    assert not one(text, window(outcomes())).held


def test_an_operation_is_judged_alone() -> None:
    """Slow reads are not the creates' fault, but the whole's."""
    whole = window(outcomes(1000, 0.01), reads=outcomes(1000, 0.5))
    assert one("create.p99<=100ms", whole).held
    assert not one("read.p99<=100ms", whole).held
    assert not one("p99<=100ms", whole).held
    assert one("update.p99<=100ms", whole).note == "no updates were due"


def test_one_bad_window_misses_and_is_named() -> None:
    """The whole run's p99 would hide it."""
    seconds = [window(outcomes(100, 0.3 if t in {7, 13} else 0.01), start_s=2.0 + t) for t in range(20)]
    seconds[13] = window(outcomes(100, 0.4), start_s=15.0)
    verdict = one("p99<=100ms every 5s", window(outcomes()), *seconds)
    assert (verdict.held, verdict.at_s) == (False, 12.0)
    assert verdict.seen == pytest.approx(400, rel=0.001)
    assert one("p80<=100ms every 5s", window(outcomes()), *seconds).held


def test_the_worst_window_is_told_also_when_all_hold() -> None:
    """How near it was."""
    seconds = [window(outcomes(100, 0.01 * (1 + t)), start_s=float(t)) for t in range(4)]
    verdict = one("max<1s every 2s", window(outcomes()), *seconds)
    assert (verdict.held, verdict.at_s, verdict.seen) == (True, 2.0, pytest.approx(0.04, rel=0.001))


def test_a_window_that_misses_goes_before_one_that_is_nearer_to_its_bar() -> None:
    """The first second offers little and serves it; the second offers enough and serves too little."""
    seconds = [window(outcomes(10)), window(outcomes(100, in_window=50), start_s=3.0)]
    verdict = one("rate>=90/s every 1s", window(outcomes()), *seconds)
    assert (verdict.held, verdict.seen, verdict.at_s) == (False, 50, 3.0)


@pytest.mark.parametrize(("length", "held"), [(12, True), (14, True), (15, False), (4, False), (3, True)])
def test_a_last_window_shorter_than_half_is_left_out(length: int, held: bool) -> None:  # noqa: FBT001
    """Too few samples; but when it is the only one, it is all there is."""
    slow_at = {4: 0, 12: 10, 14: 10, 15: 10}
    seconds = [window(outcomes(10, 0.5 if t == slow_at.get(length) else 0.01)) for t in range(length)]
    assert one("max<100ms every 10s", window(outcomes()), *seconds).held is held


def test_a_window_with_a_second_that_was_not_verified_is_not_held() -> None:
    """What is not known is not proved."""
    seconds = [window(outcomes(verified=1000)), window(outcomes())]
    assert one("verified>=1/s every 2s", window(outcomes()), *seconds).note == "not evaluated: the run was not verified"
    assert one("verified>=1/s every 2s", window(outcomes()), *seconds[:1] * 2).held


def test_a_second_without_arrivals_of_the_kind_is_no_window() -> None:
    """A spike has quiet times, a mix has seconds without a read."""
    seconds = [window(EMPTY), window(outcomes(), reads=outcomes(5)), window(outcomes(), reads=EMPTY)]
    assert one("read.p50<=1s every 1s", window(outcomes()), *seconds).held
    assert one("rate>=1/s every 1s", window(outcomes()), *seconds).held


def test_a_second_in_which_everything_stalled_is_a_window() -> None:
    """Arrivals were due, and nothing came."""
    stalled = replace(EMPTY, scheduled=100)
    verdict = one("p50<=1s every 1s", window(outcomes()), window(outcomes()), window(stalled, start_s=3.0))
    assert (verdict.held, verdict.at_s, verdict.note) == (False, 3.0, "no request was accepted")
