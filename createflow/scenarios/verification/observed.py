"""What a sink shows of a run: sets of arrivals, how often each was observed, and which resource each became.

A set of arrivals is one big integer with a byte for each arrival, 1 if it is in the set. So union, intersection and
difference are integer operations, which are cheap even for a million arrivals.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from createflow.scenarios.load.plan.write_log import PREFLIGHT, Writes
from createflow.scenarios.sinks.sink import EPOCH

ArrivalSet = int

PRIMARY = "primary"
"""The name of the sink whose rows give the ids."""
AT_LEAST_ONCE = range(1, 256)
MORE_THAN_ONCE = range(2, 256)
_BITS_PER_BYTE = 8
_MICROSECOND = timedelta(microseconds=1)
_MAX_COUNT = 255
"""The highest value of a byte; an arrival that is there more often is duplicated anyway."""
_MAX_EXAMPLES = 5
_MAX_PROBLEMS = 100
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
    compared: bytearray = field(init=False)
    """1 for each arrival whose copy was compared with what was sent."""
    held: set[str] = field(default_factory=set)
    """The fields that copies must have: those that the target shows, or that another copy in this sink has."""
    _altered: bytearray = field(init=False)
    _problems: dict[int, str] = field(default_factory=dict)
    _lacking: dict[str, bytearray] = field(default_factory=dict)
    """By field, 1 for each arrival whose copy does not have it."""

    def __post_init__(self) -> None:
        """Start with nothing observed."""
        self.counts = bytearray(len(self.writes.outcomes))
        self.compared = bytearray(len(self.writes.outcomes))
        self._altered = bytearray(len(self.writes.outcomes))

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

    def compare(self, k: int, problem: str, lacking: Iterable[str] = ()) -> None:
        """Note how a copy of an arrival compares with what was sent.

        Args:
            k: the arrival.
            problem: what is wrong with the copy; empty when nothing is.
            lacking: fields that it does not have. They are wrong only if they are, or become, ``held``.
        """
        self.compared[k] = 1
        if problem:
            self._altered[k] = 1
            if len(self._problems) < _MAX_PROBLEMS:
                self._problems.setdefault(k, problem)
        for name in lacking:
            if name not in self._lacking:
                self._lacking[name] = bytearray(len(self.counts))
            self._lacking[name][k] = 1

    def look_again(self, k: int) -> None:
        """Forget an arrival, because its copies are read again."""
        self.counts[k] = self.compared[k] = self._altered[k] = 0
        self._problems.pop(k, None)
        for missing in self._lacking.values():
            missing[k] = 0

    @property
    def altered(self) -> ArrivalSet:
        """The arrivals with a copy that differs from what was sent."""
        found = select_arrivals(self._altered, {1})
        for name in self.held & self._lacking.keys():
            found |= select_arrivals(self._lacking[name], {1})
        return found

    def problem_of(self, k: int) -> str:
        """In what the copy of an altered arrival differs."""
        if k in self._problems:
            return self._problems[k]
        lacking = sorted(name for name in self.held & self._lacking.keys() if self._lacking[name][k])
        return f"has no {' and no '.join(lacking[:2])}" if lacking else "differs from what was sent"

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
    """Which resource each arrival became, and when. The primary's rows say it: the load does not parse its replies."""

    writes: Writes
    of_arrival: list[str | None] = field(init=False)
    further: dict[str, int] = field(default_factory=dict)
    """Further resources of arrivals that were written more than once, and the preflight's, with their arrivals."""
    is_complete: bool = False
    """All rows of the primary were read at least once."""
    _created_us: "array[int]" = field(init=False)
    _requests: dict[str, "array[int]"] = field(init=False)
    """By sink, a 64-bit hash of the request of each arrival."""

    def __post_init__(self) -> None:
        """Start without ids."""
        self.of_arrival = [None] * len(self.writes.outcomes)
        # Eight bytes an arrival each, where objects would need ten times as much.
        self._created_us = array("q", bytes(8 * len(self.of_arrival)))
        self._requests = {}

    def add(self, resource_id: str, k: int, created_at: object = None) -> None:
        """Add a row of the primary."""
        if k >= 0 and self.of_arrival[k] in {None, resource_id}:
            self.of_arrival[k] = resource_id
            if isinstance(created_at, datetime) and created_at.tzinfo is not None:
                self._created_us[k] = (created_at - EPOCH) // _MICROSECOND
        else:
            self.further[resource_id] = k

    def created_at(self, k: int) -> datetime | None:
        """When the resource of an arrival was created, as its row tells; ``None`` if it does not."""
        return EPOCH + self._created_us[k] * _MICROSECOND if self._created_us[k] else None

    def is_resource_of(self, k: int, resource_id: str) -> bool:
        """Whether the arrival became this resource, as far as that is known."""
        known = self.of_arrival[k]
        return known is None or known == resource_id or self.further.get(resource_id) == k

    def is_request_of(self, k: int, request_id: str, sink: str) -> bool:
        """Whether a sink tells one request of an arrival only."""
        if sink not in self._requests:
            self._requests[sink] = array("q", bytes(8 * len(self.of_arrival)))
        hashes, told = self._requests[sink], hash(request_id) or 1
        known, hashes[k] = hashes[k], told
        return known in {0, told}

    def with_other_requests(self, first: str, second: str) -> Iterator[int]:
        """The arrivals of which the two sinks tell different requests."""
        nothing = array("q")
        for k, told in enumerate(
            zip(self._requests.get(first, nothing), self._requests.get(second, nothing), strict=False)
        ):
            if 0 not in told and told[0] != told[1]:
                yield k

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
