"""Targets are judged over every arrival, and the target is never blamed for the generator."""

import math

from createflow.scenarios.load.recorder import Recorder
from createflow.scenarios.load.schedule import Arrival
from createflow.scenarios.load.verdict import Belief, believe, judge, remarks
from createflow.schemas.load_report import Validity
from createflow.schemas.profile import Slo

SLO = Slo(p99_ms=100, rate_per_s=500)


def _books(*, good: int, latency_s: float = 0.01, lag_s: float = 0.0, refused: int = 0, lost: int = 0) -> Recorder:
    books = Recorder(warmup_s=0.0, end_s=1000.0)
    for k in range(good + refused + lost):
        arrival = Arrival(k, float(k % 100))
        books.due(arrival, arrival.due_s + lag_s)
        sent_s = arrival.due_s + lag_s
        if k < good:
            books.replied(arrival, sent_s, sent_s + latency_s, 201)
        elif k < good + refused:
            books.replied(arrival, sent_s, sent_s + 0.001, 503)
        else:
            books.not_sent(arrival)
    return books


def _believed(books: Recorder, *, senders: int = 100, peak: int = 10, cpu: float = 0.2) -> Belief:
    slos = judge(books, SLO, rate_per_s=10, duration_s=100)
    return believe(books, SLO, slos, rate_per_s=10, senders=senders, peak_in_flight=peak, cpu_ratio=cpu)


def test_a_fast_target_holds_all_three() -> None:
    """The names say what was asked; a rate below the target's own is judged by the rate."""
    slos = judge(_books(good=1000), SLO, rate_per_s=10, duration_s=100)
    assert [slo.target for slo in slos] == ["p99_ms <= 100", "accepted_per_s >= 9.9", "errors_ratio < 0.001"]
    assert all(slo.held for slo in slos)


def test_the_seeds_rate_is_the_bar_above_it() -> None:
    """At 1,000/s the promise is still 500/s."""
    assert judge(_books(good=10), SLO, rate_per_s=1000, duration_s=1)[1].target == "accepted_per_s >= 495"


def test_fast_failures_do_not_improve_p99() -> None:
    """Two refusals in a hundred, each in a millisecond: the 99th percentile is infinite, not better."""
    p99, _, errors = judge(_books(good=980, refused=20), SLO, rate_per_s=10, duration_s=100)
    assert math.isinf(p99.seen)
    assert not p99.held
    assert errors.seen == 0.02


def test_arrivals_that_never_left_count_as_worst() -> None:
    """A generator that gives up on requests may not look fast either."""
    assert math.isinf(judge(_books(good=980, lost=20), SLO, rate_per_s=10, duration_s=100)[0].seen)


def test_an_infinite_percentile_survives_json() -> None:
    """A saved report reads back as it was."""
    verdict = judge(_books(good=1, refused=1), SLO, rate_per_s=1, duration_s=1)[0]
    assert type(verdict).model_validate_json(verdict.model_dump_json()) == verdict


def test_a_slow_target_is_the_targets_miss() -> None:
    """Replies take longer than the target allows: whatever the generator did, that stands."""
    assert _believed(_books(good=1000, latency_s=0.2), cpu=0.99).validity is Validity.VALID


def test_refusals_are_the_targets_miss() -> None:
    """The generator cannot make a server answer 503."""
    assert _believed(_books(good=900, refused=100), cpu=0.99).validity is Validity.VALID


def test_a_held_target_is_held_even_by_a_tired_generator() -> None:
    """A slow generator only ever makes the numbers worse."""
    assert _believed(_books(good=1000), cpu=0.99).validity is Validity.VALID


def test_a_busy_core_is_the_generators_fault() -> None:
    """Fast replies, late requests, no CPU left: use more workers."""
    belief = _believed(_books(good=1000, lag_s=0.3), cpu=0.95)
    assert (belief.validity, "--workers" in belief.reason) == (Validity.INVALID, True)


def test_too_few_senders_are_the_generators_fault() -> None:
    """A healthy server that takes 50 ms cannot be loaded through ten connections for ever: say so, with the number."""
    belief = _believed(_books(good=1000, latency_s=0.05, lag_s=0.3), senders=10, peak=10)
    assert (belief.validity, "--senders" in belief.reason) == (Validity.INVALID, True)


def test_late_waking_is_the_generators_fault() -> None:
    """Neither busy nor out of senders, but late: something else took the CPU."""
    belief = _believed(_books(good=1000, lag_s=0.3))
    assert (belief.validity, "lacked CPU" in belief.reason) == (Validity.INVALID, True)


def test_nothing_measured_is_no_verdict() -> None:
    """Stopped in the warm-up."""
    assert _believed(_books(good=0)).validity is Validity.INVALID


def test_a_rate_limited_run_says_so() -> None:
    """The figures are then those of the limiter."""
    books = _books(good=1000)
    books.due(Arrival(1, 1.0), 1.0)
    books.replied(Arrival(1, 1.0), 1.0, 1.1, 429)
    assert remarks(books) == ["1 replies were 429: the rate limiter was measured, not the write path"]


def test_few_samples_are_pointed_out() -> None:
    """A p99 of a hundred samples is one sample."""
    assert "100 samples" in remarks(_books(good=100))[0]


def test_trouble_in_the_warm_up_is_told_though_it_is_not_measured() -> None:
    """A target that refuses while it warms up is worth knowing."""
    books = Recorder(warmup_s=1.0, end_s=1000.0)
    books.due(Arrival(0, 0.5), 0.5)
    books.replied(Arrival(0, 0.5), 0.5, 0.6, 503)
    assert remarks(books) == ["1 requests of the warm-up were not accepted: 1 x 503"]


def test_a_machine_short_of_cpu_is_told_even_when_the_target_is_slow() -> None:
    """Where both run on one machine, the target lacked it too."""
    assert any("short of CPU" in remark for remark in remarks(_books(good=1000, latency_s=0.5, lag_s=0.05)))


def test_a_reply_that_was_read_late_is_not_the_targets_miss() -> None:
    """150 ms of service in a generator that wakes up 300 ms late may well have been 10 ms."""
    assert _believed(_books(good=1000, latency_s=0.15, lag_s=0.3)).validity is Validity.INVALID
