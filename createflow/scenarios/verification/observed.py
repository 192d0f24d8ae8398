"""What one sink shows of a run."""

from dataclasses import dataclass, field

from createflow.scenarios.load.plan.write_log import PREFLIGHT, Writes
from createflow.scenarios.verification.arrival_set import marks

ALL = range(1, 256)
TWICE = range(2, 256)
_MANY = 255
"""A byte holds no more; that it is far too many is seen all the same."""
_KEPT_STRANGERS = 5
_SHOWN_CHARACTERS = 80


@dataclass(slots=True)
class Sightings:
    """How often each arrival is there."""

    writes: Writes
    counts: bytearray = field(init=False)
    blind: int = 0
    """The arrivals that cannot be looked for here, as marks: nothing is said of them."""
    strangers: int = 0
    """What belongs to the run and to none of its arrivals."""
    stranger_words: list[str] = field(default_factory=list)
    """The first few of them."""

    def __post_init__(self) -> None:
        """Nothing is seen yet."""
        self.counts = bytearray(len(self.writes.outcomes))

    def saw_name(self, name: str) -> int | None:
        """Count the arrival that carries the name, and say which it was: ``None`` for none, ``PREFLIGHT`` uncounted."""
        k = self.writes.arrival_of(name)
        if k is None:
            if name.startswith(self.writes.prefix):
                self.saw_stranger(f"{name[:_SHOWN_CHARACTERS]!r}, which no arrival carries")
        elif k != PREFLIGHT:
            self.saw(k)
        return k

    def saw(self, k: int) -> None:
        """Count an arrival."""
        if self.counts[k] < _MANY:
            self.counts[k] += 1

    def saw_stranger(self, words: str) -> None:
        """Count something that no arrival accounts for."""
        self.strangers += 1
        if len(self.stranger_words) < _KEPT_STRANGERS:
            self.stranger_words.append(words)

    @property
    def present(self) -> int:
        """The arrivals that are there, as marks."""
        return marks(self.counts, ALL)
