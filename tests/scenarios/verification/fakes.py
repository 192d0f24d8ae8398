"""Sinks that show what a test says, on a clock that only tests move."""

from collections.abc import Callable

from createflow.scenarios.load.plan.write_log import Outcome, Writes
from createflow.scenarios.verification.observed import Observed
from tests.fake_clock import FakeClock

LETTERS = {
    "a": Outcome.ACCEPTED,
    "r": Outcome.REFUSED,
    "u": Outcome.UNKNOWN,
    "-": Outcome.UNSENT,
    "o": Outcome.OTHER,
}


def writes_of(outcomes: str, measured: str = "") -> Writes:
    """Writes with a letter for the outcome of each arrival, and ``m`` for each in the measured window."""
    return Writes("ab12", bytes(LETTERS[letter] for letter in outcomes), bytes(letter == "m" for letter in measured))


def observed_of(writes: Writes, counts: str) -> Observed:
    """Observed counts, with a digit for each arrival."""
    observed = Observed(writes)
    observed.counts[:] = bytes(int(digit) for digit in counts)
    return observed


class FakeSink:
    """Shows counts that depend on the time since the search began."""

    limitation = ""

    def __init__(
        self, name: str, clock: FakeClock, writes: Writes, shows: Callable[[float], str], *, deadline_s: float = 0.0
    ) -> None:
        self.name = name
        self.deadline_s = deadline_s
        self.read_at_s: list[float] = []
        self._clock = clock
        self._began_s = clock.monotonic()
        self._writes = writes
        self._shows = shows

    async def read(self) -> Observed:
        """The counts at this time. A text that is not all digits is raised as an error."""
        now_s = self._clock.monotonic() - self._began_s
        self.read_at_s.append(now_s)
        shown = self._shows(now_s)
        if not shown.isdigit():
            raise ConnectionError(shown)
        return observed_of(self._writes, shown)

    async def close(self) -> None:
        """Do nothing."""
