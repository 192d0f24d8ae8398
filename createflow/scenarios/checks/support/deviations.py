"""All deviations of a check in one finding, to a limit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from createflow.scenarios.harness.about import crash_at
from createflow.scenarios.outcome import Expectation, Inconclusive
from createflow.scenarios.target.reply import Reply
from createflow.schemas.report import Level

SEVERAL = "; "
"""Stands between the kinds of a finding."""
_SHOWN = 12
_SHOWN_EXCHANGES = 6
_CRASH = re.compile(r"5\d\d to (\S+) = ")


@dataclass(slots=True)
class Deviations:
    """What was tried, and what went otherwise."""

    tried: int = 0
    _found: dict[str, list[tuple[str, tuple[Reply, ...]]]] = field(default_factory=dict)
    _lesser: dict[str, list[tuple[str, tuple[Reply, ...]]]] = field(default_factory=dict)

    def count(self) -> None:
        """One more was tried."""
        self.tried += 1

    def note(self, expected: str, seen: str, *replies: Reply, is_lesser: bool = False) -> None:
        """One of them deviated.

        Args:
            expected: what should have been, the same text for all deviations of a kind.
            seen: the case and what came of it.
            replies: that show it.
            is_lesser: it is only a should; told where there is nothing else.
        """
        (self._lesser if is_lesser else self._found).setdefault(expected, []).append((seen, replies))

    def judge(self) -> None:
        """End the check.

        Raises:
            Expectation: something deviated; all of it is listed, to a limit.
            Inconclusive: nothing was tried.
        """
        if not self.tried:
            raise Inconclusive("nothing could be tried")
        found = self._found or self._lesser
        if not found:
            return
        kinds = sorted(found)
        # Cases run at once, so their order is none.
        told = [one for kind in kinds for one in sorted(found[kind], key=lambda one: one[0])]
        texts = [seen for seen, _ in told[:_SHOWN]]
        if len(told) > _SHOWN:
            texts.append(f"and {len(told) - _SHOWN} more")
        shown = [reply.exchange for _, replies in told for reply in replies][:_SHOWN_EXCHANGES]
        level = None if self._found else Level.SHOULD
        about = _crashes([seen for seen, _ in told])
        expected, seen = SEVERAL.join(kinds), "; ".join(texts)
        deciding = [replies[-1].exchange for _, replies in told if replies]
        raise Expectation(expected, seen, exchanges=shown[::-1], level=level, about=about, deciding=deciding)


def _crashes(texts: Sequence[str]) -> frozenset[str]:
    """What the deviations are about, where each is a server error to a value of a field."""
    found = [_CRASH.match(text) for text in texts]
    return frozenset(crash_at(one[1]) for one in found if one) if all(found) else frozenset()
