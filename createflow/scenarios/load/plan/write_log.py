"""What the load knows of its creates when it is over: one outcome for every arrival, and the names they carry."""

from dataclasses import dataclass
from enum import IntEnum

PREFLIGHT = -1
"""The number in the name of the one create before the load, which is in no ledger."""
_MOST_DIGITS = 12


class Outcome(IntEnum):
    """How an arrival ended, as far as its effect on the target goes."""

    UNSENT = 0
    ACCEPTED = 1
    """2xx: it must be everywhere, once."""
    REFUSED = 2
    """4xx, 500 and 503: the target says that it left nothing behind."""
    UNKNOWN = 3
    """No reply, or a gateway's: it is in every sink or in none."""
    OTHER = 4
    """The arrival was no create."""


def name_prefix(run_id: str) -> str:
    """What the names of all creates of a run begin with, before the arrival's number."""
    return f"load {run_id} "


@dataclass(frozen=True, slots=True)
class Writes:
    """The ledger's side of the reconciliation. Two bytes an arrival, so that a million of them are cheap."""

    run_id: str
    outcomes: bytes
    """One ``Outcome`` for each arrival, by its number."""
    measured: bytes
    """1 for each arrival of the measured window, 0 for one of the warm-up."""
    unmarked: str = ""
    """Why the creates cannot be searched for by their names; empty when they can."""

    @property
    def prefix(self) -> str:
        """What the names begin with."""
        return name_prefix(self.run_id)

    def name_of(self, k: int) -> str:
        """The name that arrival k carries."""
        return f"{self.prefix}{k}"

    def arrival_of(self, name: str) -> int | None:
        """The arrival that carries this name, ``PREFLIGHT``, or ``None`` when the run has no such arrival.

        Only the exact spelling counts: a name that was changed on the way is nobody's.
        """
        if not name.startswith(self.prefix):
            return None
        digits = name[len(self.prefix) :]
        if not digits.isdecimal() or not digits.isascii() or len(digits) > _MOST_DIGITS:
            return PREFLIGHT if digits == str(PREFLIGHT) else None
        k = int(digits)
        return k if str(k) == digits and k < len(self.outcomes) else None


def preflight_name(run_id: str) -> str:
    """The name of what is created before the load; as long as that of arrival -1, whose place it takes in updates."""
    return f"warm {run_id} up"
