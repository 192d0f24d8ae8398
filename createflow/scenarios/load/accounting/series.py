"""A run second by second, as differences of what the nodes have said so far."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from createflow.scenarios.load.accounting.ledger import Books
from createflow.scenarios.load.plan.message import NodeState
from createflow.schemas.load_report import Moment

_APART = frozenset({429, 503})
"""Statuses that say why they came: the limiter's and the breaker's."""


@dataclass(slots=True)
class Second:
    """What all nodes together did in one second."""

    books: Books = field(default_factory=Books)
    in_flight: int = 0
    backlog: int = 0
    cpu_ratio: float = 0.0


class Series:
    """Gathers the seconds of a run from messages in any order, whole or with some lost."""

    def __init__(self) -> None:
        self.seconds: dict[int, Second] = {}
        """By number; a node that was silent for a while has all of it in the second in which it spoke again."""
        self._books: dict[int, Books] = {}
        self._states: dict[int, NodeState] = {}

    @property
    def books(self) -> Books:
        """Everything that all nodes have said so far."""
        merged = Books()
        for books in self._books.values():
            merged.add(books)
        return merged

    def books_of(self, index: int) -> Books:
        """What one node has said."""
        return self._books.get(index, Books())

    def hear(self, state: NodeState) -> None:
        """Take in a newer message of a node."""
        if state.books is None or state.kind == "ready":
            return
        books = Books.from_wire(state.books)
        before = self._states.get(state.index)
        number = max(0, round(state.now_s) - 1)
        second = self.seconds.setdefault(number, Second())
        second.books.add(books.since(self._books.get(state.index, Books())))
        span_s = state.now_s - (before.now_s if before else 0.0)
        cpu_s = state.cpu_s - (before.cpu_s if before else 0.0)
        # The last message comes as soon as there is nothing more to do; its short span says little of the load.
        if state.kind != "final" or second.cpu_ratio == 0.0:
            second.in_flight += state.in_flight
            second.backlog += state.backlog
            second.cpu_ratio = max(second.cpu_ratio, cpu_s / max(span_s, 0.1))
        self._books[state.index] = books
        self._states[state.index] = state

    def moments(self, lags: Mapping[int, Mapping[str, float]], *, last: int = 0) -> tuple[Moment, ...]:
        """The seconds as they stand in a report.

        Args:
            lags: by second, how long the sampled create took to each sink.
            last: only so many, the youngest; all of them unless given.
        """
        numbers: Iterable[int] = sorted(self.seconds)[-last:]
        return tuple(_moment(number, self.seconds[number], lags.get(number, {})) for number in numbers)


def _moment(number: int, second: Second, lags: Mapping[str, float]) -> Moment:
    tally = second.books.all()
    latencies = tally.latencies()
    p50_ms, p90_ms, p95_ms, p99_ms, max_ms = latencies.percentiles_ms(0.5, 0.9, 0.95, 0.99, 1.0)
    (service_p99_ms,) = tally.service.percentiles_ms(0.99)
    (pacing_p99_ms,) = second.books.pacing.percentiles_ms(0.99)
    classes = Counter[str]()
    for status, count in tally.statuses.items():
        classes[str(status) if status in _APART else f"{status // 100}xx"] += count
    return Moment(
        t_s=float(number),
        offered=tally.scheduled,
        sent=second.books.departed,
        statuses=dict(sorted(classes.items())),
        failed=tally.failed,
        dropped=tally.dropped + tally.not_sent,
        p50_ms=p50_ms,
        p90_ms=p90_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        max_ms=max_ms,
        service_p99_ms=service_p99_ms,
        in_flight=second.in_flight,
        backlog=second.backlog,
        pacing_p99_ms=pacing_p99_ms,
        cpu_ratio=second.cpu_ratio,
        sink_lag_ms=dict(lags),
    )
