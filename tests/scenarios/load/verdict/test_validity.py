"""The target is never blamed for the generator, and the generator is no excuse for the target."""

from dataclasses import replace

import pytest

from createflow.scenarios.load.verdict.evidence import Evidence
from createflow.scenarios.load.verdict.slo_verdict import evaluate_targets
from createflow.scenarios.load.verdict.validity import ValidityVerdict, assess_validity
from createflow.scenarios.load.verdict.windows import Outcomes
from createflow.schemas.load_report import Machine, Validity, WorkerHealth
from createflow.schemas.operation import Operation
from createflow.schemas.slo import parse_target
from tests.scenarios.load.verdict.made_window import histogram, outcomes, window

CONTRACT = ("p99<=100ms", "rate>=500/s", "errors<0.1%")
FAST = outcomes(1000, 0.01)
LATE = outcomes(1000, 0.31)
"""Response latencies of requests that waited 300 ms before they left."""


def evidence(
    of: Outcomes = FAST,
    *,
    targets: tuple[str, ...] = CONTRACT,
    service_s: float = 0.01,
    slow: int = 0,
    pacing_s: float = 0.0005,
    rate_per_s: float = 500,
    machine: Machine | None = None,
    **worker: object,
) -> Evidence:
    """A run of 2 s at 500/s with a generator in good health, but for what is said."""
    parsed = [parse_target(text) for text in targets]
    whole = window(of, duration_s=2)
    health = WorkerHealth.model_validate(
        {"index": 0, "cpu_ratio": 0.2, "senders": 250, "peak_in_flight": 10, "connections_opened": 10} | worker
    )
    return Evidence(
        targets=parsed,
        slos=evaluate_targets(parsed, whole, [window(of)] * 2),
        whole=whole,
        service={Operation.CREATE: histogram([service_s] * (1000 - slow) + [1.0] * slow)},
        pacing=histogram([pacing_s] * 1000),
        peak_offered_per_s=rate_per_s,
        workers=(health,),
        machine=machine or Machine(cores=2),
    )


def told(verdict: ValidityVerdict) -> str:
    """All its words."""
    return " | ".join((*verdict.reasons, *verdict.notes))


def test_a_healthy_run_is_valid_without_a_word() -> None:
    """The usual case is quiet."""
    assert assess_validity(evidence()) == ValidityVerdict(Validity.VALID)


TIRED: dict[str, dict[str, object]] = {
    "cpu": {"cpu_ratio": 0.95},
    "pacing": {"pacing_s": 0.3},
    "loop": {"loop_delay_p99_ms": 40.0},
    "senders": {"senders": 5, "peak_in_flight": 5, "service_s": 0.0115},
}


@pytest.mark.parametrize(
    ("sign", "words"),
    [("cpu", "--workers 2"), ("pacing", "too little CPU"), ("loop", "was 40 ms late"), ("senders", "--senders 12")],
)
def test_fast_replies_to_late_requests_are_the_generators_fault(sign: str, words: str) -> None:
    """INVALID, with what to do."""
    verdict = assess_validity(evidence(LATE, **TIRED[sign]))  # type: ignore[arg-type] # options of one case each
    assert (verdict.validity, len(verdict.reasons)) == (Validity.INVALID, 1)
    assert words in verdict.reasons[0]


@pytest.mark.parametrize("sign", TIRED)
def test_a_held_target_is_held_even_by_a_tired_generator(sign: str) -> None:
    """A slow generator only ever makes the numbers worse; that it was slow is a note."""
    verdict = assess_validity(evidence(**TIRED[sign]))  # type: ignore[arg-type] # as above
    assert (verdict.validity, verdict.reasons) == (Validity.VALID, ())
    assert verdict.notes[0].startswith("the target may be better than these numbers: ")


@pytest.mark.parametrize("sign", TIRED)
def test_a_slow_target_is_the_targets_miss(sign: str) -> None:
    """Replies took longer than is allowed, whatever the generator did."""
    slow = evidence(outcomes(1000, 0.6), **(TIRED[sign] | {"service_s": 0.6}))  # type: ignore[arg-type] # as above
    assert assess_validity(slow).validity is Validity.VALID


@pytest.mark.parametrize("sign", TIRED)
def test_refusals_are_the_targets_miss(sign: str) -> None:
    """The generator cannot make a server answer 503."""
    refused = evidence(outcomes(900, bad=100, unavailable=100), **TIRED[sign])  # type: ignore[arg-type] # as above
    assert assess_validity(refused).validity is Validity.VALID


def test_arrivals_that_a_tired_generator_did_not_send_are_its_own_miss() -> None:
    """They count as errors, but not as the target's."""
    held_back = evidence(outcomes(900, bad=100, unsent=100), cpu_ratio=0.99)
    assert assess_validity(held_back).validity is Validity.INVALID
    both = evidence(outcomes(900, bad=100, unsent=98), cpu_ratio=0.99)
    assert assess_validity(both).validity is Validity.VALID, (
        "two of 902 that were sent failed: that alone misses errors<0.1%"
    )


def test_writes_that_are_missing_are_the_targets_miss() -> None:
    """Accepted in time and not there: no generator does that."""
    lossy = evidence(outcomes(1000, verified=900), targets=("verified>=500/s",), cpu_ratio=0.99)
    assert assess_validity(lossy).validity is Validity.VALID
    unasked = evidence(outcomes(1000), targets=("verified>=500/s",), cpu_ratio=0.99)
    assert assess_validity(unasked).validity is Validity.INVALID


def test_a_rate_that_the_target_did_not_serve_is_its_miss() -> None:
    """What was never sent is forgiven, what was sent and not accepted is not."""
    rate = ("rate>=500/s",)
    assert assess_validity(evidence(outcomes(900, bad=100), targets=rate, cpu_ratio=0.99)).validity is Validity.VALID
    unsent = outcomes(900, bad=100, unsent=100)
    assert assess_validity(evidence(unsent, targets=rate, cpu_ratio=0.99)).validity is Validity.INVALID


def test_a_reply_that_was_read_late_is_not_the_targets_miss() -> None:
    """150 ms of service in a generator that wakes up 300 ms late may well have been 10 ms."""
    assert assess_validity(evidence(LATE, service_s=0.15, pacing_s=0.3)).validity is Validity.INVALID


def test_a_steady_target_behind_too_few_senders_is_the_generators_limit() -> None:
    """193 ms a request, allowed 500: ten senders carry 52/s whatever is offered. The number to use is named."""
    limited = evidence(
        outcomes(100, 2.0, bad=900, unsent=900),
        targets=("p99<=500ms", "rate>=500/s"),
        service_s=0.1927,
        senders=10,
        peak_in_flight=10,
    )
    verdict = assess_validity(limited)
    assert verdict.validity is Validity.INVALID
    (reason,) = verdict.reasons
    assert reason.startswith("all 10 senders were busy: 500/s x 193 ms keep 97 busy on average")
    assert reason.endswith("use --senders 193")


def test_a_target_that_is_too_slow_for_what_is_asked_holds_the_senders_itself() -> None:
    """The same with 100 ms allowed: its own miss, and Little's law says why no sender was free."""
    verdict = assess_validity(evidence(outcomes(1000, 2.0), service_s=0.1927, senders=10, peak_in_flight=10))
    assert verdict.validity is Validity.VALID
    assert "keep 97 busy on average (Little's law): the target's slow replies kept them busy" in told(verdict)


def test_a_target_that_is_slow_by_any_measure_holds_them_where_no_latency_is_asked_for() -> None:
    """At 600 ms a request more senders would only make the queue longer."""
    slow = evidence(
        outcomes(400, 2.0, bad=600, unsent=600),
        targets=("rate>=500/s",),
        service_s=0.6,
        senders=10,
        peak_in_flight=10,
    )
    assert assess_validity(slow).validity is Validity.VALID
    quick = replace(slow, service={Operation.CREATE: histogram([0.2] * 1000)})
    assert assess_validity(quick).validity is Validity.INVALID
    allowed = evidence(
        outcomes(400, 2.0, bad=600, unsent=600),
        targets=("p99<=1s", "rate>=500/s"),
        service_s=0.6,
        senders=10,
        peak_in_flight=10,
    )
    assert assess_validity(allowed).validity is Validity.INVALID, "600 ms are good enough where a second is asked for"


def test_a_stall_that_takes_all_senders_is_the_targets() -> None:
    """Frozen for a moment: few slow replies, senders enough on average, and a generator in good health."""
    frozen = evidence(replace(LATE), slow=7, senders=20, peak_in_flight=20)
    verdict = assess_validity(frozen)
    assert verdict.validity is Validity.VALID
    assert "all 20 senders were busy at once, although 9 are enough on average" in told(verdict)


def test_a_miss_without_any_sign_is_the_targets() -> None:
    """Nothing speaks against the generator."""
    assert assess_validity(evidence(LATE)) == ValidityVerdict(Validity.VALID)


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        ({"pacing_s": 0.007}, "woke up 7 ms late"),
        ({"machine": Machine(cores=2, steal_ratio=0.08)}, "gave 8% of this machine's CPU to other machines"),
        ({"connections_opened": 60}, "60 connections were opened for 1000 requests"),
    ],
)
def test_a_miss_beside_a_doubtful_sign_is_suspect(sign: dict[str, object], words: str) -> None:
    """And only a note when the target is held all the same."""
    verdict = assess_validity(evidence(LATE, **sign))  # type: ignore[arg-type] # options of one case each
    assert (verdict.validity, len(verdict.reasons)) == (Validity.SUSPECT, 1)
    assert words in verdict.reasons[0]
    held = assess_validity(evidence(**sign))  # type: ignore[arg-type] # as above
    assert (held.validity, held.reasons) == (Validity.VALID, ())
    assert words in held.notes[0]


def test_waking_late_counts_by_what_is_asked() -> None:
    """3 ms are much beside 20 ms, and 30 ms little beside a second."""
    assert assess_validity(evidence(LATE, targets=("p99<=20ms",), pacing_s=0.003)).validity is Validity.SUSPECT
    generous = evidence(outcomes(1000, 1.2), targets=("p99<=1s",), pacing_s=0.03)
    assert assess_validity(generous).validity is Validity.SUSPECT
    assert assess_validity(replace(generous, pacing=histogram([0.11] * 1000))).validity is Validity.INVALID


def test_few_samples_make_a_percentile_suspect_whether_held_or_not() -> None:
    """A p99 of a hundred samples is one sample; a window has its own."""
    few = assess_validity(evidence(outcomes(200), targets=("p99<=100ms", "p95<=100ms", "rate>=1/s")))
    assert few == ValidityVerdict(
        Validity.SUSPECT,
        ("p99<=100ms has 200 samples, but needs 1000 to be stable: use a longer --duration",),
    )
    window = assess_validity(evidence(outcomes(1000), targets=("p99<=100ms every 1s", "p99<=100ms every 3s")))
    assert window.reasons == (
        "p99<=100ms every 1s has 500 samples in a window, but needs 1000 to be stable: use a longer window",
    )


def test_a_rate_limited_run_is_suspect() -> None:
    """The figures are then those of the limiter; a stray 429 is only told."""
    limited = assess_validity(evidence(outcomes(980, bad=20, limited=20)))
    assert (limited.validity, "the rate limiter was measured" in told(limited)) == (Validity.SUSPECT, True)
    assert "--users" in told(limited)
    stray = assess_validity(evidence(outcomes(999, bad=1, limited=1), targets=("errors<1%",)))
    assert stray == ValidityVerdict(Validity.VALID, (), ("1 replies were 429: refused by the rate limiter",))


def test_a_lost_worker_makes_the_run_invalid_even_when_all_is_held() -> None:
    """Its arrivals were not offered, so nothing was held against the load that was asked for."""
    verdict = assess_validity(evidence(lost="gone after 3.2 s"))
    assert verdict.validity is Validity.INVALID
    assert verdict.reasons == ("the results are incomplete: load worker 1: gone after 3.2 s",)


def test_clients_that_take_turns_are_always_busy_and_are_judged_by_no_latency() -> None:
    """A rate they may be judged by."""
    run = evidence(targets=("rate>=5000/s",), senders=5, peak_in_flight=5, service_s=0.3, rate_per_s=0)
    whole = replace(run.whole, is_closed=True)
    closed = replace(run, whole=whole, slos=evaluate_targets(run.targets, whole, ()))
    assert not closed.slos[0].held
    assert assess_validity(closed).validity is Validity.VALID
    assert "coordinated omission" in told(assess_validity(closed))
    assert "senders" not in told(assess_validity(closed))
    timed = evidence()
    assert assess_validity(replace(timed, whole=replace(timed.whole, is_closed=True))).validity is Validity.INVALID


def test_nothing_measured_is_no_verdict() -> None:
    """Stopped in the warm-up."""
    assert assess_validity(evidence(Outcomes())) == ValidityVerdict(Validity.INVALID, ("nothing was measured",))


def test_without_targets_a_generator_that_held_back_is_still_invalid() -> None:
    """Nothing can be missed, but the numbers are not those of the load that was asked for."""
    kept_up = evidence(targets=(), cpu_ratio=0.95)
    assert assess_validity(kept_up).validity is Validity.SUSPECT
    assert (
        assess_validity(evidence(outcomes(980, bad=20, unsent=20), targets=(), cpu_ratio=0.95)).validity
        is Validity.INVALID
    )


def test_a_target_on_the_same_machine_is_told() -> None:
    """It competes with the load for the cores."""
    verdict = assess_validity(evidence(machine=Machine(cores=2, same_host=True)))
    assert verdict == ValidityVerdict(
        Validity.VALID, (), ("the target runs on this machine and shares its 2 cores with the load generator",)
    )


def test_more_workers_are_not_advised_where_there_are_no_more_cores() -> None:
    """Another process on the same core sends nothing more."""
    verdict = assess_validity(evidence(LATE, cpu_ratio=0.95, machine=Machine(cores=1)))
    assert "no core for another worker" in verdict.reasons[0]
