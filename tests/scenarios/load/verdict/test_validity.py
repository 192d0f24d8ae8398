"""The target is never blamed for the generator, and the generator is no excuse for the target."""

from dataclasses import replace

import pytest

from createflow.scenarios.load.verdict.evidence import Signals
from createflow.scenarios.load.verdict.slo_verdict import judge
from createflow.scenarios.load.verdict.validity import Belief, believe
from createflow.scenarios.load.verdict.window import Outcomes
from createflow.schemas.load_report import Machine, Validity, WorkerHealth
from createflow.schemas.operation import Operation
from createflow.schemas.slo import parse_target
from tests.scenarios.load.verdict.made_window import histogram, outcomes, span

SEED = ("p99<=100ms", "rate>=500/s", "errors<0.1%")
FAST = outcomes(1000, 0.01)
LATE = outcomes(1000, 0.31)
"""Response latencies of requests that waited 300 ms before they left."""


def signals(
    of: Outcomes = FAST,
    *,
    targets: tuple[str, ...] = SEED,
    service_s: float = 0.01,
    slow: int = 0,
    pacing_s: float = 0.0005,
    rate_per_s: float = 500,
    machine: Machine | None = None,
    **worker: object,
) -> Signals:
    """A run of 2 s at 500/s with a generator in good health, but for what is said."""
    parsed = [parse_target(text) for text in targets]
    whole = span(of, duration_s=2)
    health = WorkerHealth.model_validate(
        {"index": 0, "cpu_ratio": 0.2, "senders": 250, "peak_in_flight": 10, "connections_opened": 10} | worker
    )
    return Signals(
        targets=parsed,
        slos=judge(parsed, whole, [span(of)] * 2),
        whole=whole,
        service={Operation.CREATE: histogram([service_s] * (1000 - slow) + [1.0] * slow)},
        pacing=histogram([pacing_s] * 1000),
        peak_offered_per_s=rate_per_s,
        workers=(health,),
        machine=machine or Machine(cores=2),
    )


def told(belief: Belief) -> str:
    """All its words."""
    return " | ".join((*belief.reasons, *belief.notes))


def test_a_healthy_run_is_valid_without_a_word() -> None:
    """The usual case is quiet."""
    assert believe(signals()) == Belief(Validity.VALID)


TIRED: dict[str, dict[str, object]] = {
    "cpu": {"cpu_ratio": 0.95},
    "pacing": {"pacing_s": 0.3},
    "loop": {"loop_delay_p99_ms": 40.0},
    "senders": {"senders": 5, "peak_in_flight": 5, "service_s": 0.0115},
}


@pytest.mark.parametrize(
    ("sign", "words"),
    [("cpu", "--workers 2"), ("pacing", "short of CPU"), ("loop", "its own clock 40 ms"), ("senders", "--senders 12")],
)
def test_fast_replies_to_late_requests_are_the_generators_fault(sign: str, words: str) -> None:
    """INVALID, with what to do."""
    belief = believe(signals(LATE, **TIRED[sign]))  # type: ignore[arg-type] # options of one case each
    assert (belief.validity, len(belief.reasons)) == (Validity.INVALID, 1)
    assert words in belief.reasons[0]


@pytest.mark.parametrize("sign", TIRED)
def test_a_held_target_is_held_even_by_a_tired_generator(sign: str) -> None:
    """A slow generator only ever makes the numbers worse; that it was slow is a note."""
    belief = believe(signals(**TIRED[sign]))  # type: ignore[arg-type] # as above
    assert (belief.validity, belief.reasons) == (Validity.VALID, ())
    assert belief.notes[0].startswith("the target itself may be better than these numbers: ")


@pytest.mark.parametrize("sign", TIRED)
def test_a_slow_target_is_the_targets_miss(sign: str) -> None:
    """Replies took longer than is allowed, whatever the generator did."""
    slow = signals(outcomes(1000, 0.6), **(TIRED[sign] | {"service_s": 0.6}))  # type: ignore[arg-type] # as above
    assert believe(slow).validity is Validity.VALID


@pytest.mark.parametrize("sign", TIRED)
def test_refusals_are_the_targets_miss(sign: str) -> None:
    """The generator cannot make a server answer 503."""
    refused = signals(outcomes(900, bad=100, unavailable=100), **TIRED[sign])  # type: ignore[arg-type] # as above
    assert believe(refused).validity is Validity.VALID


def test_arrivals_that_a_tired_generator_did_not_send_are_its_own_miss() -> None:
    """They count as errors, but not as the target's."""
    held_back = signals(outcomes(900, bad=100, unsent=100), cpu_ratio=0.99)
    assert believe(held_back).validity is Validity.INVALID
    both = signals(outcomes(900, bad=100, unsent=98), cpu_ratio=0.99)
    assert believe(both).validity is Validity.VALID, "two of 902 that were sent failed: that alone misses errors<0.1%"


def test_writes_that_are_missing_are_the_targets_miss() -> None:
    """Accepted in time and not there: no generator does that."""
    lossy = signals(outcomes(1000, verified=900), targets=("verified>=500/s",), cpu_ratio=0.99)
    assert believe(lossy).validity is Validity.VALID
    unasked = signals(outcomes(1000), targets=("verified>=500/s",), cpu_ratio=0.99)
    assert believe(unasked).validity is Validity.INVALID


def test_a_rate_that_the_target_did_not_serve_is_its_miss() -> None:
    """What was never sent is forgiven, what was sent and not accepted is not."""
    rate = ("rate>=500/s",)
    assert believe(signals(outcomes(900, bad=100), targets=rate, cpu_ratio=0.99)).validity is Validity.VALID
    unsent = outcomes(900, bad=100, unsent=100)
    assert believe(signals(unsent, targets=rate, cpu_ratio=0.99)).validity is Validity.INVALID


def test_a_reply_that_was_read_late_is_not_the_targets_miss() -> None:
    """150 ms of service in a generator that wakes up 300 ms late may well have been 10 ms."""
    assert believe(signals(LATE, service_s=0.15, pacing_s=0.3)).validity is Validity.INVALID


def test_a_steady_target_behind_too_few_senders_is_the_generators_limit() -> None:
    """193 ms a request, allowed 500: ten senders carry 52/s whatever is offered. The number to use is named."""
    limited = signals(
        outcomes(100, 2.0, bad=900, unsent=900),
        targets=("p99<=500ms", "rate>=500/s"),
        service_s=0.1927,
        senders=10,
        peak_in_flight=10,
    )
    belief = believe(limited)
    assert belief.validity is Validity.INVALID
    (reason,) = belief.reasons
    assert reason.startswith("all 10 senders were busy: 500/s of 193 ms each keep 97 busy on average")
    assert reason.endswith("use --senders 193")


def test_a_target_that_is_too_slow_for_what_is_asked_holds_the_senders_itself() -> None:
    """The same with 100 ms allowed: its own miss, and Little's law says why no sender was free."""
    belief = believe(signals(outcomes(1000, 2.0), service_s=0.1927, senders=10, peak_in_flight=10))
    assert belief.validity is Validity.VALID
    assert "keep 97 busy on average (Little's law): the target held them" in told(belief)


def test_a_target_that_is_slow_by_any_measure_holds_them_where_no_latency_is_asked_for() -> None:
    """At 600 ms a request more senders would only make the queue longer."""
    slow = signals(
        outcomes(400, 2.0, bad=600, unsent=600),
        targets=("rate>=500/s",),
        service_s=0.6,
        senders=10,
        peak_in_flight=10,
    )
    assert believe(slow).validity is Validity.VALID
    quick = replace(slow, service={Operation.CREATE: histogram([0.2] * 1000)})
    assert believe(quick).validity is Validity.INVALID
    allowed = signals(
        outcomes(400, 2.0, bad=600, unsent=600),
        targets=("p99<=1s", "rate>=500/s"),
        service_s=0.6,
        senders=10,
        peak_in_flight=10,
    )
    assert believe(allowed).validity is Validity.INVALID, "600 ms are good enough where a second is asked for"


def test_a_stall_that_takes_all_senders_is_the_targets() -> None:
    """Frozen for a moment: few slow replies, senders enough on average, and a generator in good health."""
    frozen = signals(replace(LATE), slow=7, senders=20, peak_in_flight=20)
    belief = believe(frozen)
    assert belief.validity is Validity.VALID
    assert "all 20 senders were busy at once, though 9 are enough on average" in told(belief)


def test_a_miss_without_any_sign_is_the_targets() -> None:
    """Nothing speaks against the generator."""
    assert believe(signals(LATE)) == Belief(Validity.VALID)


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        ({"pacing_s": 0.007}, "woke up 7 ms late"),
        ({"machine": Machine(cores=2, steal_ratio=0.08)}, "gave 8% of this machine's CPU to others"),
        ({"connections_opened": 60}, "60 connections were opened for 1000 requests"),
    ],
)
def test_a_miss_beside_a_doubtful_sign_is_suspect(sign: dict[str, object], words: str) -> None:
    """And only a note when the target is held all the same."""
    belief = believe(signals(LATE, **sign))  # type: ignore[arg-type] # options of one case each
    assert (belief.validity, len(belief.reasons)) == (Validity.SUSPECT, 1)
    assert words in belief.reasons[0]
    held = believe(signals(**sign))  # type: ignore[arg-type] # as above
    assert (held.validity, held.reasons) == (Validity.VALID, ())
    assert words in held.notes[0]


def test_waking_late_counts_by_what_is_asked() -> None:
    """3 ms are much beside 20 ms, and 30 ms little beside a second."""
    assert believe(signals(LATE, targets=("p99<=20ms",), pacing_s=0.003)).validity is Validity.SUSPECT
    generous = signals(outcomes(1000, 1.2), targets=("p99<=1s",), pacing_s=0.03)
    assert believe(generous).validity is Validity.SUSPECT
    assert believe(replace(generous, pacing=histogram([0.11] * 1000))).validity is Validity.INVALID


def test_few_samples_make_a_percentile_suspect_whether_held_or_not() -> None:
    """A p99 of a hundred samples is one sample; a window has its own."""
    few = believe(signals(outcomes(200), targets=("p99<=100ms", "p95<=100ms", "rate>=1/s")))
    assert few == Belief(
        Validity.SUSPECT,
        ("p99<=100ms is judged by 200 samples: 1000 make it steady; use a longer --duration",),
    )
    window = believe(signals(outcomes(1000), targets=("p99<=100ms every 1s", "p99<=100ms every 3s")))
    assert window.reasons == (
        "p99<=100ms every 1s is judged by 500 samples a window: 1000 make it steady; use a longer window",
    )


def test_a_rate_limited_run_is_suspect() -> None:
    """The figures are then those of the limiter; a stray 429 is only told."""
    limited = believe(signals(outcomes(980, bad=20, limited=20)))
    assert (limited.validity, "the rate limiter was measured" in told(limited)) == (Validity.SUSPECT, True)
    assert "--users" in told(limited)
    stray = believe(signals(outcomes(999, bad=1, limited=1), targets=("errors<1%",)))
    assert stray == Belief(Validity.VALID, (), ("1 replies were 429: refused by the rate limiter",))


def test_a_lost_worker_makes_the_run_invalid_even_when_all_is_held() -> None:
    """Its arrivals were not offered, so nothing was held against the load that was asked for."""
    belief = believe(signals(lost="gone after 3.2 s"))
    assert belief.validity is Validity.INVALID
    assert belief.reasons == ("the results are incomplete: load worker 1: gone after 3.2 s",)


def test_clients_that_take_turns_are_always_busy_and_are_judged_by_no_latency() -> None:
    """A rate they may be judged by."""
    run = signals(targets=("rate>=5000/s",), senders=5, peak_in_flight=5, service_s=0.3, rate_per_s=0)
    whole = replace(run.whole, closed=True)
    closed = replace(run, whole=whole, slos=judge(run.targets, whole, ()))
    assert not closed.slos[0].held
    assert believe(closed).validity is Validity.VALID
    assert "coordinated omission" in told(believe(closed))
    assert "senders" not in told(believe(closed))
    timed = signals()
    assert believe(replace(timed, whole=replace(timed.whole, closed=True))).validity is Validity.INVALID


def test_nothing_measured_is_no_verdict() -> None:
    """Stopped in the warm-up."""
    assert believe(signals(Outcomes())) == Belief(Validity.INVALID, ("nothing was measured",))


def test_without_targets_a_generator_that_held_back_is_still_invalid() -> None:
    """Nothing can be missed, but the numbers are not those of the load that was asked for."""
    kept_up = signals(targets=(), cpu_ratio=0.95)
    assert believe(kept_up).validity is Validity.SUSPECT
    assert believe(signals(outcomes(980, bad=20, unsent=20), targets=(), cpu_ratio=0.95)).validity is Validity.INVALID


def test_a_target_on_the_same_machine_is_told() -> None:
    """It competes with the load for the cores."""
    belief = believe(signals(machine=Machine(cores=2, same_host=True)))
    assert belief == Belief(
        Validity.VALID, (), ("the target runs on this machine and shares its 2 cores with the load",)
    )


def test_more_workers_are_not_advised_where_there_are_no_more_cores() -> None:
    """Another process on the same core sends nothing more."""
    belief = believe(signals(LATE, cpu_ratio=0.95, machine=Machine(cores=1)))
    assert "no more cores" in belief.reasons[0]
