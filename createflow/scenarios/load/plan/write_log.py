"""What the load knows about its creates when it is over: one outcome for each arrival, and the names they carry."""

from dataclasses import dataclass
from enum import IntEnum

PREFLIGHT = -1
"""The arrival number in the name of the one create before the load, which no ledger counts."""
FIRST_RESENT = 100_000_000_000
"""Added to the number of an arrival whose create is sent again under another name, as the first may be stored."""
_MAX_DIGITS = 12


class Outcome(IntEnum):
    """How an arrival ended, as far as its effect on the target is concerned."""

    UNSENT = 0
    ACCEPTED = 1
    """2xx: the write must be in every sink, once."""
    REFUSED = 2
    """4xx, 500 and 503: the target says that the request had no effect."""
    UNKNOWN = 3
    """No reply, or one of a gateway: the write must be in every sink or in none."""
    OTHER = 4
    """The arrival was not a create."""
    ACCEPTED_OUTSIDE = 5
    """As ``ACCEPTED``, with a reply outside of the measured window. Only load workers use it: see ``Writes``."""


def is_in_sample(k: int, ratio: float) -> bool:
    """Whether arrival ``k`` is one of a sample of this share.

    Multiples of the golden ratio are spread evenly over every regular pattern: a target that loses each tenth write
    cannot lose just those that are not looked at.
    """
    return (k * 0x9E3779B1 & 0xFFFFFFFF) < ratio * 2**32


NAME_STYLES: dict[str, tuple[str, str]] = {
    "words": ("load {} ", "warm {} up"),
    "slug": ("load-{}-", "warm-{}-up"),
    "upper_slug": ("LOAD-{}-", "WARM-{}-UP"),
    "code": ("l{}x", "w{}xup"),
    "upper_code": ("L{}X", "W{}XUP"),
}
"""How names look, from the first that the target's schema allows: their start, and the whole name of the create before
the load, which is as long as the name of arrival -1."""


def name_prefix(run_id: str, style: str = "words") -> str:
    """The start of the names of all creates of a run; the number of the arrival follows."""
    return _styled(NAME_STYLES[style][0], run_id)


def preflight_name(run_id: str, style: str = "words") -> str:
    """The name of the create before the load. It is as long as that of arrival -1, which it replaces in updates."""
    return _styled(NAME_STYLES[style][1], run_id)


def _styled(form: str, run_id: str) -> str:
    return form.format(run_id.upper() if form.isupper() else run_id)


@dataclass(frozen=True, slots=True)
class Writes:
    """The creates of a run, to compare with the sinks. Two bytes an arrival keep a million of them small."""

    run_id: str
    outcomes: bytes
    """One ``Outcome`` for each arrival, by its number."""
    measured: bytes
    """For each arrival 1 if it counts for the measured window: an accepted one if its reply came in it, as for the
    rates; another if it was due in it."""
    not_searchable: str = ""
    """Why the creates cannot be searched by name; empty when they can."""
    name_style: str = "words"
    """See ``NAME_STYLES``."""

    @property
    def prefix(self) -> str:
        """The start of the names."""
        return name_prefix(self.run_id, self.name_style)

    @property
    def preflight(self) -> str:
        """The name of the create before the load."""
        return preflight_name(self.run_id, self.name_style)

    def name_of(self, k: int) -> str:
        """The name that arrival ``k`` carries."""
        return f"{self.prefix}{k}"

    def arrival_of(self, name: str) -> int | None:
        """The arrival with this name, ``PREFLIGHT`` for what no ledger counts, or None if the run has no such arrival.

        Only the exact spelling counts: a name that was changed on its way belongs to no arrival.
        """
        if not name.startswith(self.prefix):
            return None
        digits = name[len(self.prefix) :]
        if not digits.isdecimal() or not digits.isascii() or len(digits) > _MAX_DIGITS:
            return PREFLIGHT if digits == str(PREFLIGHT) else None
        k = int(digits)
        if str(k) == digits and 0 <= k - FIRST_RESENT < len(self.outcomes):
            return PREFLIGHT
        return k if str(k) == digits and k < len(self.outcomes) else None
