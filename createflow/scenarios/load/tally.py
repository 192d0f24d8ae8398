"""What happened to the arrivals of one phase: counters, and histograms by outcome."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from createflow.scenarios.load.histogram import Histogram
from createflow.schemas.load_report import Ledger

_RESPONSE = "response/"


@dataclass(slots=True)
class Tally:
    """The account of one phase. Every due arrival is in exactly one class of ``ledger`` once the run has ended."""

    scheduled: int = 0
    completed: int = 0
    transport_errors: int = 0
    timeouts: int = 0
    unfinished: int = 0
    not_sent: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    histograms: dict[str, Histogram] = field(default_factory=dict)
    """``response/<status or class>``, ``service`` and ``lag``: see LoadReport."""

    def record(self, name: str, seconds: float) -> None:
        """Add a duration to the histogram of this name."""
        histogram = self.histograms.get(name)
        if histogram is None:
            histogram = self.histograms[name] = Histogram()
        histogram.record(seconds)

    def record_response(self, outcome: str, seconds: float) -> None:
        """Add a latency from the intended send time, kept apart by how the request ended."""
        self.record(_RESPONSE + outcome, seconds)

    def merged(self, *, outcomes: str = "") -> Histogram:
        """Response latencies of the outcomes that start with this text, for example ``2`` for 2xx."""
        total = Histogram()
        for name, histogram in self.histograms.items():
            if name.startswith(_RESPONSE + outcomes):
                total.add(histogram)
        return total

    def histogram(self, name: str) -> Histogram:
        """The histogram of this name, empty when nothing was recorded."""
        return self.histograms.get(name) or Histogram()

    @property
    def sent(self) -> int:
        """Arrivals that left the generator and are settled."""
        return self.completed + self.transport_errors + self.timeouts + self.unfinished

    @property
    def settled(self) -> int:
        """Arrivals that ended in some class."""
        return self.sent + self.not_sent

    @property
    def accepted(self) -> int:
        """2xx replies."""
        return sum(count for status, count in self.statuses.items() if status.startswith("2"))

    @property
    def clamped(self) -> int:
        """Durations out of the histograms' range."""
        return sum(histogram.clamped for histogram in self.histograms.values())

    def ledger(self) -> Ledger:
        """The classes as they stand in a report."""
        return Ledger(
            scheduled=self.scheduled,
            completed=self.completed,
            transport_errors=self.transport_errors,
            timeouts=self.timeouts,
            unfinished=self.unfinished,
            not_sent=self.not_sent,
        )

    def assert_balanced(self) -> None:
        """Raise when an arrival is in no class or in two: a defect of ours, and the numbers are worthless."""
        by_status, by_kind = sum(self.statuses.values()), sum(self.errors.values())
        if self.settled != self.scheduled or by_status != self.completed or by_kind != self.transport_errors:
            raise RuntimeError(f"the ledger does not balance: {self.ledger()!r}, {by_status=}, {by_kind=}")

    def to_json(self) -> dict[str, Any]:
        """Everything so far, for the wire; cumulative, so that a lost or repeated message does no harm."""
        return {
            **{name: getattr(self, name) for name in _COUNTERS},
            "statuses": dict(self.statuses),
            "errors": dict(self.errors),
            "histograms": {name: [h.encode(), h.clamped] for name, h in self.histograms.items()},
        }

    def add_json(self, document: dict[str, Any]) -> None:
        """Add what another node sent."""
        for name in _COUNTERS:
            setattr(self, name, getattr(self, name) + int(document[name]))
        self.statuses.update(document["statuses"])
        self.errors.update(document["errors"])
        for name, (encoded, clamped) in document["histograms"].items():
            histogram = self.histograms.setdefault(name, Histogram())
            histogram.add_encoded(encoded)
            histogram.clamped += clamped


_COUNTERS = ("scheduled", "completed", "transport_errors", "timeouts", "unfinished", "not_sent")
