"""The validity of a run: limits of the generator and faults of the target are told apart."""

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
    """A run of 2 s at 500/s with a healthy generator, apart from the given values."""
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


def messages(verdict: ValidityVerdict) -> str:
    """All reasons and notes."""
    return " | ".join((*verdict.reasons, *verdict.notes))


def test_a_healthy_run_is_valid_without_notes() -> None:
    """The usual case."""
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
    """The run is invalid, and the reason says what to do."""
    verdict = assess_validity(evidence(LATE, **TIRED[sign]))  # type: ignore[arg-type] # options of one case each
    assert (verdict.validity, len(verdict.reasons)) == (Validity.INVALID, 1)
    assert words in verdict.reasons[0]


@pytest.mark.parametrize("sign", TIRED)
def test_a_held_target_is_held_also_with_a_slow_generator(sign: str) -> None:
    """A slow generator only makes the numbers worse; that it was slow is a note."""
    verdict = assess_validity(evidence(**TIRED[sign]))  # type: ignore[arg-type] # as above
    assert (verdict.validity, verdict.reasons) == (Validity.VALID, ())
    assert verdict.notes[0].startswith("the target may be better than these numbers: ")


@pytest.mark.parametrize("sign", TIRED)
def test_slow_replies_are_the_targets_fault(sign: str) -> None:
    """They took longer than the bound, whatever the generator did."""
    slow = evidence(outcomes(1000, 0.6), **(TIRED[sign] | {"service_s": 0.6}))  # type: ignore[arg-type] # as above
    assert assess_validity(slow).validity is Validity.VALID


@pytest.mark.parametrize("sign", TIRED)
def test_refusals_are_the_targets_fault(sign: str) -> None:
    """The generator cannot make a server reply 503."""
    refused = evidence(outcomes(900, bad=100, unavailable=100), **TIRED[sign])  # type: ignore[arg-type] # as above
    assert assess_validity(refused).validity is Validity.VALID


def test_unsent_arrivals_are_the_generators_fault() -> None:
    """They count as errors, but not as the target's."""
    held_back = evidence(outcomes(900, bad=100, unsent=100), cpu_ratio=0.99)
    assert assess_validity(held_back).validity is Validity.INVALID
    both = evidence(outcomes(900, bad=100, unsent=98), cpu_ratio=0.99)
    assert assess_validity(both).validity is Validity.VALID, (
        "two of 902 that were sent failed: that alone misses errors<0.1%"
    )


def test_missing_writes_are_the_targets_fault() -> None:
    """Accepted in time but not stored: no generator causes that."""
    lossy = evidence(outcomes(1000, verified=900), targets=("verified>=500/s",), cpu_ratio=0.99)
    assert assess_validity(lossy).validity is Validity.VALID
    unasked = evidence(outcomes(1000), targets=("verified>=500/s",), cpu_ratio=0.99)
    assert assess_validity(unasked).validity is Validity.INVALID


def test_a_rate_that_the_target_did_not_serve_is_its_fault() -> None:
    """Unsent arrivals are not counted against it; sent ones that were not accepted are."""
    rate = ("rate>=500/s",)
    assert assess_validity(evidence(outcomes(900, bad=100), targets=rate, cpu_ratio=0.99)).validity is Validity.VALID
    unsent = outcomes(900, bad=100, unsent=100)
    assert assess_validity(evidence(unsent, targets=rate, cpu_ratio=0.99)).validity is Validity.INVALID


def test_a_reply_that_was_read_late_is_not_the_targets_fault() -> None:
    """150 ms of service in a generator that wakes up 300 ms late may have been 10 ms."""
    assert assess_validity(evidence(LATE, service_s=0.15, pacing_s=0.3)).validity is Validity.INVALID


def test_too_few_senders_are_a_generator_limit() -> None:
    """193 ms a request with 500 ms allowed: ten senders carry 52/s. The reason names the number to use."""
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
    assert reason.startswith("900 of 1,000 arrivals were not sent, because all 10 senders were busy: 500/s x 193 ms ")
    assert reason.endswith("use --senders 193, or more --workers")


def test_a_target_slower_than_its_bound_keeps_the_senders_busy() -> None:
    """The same with 100 ms allowed: the target's fault, and Little's law explains the busy senders."""
    verdict = assess_validity(evidence(outcomes(1000, 2.0), service_s=0.1927, senders=10, peak_in_flight=10))
    assert verdict.validity is Validity.VALID
    assert "keep 97 busy on average (Little's law): the target's slow replies kept them busy" in messages(verdict)


def test_a_very_slow_target_is_at_fault_without_a_latency_target() -> None:
    """At 600 ms a request, more senders would only make the queue longer."""
    slow = evidence(
        outcomes(400, 2.0, bad=600, unsent=600), targets=("rate>=500/s",), service_s=0.6, senders=20, peak_in_flight=10
    )
    assert assess_validity(slow).validity is Validity.VALID
    exhausted = evidence(
        outcomes(400, 2.0, bad=600, unsent=600), targets=("rate>=500/s",), service_s=0.6, senders=10, peak_in_flight=10
    )
    assert assess_validity(exhausted).validity is Validity.INVALID, "the load of the headline was not offered"
    quick = replace(exhausted, service={Operation.CREATE: histogram([0.2] * 1000)})
    assert assess_validity(quick).validity is Validity.INVALID
    allowed = evidence(
        outcomes(400, 2.0, bad=600, unsent=600),
        targets=("p99<=1s", "rate>=500/s"),
        service_s=0.6,
        senders=10,
        peak_in_flight=10,
    )
    assert assess_validity(allowed).validity is Validity.INVALID, "600 ms are good enough where a second is asked for"


def test_a_stall_that_occupies_all_senders_is_the_targets_fault() -> None:
    """Frozen for a moment: few slow replies, enough senders on average, and a healthy generator."""
    frozen = evidence(replace(LATE), slow=7, senders=20, peak_in_flight=20)
    verdict = assess_validity(frozen)
    assert verdict.validity is Validity.VALID
    assert "all 20 senders were busy at once, although 9 are enough on average" in messages(verdict)


def test_a_miss_with_a_healthy_generator_is_the_targets_fault() -> None:
    """Nothing limited the generator."""
    assert assess_validity(evidence(LATE)) == ValidityVerdict(Validity.VALID)


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        ({"pacing_s": 0.007}, "woke up 7 ms late"),
        ({"machine": Machine(cores=2, steal_ratio=0.08)}, "gave 8% of this machine's CPU to other machines"),
        ({"connections_opened": 60}, "60 connections were opened for 1000 requests"),
    ],
)
def test_a_miss_with_a_possible_distortion_is_suspect(sign: dict[str, object], words: str) -> None:
    """If the target is held, it is only a note."""
    verdict = assess_validity(evidence(LATE, **sign))  # type: ignore[arg-type] # options of one case each
    assert (verdict.validity, len(verdict.reasons)) == (Validity.SUSPECT, 1)
    assert words in verdict.reasons[0]
    held = assess_validity(evidence(**sign))  # type: ignore[arg-type] # as above
    assert (held.validity, held.reasons) == (Validity.VALID, ())
    assert words in held.notes[0]


def test_lateness_is_compared_with_the_tightest_latency_target() -> None:
    """3 ms are much with a target of 20 ms, and 30 ms little with one of a second."""
    assert assess_validity(evidence(LATE, targets=("p99<=20ms",), pacing_s=0.003)).validity is Validity.SUSPECT
    generous = evidence(outcomes(1000, 1.2), targets=("p99<=1s",), pacing_s=0.03)
    assert assess_validity(generous).validity is Validity.SUSPECT
    assert assess_validity(replace(generous, pacing=histogram([0.11] * 1000))).validity is Validity.INVALID


def test_few_samples_make_a_percentile_suspect_whether_held_or_not() -> None:
    """The p99 of a hundred samples is one sample. A window counts its own."""
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
    """Its numbers are those of the limiter; a single 429 is only noted."""
    limited = assess_validity(evidence(outcomes(980, bad=20, limited=20)))
    assert (limited.validity, "the rate limiter was measured" in messages(limited)) == (Validity.SUSPECT, True)
    assert "--users" in messages(limited)
    stray = assess_validity(evidence(outcomes(999, bad=1, limited=1), targets=("errors<1%",)))
    assert stray == ValidityVerdict(Validity.VALID, (), ("1 replies were 429: refused by the rate limiter",))


def test_a_lost_worker_makes_the_run_invalid_even_when_all_is_held() -> None:
    """Its arrivals were not offered, so the targets were not tested with the requested load."""
    verdict = assess_validity(evidence(lost="gone after 3.2 s"))
    assert verdict.validity is Validity.INVALID
    assert verdict.reasons == ("the results are incomplete: load worker 1: gone after 3.2 s",)


def test_a_closed_model_has_no_latency_verdict_and_busy_senders() -> None:
    """A rate target can be evaluated."""
    run = evidence(targets=("rate>=5000/s",), senders=5, peak_in_flight=5, service_s=0.3, rate_per_s=0)
    whole = replace(run.whole, is_closed=True)
    closed = replace(run, whole=whole, slos=evaluate_targets(run.targets, whole, ()))
    assert not closed.slos[0].held
    assert assess_validity(closed).validity is Validity.VALID
    assert "coordinated omission" in messages(assess_validity(closed))
    assert "senders" not in messages(assess_validity(closed))
    timed = evidence()
    assert assess_validity(replace(timed, whole=replace(timed.whole, is_closed=True))).validity is Validity.INVALID


def test_a_run_without_arrivals_is_invalid() -> None:
    """As one that was stopped in the warm-up."""
    assert assess_validity(evidence(Outcomes())) == ValidityVerdict(Validity.INVALID, ("nothing was measured",))


def test_without_targets_unsent_arrivals_still_invalidate_the_run() -> None:
    """The numbers are not those of the requested load."""
    kept_up = evidence(targets=(), cpu_ratio=0.95)
    assert assess_validity(kept_up).validity is Validity.SUSPECT
    assert (
        assess_validity(evidence(outcomes(980, bad=20, unsent=20), targets=(), cpu_ratio=0.95)).validity
        is Validity.INVALID
    )


def test_a_target_on_the_same_machine_is_noted() -> None:
    """It competes with the load for the cores."""
    verdict = assess_validity(evidence(machine=Machine(cores=2, same_host=True)))
    assert verdict == ValidityVerdict(
        Validity.VALID, (), ("the target runs on this machine and shares its 2 cores with the load generator",)
    )


def test_more_workers_are_advised_only_with_free_cores() -> None:
    """Another process on the same core sends nothing more."""
    verdict = assess_validity(evidence(LATE, cpu_ratio=0.95, machine=Machine(cores=1)))
    assert "no core for another worker" in verdict.reasons[0]
