"""What a sink shows of a run: sets of arrivals, how often each was observed, and which resource each became.

A set of arrivals is one big integer with a byte for each arrival, 1 if it is in the set. So union, intersection and
difference are integer operations, which are cheap even for a million arrivals.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from createflow.scenarios.load.plan.write_log import PREFLIGHT, Writes

ArrivalSet = int

AT_LEAST_ONCE = range(1, 256)
MORE_THAN_ONCE = range(2, 256)
_BITS_PER_BYTE = 8
_MAX_COUNT = 255
"""The highest value of a byte; an arrival that is there more often is duplicated anyway."""
_MAX_EXAMPLES = 5
_SHOWN_CHARACTERS = 80


def select_arrivals(values: bytes | bytearray, chosen: Iterable[int]) -> ArrivalSet:
    """The arrivals whose value is one of the chosen.

    Args:
        values: one byte for each arrival.
        chosen: the values to select.
    """
    wanted = frozenset(chosen)
    table = bytes(value in wanted for value in range(256))
    return int.from_bytes(values.translate(table), "little")


def count_arrivals(arrivals: ArrivalSet) -> int:
    """The number of arrivals in a set."""
    return arrivals.bit_count()


def list_arrivals(arrivals: ArrivalSet, limit: int) -> list[int]:
    """The lowest arrivals of a set."""
    raw = arrivals.to_bytes(arrivals.bit_length() // _BITS_PER_BYTE + 1, "little")
    found: list[int] = []
    position = raw.find(1)
    while position >= 0 and len(found) < limit:
        found.append(position)
        position = raw.find(1, position + 1)
    return found


@dataclass(slots=True)
class Observed:
    """How often one sink shows each arrival."""

    writes: Writes
    counts: bytearray = field(init=False)
    """One count for each arrival."""
    unsearchable: ArrivalSet = 0
    """Arrivals that cannot be looked for in this sink. Nothing is said about them."""
    unexpected: int = 0
    """Entries that belong to the run but to none of its arrivals."""
    unexpected_examples: list[str] = field(default_factory=list)
    """The first few of them."""

    def __post_init__(self) -> None:
        """Start with nothing observed."""
        self.counts = bytearray(len(self.writes.outcomes))

    def add_name(self, name: str) -> int | None:
        """Count the arrival with this name.

        Returns:
            The arrival; ``PREFLIGHT``, which is not counted; or None for a name that no arrival has.
        """
        k = self.writes.arrival_of(name)
        if k is None:
            if name.startswith(self.writes.prefix):
                self.add_unexpected(f"{name[:_SHOWN_CHARACTERS]!r}, which is the name of no arrival")
        elif k != PREFLIGHT:
            self.add(k)
        return k

    def add(self, k: int) -> None:
        """Count an arrival."""
        if self.counts[k] < _MAX_COUNT:
            self.counts[k] += 1

    def add_unexpected(self, description: str) -> None:
        """Count an entry that no arrival explains."""
        self.unexpected += 1
        if len(self.unexpected_examples) < _MAX_EXAMPLES:
            self.unexpected_examples.append(description)

    @property
    def present(self) -> ArrivalSet:
        """The arrivals that are in the sink."""
        return select_arrivals(self.counts, AT_LEAST_ONCE)


class PrimaryNotReadError(Exception):
    """A sink must be searched by ids, but the primary, which has them, could not be read yet."""


@dataclass(slots=True)
class ResourceIds:
    """Which resource each arrival became. The primary's rows say it, because the load does not parse its replies."""

    writes: Writes
    of_arrival: list[str | None] = field(init=False)
    further: dict[str, int] = field(default_factory=dict)
    """Further resources of arrivals that were written more than once, and the preflight's, with their arrivals."""
    is_complete: bool = False
    """All rows of the primary were read at least once."""

    def __post_init__(self) -> None:
        """Start without ids."""
        self.of_arrival = [None] * len(self.writes.outcomes)

    def add(self, resource_id: str, k: int) -> None:
        """Add a row of the primary."""
        if k >= 0 and self.of_arrival[k] in {None, resource_id}:
            self.of_arrival[k] = resource_id
        else:
            self.further[resource_id] = k

    def of_arrivals(self) -> Iterator[tuple[str, int]]:
        """Every resource with its arrival, without the preflight's.

        Raises:
            PrimaryNotReadError: the ids are not known yet.
        """
        if not self.is_complete:
            raise PrimaryNotReadError("the ids are in the primary's rows, which could not be read")
        yield from ((resource_id, k) for resource_id, k in self.all() if k >= 0)

    def all(self) -> Iterator[tuple[str, int]]:
        """Every resource with its arrival, including the preflight's."""
        yield from ((resource_id, k) for k, resource_id in enumerate(self.of_arrival) if resource_id is not None)
        yield from self.further.items()

    def unknown(self) -> ArrivalSet:
        """The arrivals whose resource is not known."""
        return select_arrivals(bytes(resource_id is None for resource_id in self.of_arrival), {True})
