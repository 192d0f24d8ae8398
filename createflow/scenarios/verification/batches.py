"""A long sequence in pieces, of which only one is in memory at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Thing = TypeVar("Thing")


def handfuls(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """Lists of so many; the last may be shorter."""
    rest = iter(things)
    while piece := list(islice(rest, size)):
        yield piece
