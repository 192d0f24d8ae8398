"""What a check that compared many writes can say: its deviations with their rate, or how rare a defect it would see."""

from createflow.scenarios.outcome import Expectation, Inconclusive
from createflow.scenarios.sinks.copy_problem import about_of
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.text.power import power
from createflow.scenarios.text.printable import cut
from createflow.schemas.report import Exchange, Level

_SHOWN = 5
_SHOWN_CHARACTERS = 240


class Comparison:
    """Counts what a check compared and collects what was not as promised.

    Args:
        what: what is compared, in the plural: ``creates``.
        promised: what each of them must have or show, as in ``one event within 2 s``.
    """

    def __init__(self, what: str, promised: str) -> None:
        self._what = what
        self._promised = promised
        self._compared = 0
        self._deviations: list[str] = []
        self._about: list[frozenset[str]] = []
        self._exchanges: list[Exchange] = []
        self._deciding: list[Exchange] = []
        self._notes: list[str] = []
        self._undeclared: list[tuple[str, tuple[Reply, ...]]] = []

    def add(self, problem: str, *replies: Reply) -> None:
        """Count one comparison. An empty text says that all was as promised.

        Args:
            problem: subject and difference: ``id 12 has no event``.
            replies: of the write, for the report.
        """
        self._compared += 1
        if problem:
            self._deviations.append(problem)
            self._about.append(about_of(problem))
            self._deciding += [reply.exchange for reply in replies[-1:]]
            if len(self._exchanges) < _SHOWN:
                self._exchanges += [reply.exchange for reply in replies]

    def add_undeclared(self, problem: str, *replies: Reply) -> None:
        """Add what deviates in a part that neither the profile nor a standard tells of: it is a should."""
        if problem:
            self._undeclared.append((problem, replies))

    def count(self, sound: int) -> None:
        """Count so many comparisons in which all was as promised."""
        self._compared += sound

    def note(self, limitation: str) -> None:
        """Add what was not looked at, and why."""
        self._notes.append(limitation)

    def conclude(self) -> str:
        """The power, when nothing deviated.

        Raises:
            Expectation: something deviated.
            Inconclusive: nothing was compared.
        """
        if self._deviations:
            shown = "; ".join(self._deviations[:_SHOWN])
            more = f"; and {len(self._deviations) - _SHOWN} more" if len(self._deviations) > _SHOWN else ""
            rate = f"{len(self._deviations)} of {self._compared} {self._what}"
            seen = f"{rate}: {cut(shown, _SHOWN_CHARACTERS * _SHOWN)}{more}"
            about = frozenset().union(*self._about) if all(self._about) else frozenset()
            raise Expectation(
                self._promised, seen, exchanges=self._exchanges[-_SHOWN:], about=about, deciding=self._deciding
            )
        if self._undeclared:
            rate = f"{len(self._undeclared)} of {self._compared} {self._what}"
            problem, replies = self._undeclared[0]
            exchanges = [reply.exchange for reply in replies]
            raise Expectation(self._promised, f"{rate}: {cut(problem)}", exchanges=exchanges, level=Level.SHOULD)
        if not self._compared:
            raise Inconclusive("; ".join([f"there were no {self._what} to compare", *self._notes]))
        return "; ".join([power(self._compared, self._what), *self._notes])
