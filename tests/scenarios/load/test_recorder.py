"""Every arrival in its phase and in one class."""

import pytest

from createflow.scenarios.load.recorder import Recorder
from createflow.scenarios.load.schedule import Arrival


def _books() -> Recorder:
    return Recorder(warmup_s=1.0, end_s=3.0)


def test_the_phase_is_decided_by_the_intended_time() -> None:
    """A request that was due in the warm-up stays there, however late its reply."""
    books = _books()
    for arrival in (Arrival(0, 0.9), Arrival(1, 1.0)):
        books.due(arrival, arrival.due_s)
        books.replied(arrival, arrival.due_s, 2.5, 201)
    assert (books.warmup.completed, books.measured.completed) == (1, 1)
    assert books.accepted_in_window == 2, "throughput counts replies by when they came"


def test_latency_counts_from_the_intended_time_and_service_from_the_true_one() -> None:
    """Due at 1.0, sent at 1.4, answered at 1.5: 500 ms of response, 100 ms of service, 400 ms of lag."""
    books = _books()
    books.due(Arrival(0, 1.0), 1.2)
    books.replied(Arrival(0, 1.0), 1.4, 1.5, 201)
    for histogram, expected_ms in (
        (books.measured.merged(), 500),
        (books.measured.histogram("service"), 100),
        (books.measured.histogram("lag"), 400),
        (books.pacing, 200),
    ):
        assert histogram.percentiles_ms(0.5)[0] == pytest.approx(expected_ms, rel=0.001)


def test_a_reply_after_the_window_is_no_throughput() -> None:
    """The window is fixed: what comes later is in the ledger, not in the rate."""
    books = _books()
    books.due(Arrival(0, 2.9), 2.9)
    books.replied(Arrival(0, 2.9), 2.9, 3.1, 201)
    assert (books.measured.accepted, books.accepted_in_window) == (1, 0)


def test_every_class_is_in_the_ledger_and_the_ledger_balances() -> None:
    """One arrival of each kind."""
    books = _books()
    arrivals = [Arrival(k, 1.0 + k / 10) for k in range(6)]
    for arrival in arrivals:
        books.due(arrival, arrival.due_s)
    books.replied(arrivals[0], 1.0, 1.1, 201)
    books.replied(arrivals[1], 1.1, 1.2, 503)
    books.failed(arrivals[2], 1.2, 1.3, "connection_reset")
    books.timed_out(arrivals[3], 1.3, 2.3)
    books.unfinished(arrivals[4], 1.4, 3.0)
    books.not_sent(arrivals[5])
    books.assert_balanced()
    assert books.measured.ledger().model_dump() == {
        "scheduled": 6,
        "completed": 2,
        "transport_errors": 1,
        "timeouts": 1,
        "unfinished": 1,
        "not_sent": 1,
        "dropped": 0,
    }
    assert books.measured.merged().count == 5, "what was sent has a latency, if only a lower bound"


def test_an_arrival_that_vanishes_is_noticed() -> None:
    """An unbalanced ledger is our defect, and no report comes of it."""
    books = _books()
    books.due(Arrival(0, 1.0), 1.0)
    with pytest.raises(RuntimeError, match="does not balance"):
        books.assert_balanced()


def test_books_survive_the_wire() -> None:
    """What a node says is what the parent adds up; twice the books are twice the counts."""
    books = _books()
    books.due(Arrival(0, 1.0), 1.0)
    books.replied(Arrival(0, 1.0), 1.1, 1.5, 201)
    both = _books()
    both.add_json(books.to_json())
    both.add_json(books.to_json())
    assert both.measured.statuses == {"201": 2}
    assert both.measured.merged(outcomes="2").count == 2
    assert (both.sent_in_window, both.accepted_in_window) == (0, 2)
