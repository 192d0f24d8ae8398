"""What every kind of sink is for verification, and how those are searched that are asked for single writes."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol, TypeVar

from createflow.scenarios.verification.observed import Observed

Item = TypeVar("Item")


class WriteSink(Protocol):
    """A sink in which every accepted create must be found."""

    name: str
    """The name in the report."""
    deadline_s: float
    """How long after the last reply a write may be missing."""
    things: str
    """What it holds of each write, in the plural."""

    @property
    def limitation(self) -> str:
        """What cannot be checked in this sink, and why; empty if everything can."""

    async def read(self) -> Observed:
        """What the sink shows now.

        Raises:
            NotDeclared: it cannot be read, now or later. Any other error means that it does not answer.
        """

    async def close(self) -> None:
        """Close the connections."""


def pending(keys: Iterable[tuple[str, int]], observed: Observed) -> Iterator[tuple[str, int]]:
    """Those that were not seen yet, or not as they were sent."""
    altered = observed.altered.to_bytes(len(observed.counts), "little")
    for key, k in keys:
        if not observed.counts[k] or altered[k]:
            observed.look_again(k)
            yield key, k


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of this size, made one at a time; the last may be shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
