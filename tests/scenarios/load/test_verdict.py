"""What stands in the books reaches the judgement."""

import pytest

from createflow.scenarios.load.recorder import Recorder
from createflow.scenarios.load.schedule import Arrival
from createflow.scenarios.load.verdict import believe, judge, remarks
from createflow.schemas.load_report import Validity
from createflow.schemas.profile import Slo

SLO = Slo()


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


@pytest.mark.parametrize(
    ("books", "held"),
    [
        (_books(good=1000), [True, True, True]),
        (_books(good=980, refused=20), [False, False, False]),
        (_books(good=980, lost=20), [False, False, False]),
    ],
)
def test_every_arrival_in_the_books_is_judged(books: Recorder, held: list[bool]) -> None:
    """Accepted, refused and never sent."""
    assert [slo.held for slo in judge(books, SLO, rate_per_s=10, duration_s=100)] == held


@pytest.mark.parametrize(
    ("books", "validity"),
    [
        (_books(good=1000, lag_s=0.3), Validity.INVALID),
        (_books(good=1000, latency_s=0.3), Validity.VALID),
        (_books(good=900, refused=100), Validity.VALID),
        (_books(good=0), Validity.INVALID),
    ],
)
def test_the_generators_part_is_told_from_the_targets(books: Recorder, validity: Validity) -> None:
    """Late sends are one's, slow replies and refusals the other's."""
    slos = judge(books, SLO, rate_per_s=10, duration_s=100)
    belief = believe(books, SLO, slos, rate_per_s=10, senders=100, peak_in_flight=10, cpu_ratio=0.2)
    assert belief.validity is validity


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
