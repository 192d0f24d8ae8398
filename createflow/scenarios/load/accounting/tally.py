"""What happened to the arrivals of one operation in one phase: counters, and histograms by outcome."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from createflow.scenarios.load.accounting.histogram import Histogram

_COUNTERS = (
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


@dataclass(slots=True)
class Tally:
    """The account of one operation in one phase. Every due arrival is in one class once the run has ended."""

    scheduled: int = 0
    completed: int = 0
    transport_errors: int = 0
    timeouts: int = 0
    unfinished: int = 0
    not_sent: int = 0
    dropped: int = 0
    sent_in_window: int = 0
    """By when it was sent, not by when it was due."""
    accepted_in_window: int = 0
    """By when the reply came."""
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    replies: defaultdict[int, Histogram] = field(default_factory=lambda: defaultdict(Histogram))
    """Response latency by status."""
    unanswered: Histogram = field(default_factory=Histogram)
    """How long those waited that got no reply: a lower bound of their latency."""
    service: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)

    @property
    def sent(self) -> int:
        """Arrivals that left the generator and are settled."""
        return self.completed + self.transport_errors + self.timeouts + self.unfinished

    @property
    def settled(self) -> int:
        """Arrivals that ended in some class."""
        return self.sent + self.not_sent + self.dropped

    @property
    def used(self) -> bool:
        """Whether there is anything in it: what is due in the warm-up may be sent in the window."""
        return bool(self.scheduled or self.sent_in_window or self.accepted_in_window)

    @property
    def accepted(self) -> int:
        """2xx replies."""
        return sum(count for status, count in self.statuses.items() if 200 <= status < 300)

    @property
    def failed(self) -> int:
        """Sent, and no reply: outcome unknown."""
        return self.transport_errors + self.timeouts + self.unfinished

    @property
    def clamped(self) -> int:
        """Durations out of the histograms' range."""
        return sum(histogram.clamped for histogram in self._histograms())

    def accepted_latencies(self) -> Histogram:
        """Response latencies of 2xx replies."""
        return _sum(histogram for status, histogram in self.replies.items() if 200 <= status < 300)

    def latencies(self) -> Histogram:
        """Response latencies of everything that was sent."""
        return _sum((*self.replies.values(), self.unanswered))

    def assert_balanced(self) -> None:
        """Raise when an arrival is in no class or in two: a defect of ours, and the numbers are worthless."""
        by_status, by_kind = sum(self.statuses.values()), sum(self.errors.values())
        if self.settled != self.scheduled or by_status != self.completed or by_kind != self.transport_errors:
            raise RuntimeError(f"the ledger does not balance: {self!r}, {by_status=}, {by_kind=}")

    def add(self, other: "Tally") -> None:
        """Add another account."""
        for name in _COUNTERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.statuses.update(other.statuses)
        self.errors.update(other.errors)
        for status, histogram in other.replies.items():
            self.replies[status].add(histogram)
        self.unanswered.add(other.unanswered)
        self.service.add(other.service)
        self.lag.add(other.lag)

    def since(self, earlier: "Tally") -> "Tally":
        """What has happened since an earlier state of the same account."""
        later = Tally(**{name: getattr(self, name) - getattr(earlier, name) for name in _COUNTERS})
        later.statuses = self.statuses - earlier.statuses
        later.errors = self.errors - earlier.errors
        for status, histogram in self.replies.items():
            later.replies[status] = histogram.since(earlier.replies.get(status, Histogram()))
        later.unanswered = self.unanswered.since(earlier.unanswered)
        later.service = self.service.since(earlier.service)
        later.lag = self.lag.since(earlier.lag)
        return later

    def to_wire(self) -> dict[str, Any]:
        """Everything so far; cumulative, so that a lost or repeated message does no harm."""
        return {
            "counters": [getattr(self, name) for name in _COUNTERS],
            "statuses": [list(pair) for pair in self.statuses.items()],
            "errors": dict(self.errors),
            "replies": [[status, histogram.to_list()] for status, histogram in self.replies.items()],
            "unanswered": self.unanswered.to_list(),
            "service": self.service.to_list(),
            "lag": self.lag.to_list(),
        }

    @classmethod
    def from_wire(cls, document: dict[str, Any]) -> "Tally":
        """What another process said."""
        tally = cls(**dict(zip(_COUNTERS, document["counters"], strict=True)))
        tally.statuses.update(dict(document["statuses"]))
        tally.errors.update(document["errors"])
        for status, numbers in document["replies"]:
            tally.replies[status].add_list(numbers)
        tally.unanswered.add_list(document["unanswered"])
        tally.service.add_list(document["service"])
        tally.lag.add_list(document["lag"])
        return tally

    def _histograms(self) -> tuple[Histogram, ...]:
        return (*self.replies.values(), self.unanswered, self.service, self.lag)


def _sum(histograms: Iterable[Histogram]) -> Histogram:
    total = Histogram()
    for histogram in histograms:
        total.add(histogram)
    return total
