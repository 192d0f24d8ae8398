"""Which replies a worker keeps, and how they reach the parent."""

import json
import random

import pytest

from createflow.scenarios.load.accounting import tail_recorder
from createflow.scenarios.load.accounting.tail_recorder import TailRecorder, TailRow, Times, rows_from_wire
from createflow.scenarios.load.fleet.worker_messages import KeptReplies
from createflow.scenarios.load.plan.schedule import Arrival

HEAD = b"HTTP/1.1 201 Created\r\nServer-Timing: db;dur=%d, auth;dur=0.5\r\nContent-Length: 0\r\n\r\n"


def record(took_ms: list[float], *, warmup_s: float = 0.0) -> tuple[TailRecorder, list[TailRow]]:
    """The rows that are kept of replies that took so long, one due each second."""
    tail = TailRecorder(warmup_s)
    for k, ms in enumerate(took_ms):
        arrival = Arrival(k, float(k))
        if tail.keeps(arrival, k + ms / 1000):
            tail.keep(arrival, 201, Times(float(k), k + 0.0005, k + ms / 1000, 0.0001, 0.0002), HEAD % ms)
    received = KeptReplies()
    for part in tail.to_wire():
        received.add(json.loads(json.dumps(part)))
    return tail, received.rows


def test_a_kept_reply_comes_through() -> None:
    """With everything that is known of it."""
    _, (row, sampled) = record([7.0])
    assert row == TailRow(
        0, Arrival(0, 0.0).operation, 201, Times(0.0, 0.0005, 0.007, 0.0001, 0.0002), False, {"db": 7.0, "auth": 0.5}
    )
    assert (sampled.is_sampled, sampled.times) == (True, row.times)


@pytest.mark.parametrize("order", ["random", "slower", "faster"])
def test_the_slowest_are_kept_whatever_their_order(monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    """All of those that are looked at in the end."""
    monkeypatch.setattr(tail_recorder, "SLOW_MIN", 20)
    took_ms = [float(ms) for ms in range(1, 2001)]
    if order == "random":
        random.Random(1).shuffle(took_ms)  # noqa: S311 - no secret
    elif order == "faster":
        took_ms.reverse()
    _, rows = record(took_ms)
    slow = sorted((round(row.times.took_s * 1000) for row in rows if not row.is_sampled), reverse=True)
    assert slow[:20] == list(range(2000, 1980, -1))


def test_the_sample_is_spread_over_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each n-th reply, whatever n becomes, and never more than the bound."""
    monkeypatch.setattr(tail_recorder, "SAMPLE_MAX", 100)
    _, rows = record([1.0] * 5000)
    sampled = [row.k + 1 for row in rows if row.is_sampled]
    assert sampled == list(range(sampled[0], 5001, sampled[0]))
    assert 50 <= len(sampled) < 100


def test_the_warm_up_is_left_out() -> None:
    """As everywhere."""
    _, rows = record([5.0] * 10, warmup_s=4.0)
    assert {row.k for row in rows} == set(range(4, 10))


def test_most_replies_are_only_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done for a reply that is neither slow nor of the sample."""
    monkeypatch.setattr(tail_recorder, "SAMPLE_MAX", 100)
    monkeypatch.setattr(tail_recorder, "SLOW_MIN", 20)
    monkeypatch.setattr(tail_recorder, "SLOW_RATIO", 0.001)
    tail, _ = record([50.0] * 3200)
    assert sum(tail.keeps(Arrival(k, 0.0), 0.001) for k in range(1280)) <= 1280 / 32


def test_names_are_those_of_the_message() -> None:
    """Each part has its own list."""
    rows = rows_from_wire(["a", "b"], [[1, 0, 201, 1, 0.0, 0.0, 1.0, 0.0, 0.0, 1, 2.5]])
    assert rows[0].server_ms == {"b": 2.5}
