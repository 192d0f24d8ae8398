"""The accounts of a node, or of all nodes: by phase and operation, with what is the generator's own."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from createflow.scenarios.load.accounting.histogram import Histogram
from createflow.scenarios.load.accounting.tally import Tally
from createflow.schemas.operation import Operation

Tallies = dict[Operation, Tally]


def _empty() -> Tallies:
    return {operation: Tally() for operation in Operation}


@dataclass(slots=True)
class Books:
    """Cumulative: a later state of the same books replaces an earlier one, whatever got lost between."""

    warmup: Tallies = field(default_factory=_empty)
    measured: Tallies = field(default_factory=_empty)
    pacing: Histogram = field(default_factory=Histogram)
    """How late the pacer itself woke up: the generator's own doing, free of any waiting for a sender."""
    connect: Histogram = field(default_factory=Histogram)
    """How long opening a connection took, of those opened during the run."""
    departed: int = 0
    """Requests that have left, answered or not, in either phase."""

    def all(self) -> Tally:
        """Both phases and all operations together."""
        return total((*self.warmup.values(), *self.measured.values()))

    def add(self, other: "Books") -> None:
        """Add the books of another node."""
        for operation in Operation:
            self.warmup[operation].add(other.warmup[operation])
            self.measured[operation].add(other.measured[operation])
        self.pacing.add(other.pacing)
        self.connect.add(other.connect)
        self.departed += other.departed

    def since(self, earlier: "Books") -> "Books":
        """What has happened since an earlier state of the same books."""
        return Books(
            {operation: tally.since(earlier.warmup[operation]) for operation, tally in self.warmup.items()},
            {operation: tally.since(earlier.measured[operation]) for operation, tally in self.measured.items()},
            self.pacing.since(earlier.pacing),
            self.connect.since(earlier.connect),
            self.departed - earlier.departed,
        )

    def assert_balanced(self) -> None:
        """Raise unless every arrival of either phase is in exactly one class."""
        for tally in (*self.warmup.values(), *self.measured.values()):
            tally.assert_balanced()

    def to_wire(self) -> dict[str, Any]:
        """All of it, for another process."""
        return {
            "warmup": {operation.value: tally.to_wire() for operation, tally in self.warmup.items() if tally.scheduled},
            "measured": {operation.value: tally.to_wire() for operation, tally in self.measured.items() if tally.used},
            "pacing": self.pacing.to_list(),
            "connect": self.connect.to_list(),
            "departed": self.departed,
        }

    @classmethod
    def from_wire(cls, document: dict[str, Any]) -> "Books":
        """What another process said."""
        books = cls()
        for operation, said in document["warmup"].items():
            books.warmup[Operation(operation)] = Tally.from_wire(said)
        for operation, said in document["measured"].items():
            books.measured[Operation(operation)] = Tally.from_wire(said)
        books.pacing.add_list(document["pacing"])
        books.connect.add_list(document["connect"])
        books.departed = int(document["departed"])
        return books


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of accounts."""
    summed = Tally()
    for tally in tallies:
        summed.add(tally)
    return summed
