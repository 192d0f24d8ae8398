"""What became of each arrival of a run, one byte each: what the sinks are held against afterwards."""

import re
from dataclasses import dataclass
from enum import IntEnum


class Outcome(IntEnum):
    """What an arrival's write may have done."""

    UNSENT = 0
    """No byte of it left: it must be nowhere."""
    ACCEPTED = 1
    """Answered 2xx: it must be everywhere, once."""
    REFUSED = 2
    """Answered with a status that promises no effect: it must be nowhere."""
    UNKNOWN = 3
    """No reply, or one that promises nothing: everywhere or nowhere."""
    OTHER = 4
    """Not a create."""


@dataclass(frozen=True, slots=True)
class Writes:
    """The arrivals of a run by number."""

    run_id: str
    outcomes: bytes
    """One ``Outcome`` for arrival k at index k."""
    measured: bytes
    """1 for each arrival of the measured window, 0 for the warm-up."""

    def name_of(self, k: int) -> str:
        """The name that arrival k gave its resource."""
        return f"load {self.run_id} {k}"

    def arrival_of(self, name: str) -> int | None:
        """The arrival that a name belongs to; ``None`` for a name that is not of this run."""
        match = re.fullmatch(rf"load {self.run_id} (\d{{1,12}})", name)
        return int(match[1]) if match else None
