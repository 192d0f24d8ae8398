"""What happened to every arrival of a run: counters and latency histograms, by phase and operation.

A ledger is cumulative, so a later state replaces an earlier one and a lost message does no harm. The ledgers of several
load workers are merged by addition.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from createflow.scenarios.load.accounting.histogram import Histogram
from createflow.schemas.operation import Operation

_COUNTER_NAMES = (
    "scheduled",
    "completed",
    "transport_errors",
    "timeouts",
    "unfinished",
    "not_sent",
    "dropped",
    "sent_in_window",
    "accepted_in_window",
)


REFUSALS = frozenset({429, 503})
"""Statuses by which a target says that there is too much to do: those of rate limits and of overload."""
_MAX_REPLY_HISTOGRAMS = 40
"""By status, in a message of a load worker."""


class InWindow(NamedTuple):
    """What happened inside the measured window: the only source of every rate. None is more than the one before it."""

    offered: int
    """Arrivals that were due in it."""
    sent: int
    """Requests that were sent in it."""
    accepted: int
    """2xx replies that came in it."""


@dataclass(slots=True)
class Counters:
    """Counters and latencies of one operation in one phase.

    When the run has ended, every arrival is counted in exactly one of ``completed``, ``transport_errors``,
    ``timeouts``, ``unfinished``, ``not_sent`` and ``dropped``.
    """

    scheduled: int = 0
    completed: int = 0
    transport_errors: int = 0
    timeouts: int = 0
    unfinished: int = 0
    not_sent: int = 0
    dropped: int = 0
    sent_in_window: int = 0
    """Requests sent inside the measured window, whenever they were due."""
    accepted_in_window: int = 0
    """2xx replies that arrived inside the measured window, whenever they were due."""
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    replies: defaultdict[int, Histogram] = field(default_factory=lambda: defaultdict(Histogram))
    """Response latency, from the intended send time, by status code."""
    nameless: Histogram = field(default_factory=Histogram)
    """Response latency of the 2xx replies to creates that have neither a Location nor an id: nothing says that they
    created something, so they are in ``statuses``, and not accepted."""
    unanswered: Histogram = field(default_factory=Histogram)
    """How long requests without a reply waited: a lower bound of their latency."""
    service: Histogram = field(default_factory=Histogram)
    """From the true send time to the last byte of the reply."""
    lag: Histogram = field(default_factory=Histogram)
    """From the intended to the true send time."""

    @property
    def sent(self) -> int:
        """Arrivals that were sent and have an outcome."""
        return self.completed + self.transport_errors + self.timeouts + self.unfinished

    @property
    def settled(self) -> int:
        """Arrivals that have an outcome."""
        return self.sent + self.not_sent + self.dropped

    @property
    def is_used(self) -> bool:
        """Something was counted. A request that is due in the warm-up may be sent in the measured window."""
        return bool(self.scheduled or self.sent_in_window or self.accepted_in_window)

    @property
    def accepted(self) -> int:
        """Replies with a 2xx status; to a create, those that name what was created."""
        return sum(count for status, count in self.statuses.items() if 200 <= status < 300) - self.nameless.count

    @property
    def in_window(self) -> InWindow:
        """What of the measured window makes rates.

        In a steady state as many replies come in it to requests of before as come after it to requests of it. What a
        slow warm-up left over beyond that is left out: more than were due cannot be the rate of those that were due.
        """
        sent = min(self.sent_in_window, self.scheduled)
        return InWindow(self.scheduled, sent, min(self.accepted_in_window, sent))

    @property
    def failed(self) -> int:
        """Requests without a reply; whether the target acted on them is unknown."""
        return self.transport_errors + self.timeouts + self.unfinished

    @property
    def clamped(self) -> int:
        """Durations outside the range of the histograms."""
        return sum(histogram.clamped for histogram in self._histograms())

    def accepted_latencies(self) -> Histogram:
        """Response latencies of the 2xx replies."""
        return _sum(histogram for status, histogram in self.replies.items() if 200 <= status < 300)

    def refused_latencies(self) -> Histogram:
        """Response latencies of the replies that refuse for too much work."""
        return _sum(histogram for status, histogram in self.replies.items() if status in REFUSALS)

    def latencies(self) -> Histogram:
        """Response latencies of all requests that were sent."""
        return _sum((*self.replies.values(), self.nameless, self.unanswered))

    def counts(self) -> tuple[int, ...]:
        """All single counters."""
        return tuple(getattr(self, name) for name in _COUNTER_NAMES)

    def can_balance(self, *, final: bool) -> bool:
        """Whether every arrival is counted at most once and, at the end of a run, exactly once."""
        by_status, by_kind = sum(self.statuses.values()), sum(self.errors.values())
        is_settled = self.settled == self.scheduled if final else self.settled <= self.scheduled
        is_named = self.nameless.count <= by_status
        return is_settled and is_named and by_status == self.completed and by_kind == self.transport_errors

    def assert_balanced(self) -> None:
        """Check that every arrival is counted exactly once.

        Raises:
            RuntimeError: it is not, which is a defect of the load engine and makes the numbers worthless.
        """
        by_status, by_kind = sum(self.statuses.values()), sum(self.errors.values())
        if not self.can_balance(final=True):
            raise RuntimeError(f"the ledger does not balance: {self!r}, {by_status=}, {by_kind=}")

    def add(self, other: "Counters") -> None:
        """Add the counters of another worker, phase or operation."""
        for name in _COUNTER_NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.statuses.update(other.statuses)
        self.errors.update(other.errors)
        for status, histogram in other.replies.items():
            self.replies[status].add(histogram)
        self.nameless.add(other.nameless)
        self.unanswered.add(other.unanswered)
        self.service.add(other.service)
        self.lag.add(other.lag)

    def since(self, earlier: "Counters") -> "Counters":
        """The difference from an earlier state of the same counters."""
        later = Counters(**{name: getattr(self, name) - getattr(earlier, name) for name in _COUNTER_NAMES})
        later.statuses = self.statuses - earlier.statuses
        later.errors = self.errors - earlier.errors
        for status, histogram in self.replies.items():
            later.replies[status] = histogram.since(earlier.replies.get(status, Histogram()))
        later.nameless = self.nameless.since(earlier.nameless)
        later.unanswered = self.unanswered.since(earlier.unanswered)
        later.service = self.service.since(earlier.service)
        later.lag = self.lag.since(earlier.lag)
        return later

    def to_wire(self) -> dict[str, Any]:
        """As a JSON document, for another process."""
        return {
            "counters": [getattr(self, name) for name in _COUNTER_NAMES],
            "statuses": [list(pair) for pair in self.statuses.items()],
            "errors": dict(self.errors),
            "replies": [[status, histogram.to_list()] for status, histogram in self._few_replies().items()],
            "nameless": self.nameless.to_list(),
            "unanswered": self.unanswered.to_list(),
            "service": self.service.to_list(),
            "lag": self.lag.to_list(),
        }

    @classmethod
    def from_wire(cls, document: dict[str, Any]) -> "Counters":
        """From the document that ``to_wire`` made."""
        counters = cls(**dict(zip(_COUNTER_NAMES, document["counters"], strict=True)))
        counters.statuses.update(dict(document["statuses"]))
        counters.errors.update(document["errors"])
        for status, numbers in document["replies"]:
            counters.replies[status].add_list(numbers)
        counters.nameless.add_list(document["nameless"])
        counters.unanswered.add_list(document["unanswered"])
        counters.service.add_list(document["service"])
        counters.lag.add_list(document["lag"])
        return counters

    def _few_replies(self) -> dict[int, Histogram]:
        """The latencies by status; those of a target that uses very many by the first status of their class.

        The statuses that came first stay, so that the difference of two states is what happened between them.
        """
        if len(self.replies) <= _MAX_REPLY_HISTOGRAMS:
            return self.replies
        few: dict[int, Histogram] = {}
        for number, (status, histogram) in enumerate(self.replies.items()):
            if number < _MAX_REPLY_HISTOGRAMS:
                few[status] = histogram.copy()
            else:
                few.setdefault(status // 100 * 100, Histogram()).add(histogram)
        return few

    def _histograms(self) -> tuple[Histogram, ...]:
        return (*self.replies.values(), self.nameless, self.unanswered, self.service, self.lag)


def _sum(histograms: Iterable[Histogram]) -> Histogram:
    total = Histogram()
    for histogram in histograms:
        total.add(histogram)
    return total


CountersByOperation = dict[Operation, Counters]


def _empty() -> CountersByOperation:
    return {operation: Counters() for operation in Operation}


@dataclass(slots=True)
class Ledger:
    """The counters of one load worker, or of all workers together."""

    warmup: CountersByOperation = field(default_factory=_empty)
    measured: CountersByOperation = field(default_factory=_empty)
    pacing: Histogram = field(default_factory=Histogram)
    """How late the generator woke up for each arrival; waiting for a free sender is not part of it."""
    connect: Histogram = field(default_factory=Histogram)
    """How long opening a connection took, TLS included; only connections opened during the run."""
    sent: int = 0
    """Requests sent so far in both phases, with and without a reply."""

    def total(self) -> Counters:
        """The sum over both phases and all operations."""
        return sum_counters((*self.warmup.values(), *self.measured.values()))

    def add(self, other: "Ledger") -> None:
        """Add the ledger of another worker."""
        for operation in Operation:
            self.warmup[operation].add(other.warmup[operation])
            self.measured[operation].add(other.measured[operation])
        self.pacing.add(other.pacing)
        self.connect.add(other.connect)
        self.sent += other.sent

    def since(self, earlier: "Ledger") -> "Ledger":
        """The difference from an earlier state of the same ledger."""
        return Ledger(
            {operation: counters.since(earlier.warmup[operation]) for operation, counters in self.warmup.items()},
            {operation: counters.since(earlier.measured[operation]) for operation, counters in self.measured.items()},
            self.pacing.since(earlier.pacing),
            self.connect.since(earlier.connect),
            self.sent - earlier.sent,
        )

    def assert_balanced(self) -> None:
        """Check that every arrival of both phases is counted exactly once.

        Raises:
            RuntimeError: it is not.
        """
        for counters in (*self.warmup.values(), *self.measured.values()):
            counters.assert_balanced()

    def to_wire(self) -> dict[str, Any]:
        """As a JSON document, for another process."""
        return {
            "warmup": {
                operation.value: counters.to_wire() for operation, counters in self.warmup.items() if counters.scheduled
            },
            "measured": {
                operation.value: counters.to_wire() for operation, counters in self.measured.items() if counters.is_used
            },
            "pacing": self.pacing.to_list(),
            "connect": self.connect.to_list(),
            "sent": self.sent,
        }

    @classmethod
    def from_wire(cls, document: dict[str, Any]) -> "Ledger":
        """From the document that ``to_wire`` made."""
        ledger = cls()
        for operation, counters in document["warmup"].items():
            ledger.warmup[Operation(operation)] = Counters.from_wire(counters)
        for operation, counters in document["measured"].items():
            ledger.measured[Operation(operation)] = Counters.from_wire(counters)
        ledger.pacing.add_list(document["pacing"])
        ledger.connect.add_list(document["connect"])
        ledger.sent = int(document["sent"])
        return ledger


def count_in_window(several: Iterable[Counters]) -> InWindow:
    """The sum over several operations."""
    parts = [counters.in_window for counters in several]
    return InWindow(*(sum(numbers) for numbers in zip(*parts, strict=True))) if parts else InWindow(0, 0, 0)


def sum_counters(several: Iterable[Counters]) -> Counters:
    """The sum of several counters."""
    summed = Counters()
    for counters in several:
        summed.add(counters)
    return summed
