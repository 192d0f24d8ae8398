"""What the reconciliation asks of a sink, and what the sinks learn from each other."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from createflow.scenarios.load.plan.write_log import Writes
from createflow.scenarios.verification.arrival_set import marks
from createflow.scenarios.verification.observed import Sightings


class WriteSink(Protocol):
    """One place where every accepted create must be."""

    name: str
    """As the report calls it."""
    deadline_s: float
    """How long after the last reply a write may be missing here."""
    unasked: str
    """What else cannot be looked for here, and why; empty when all can."""

    async def look(self) -> Sightings:
        """What is there now.

        Raises:
            NotDeclared: it cannot be asked, now or later; whatever its client raises: it does not answer.
        """

    async def close(self) -> None:
        """Give back what the looks opened."""


class PrimaryUnseenError(Exception):
    """A sink is to be asked by ids, and nobody knows them yet."""


@dataclass(slots=True)
class Identities:
    """Which resource each arrival became: the load does not parse its replies, so the primary's rows say it."""

    writes: Writes
    of_arrival: list[str | None] = field(init=False)
    beside: dict[str, int] = field(default_factory=dict)
    """Further resources of an arrival that was written more than once; ``PREFLIGHT`` for the one before the load."""

    complete: bool = False
    """The primary has shown all its rows at least once."""

    def __post_init__(self) -> None:
        """None is known yet."""
        self.of_arrival = [None] * len(self.writes.outcomes)

    def learn(self, resource_id: str, k: int) -> None:
        """Remember a row."""
        if k >= 0 and self.of_arrival[k] in {None, resource_id}:
            self.of_arrival[k] = resource_id
        else:
            self.beside[resource_id] = k

    def known(self) -> Iterator[tuple[str, int]]:
        """Every resource with its arrival, without the one before the load.

        Raises:
            PrimaryUnseenError: nothing is known of the resources.
        """
        if not self.complete:
            raise PrimaryUnseenError("the primary's rows would tell the ids, and it has not shown them")
        yield from ((one, k) for one, k in self.everything() if k >= 0)

    def everything(self) -> Iterator[tuple[str, int]]:
        """All that has been learned, arrival ``PREFLIGHT`` included."""
        yield from ((one, k) for k, one in enumerate(self.of_arrival) if one is not None)
        yield from self.beside.items()

    def nameless(self) -> int:
        """The arrivals whose resource is not known, as marks."""
        return marks(bytes(one is None for one in self.of_arrival), {True})
