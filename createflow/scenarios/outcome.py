"""The exceptions with which a check ends when it does not pass."""

from collections.abc import Iterable

from createflow.schemas.report import Exchange, Level


class Expectation(Exception):  # noqa: N818 - it is a statement about the target, not an error of ours
    """The target did not do what it must: the check failed.

    Args:
        expected: what the target should have done.
        seen: what it did instead.
        exchanges: that show it.
        level: of this failure, where what was expected is weaker or stronger than the rest of the check.
        about: fields of the resource and headers in small letters, where it is about the values of those and nothing
            else; what ``harness.about`` knows besides.
        deciding: the exchange that shows each thing that it tells of; the last one of ``exchanges`` where it tells of
            one thing.
    """

    def __init__(
        self,
        expected: str,
        seen: str,
        *,
        exchanges: Iterable[Exchange] = (),
        level: Level | None = None,
        about: Iterable[str] = (),
        deciding: Iterable[Exchange] = (),
    ) -> None:
        super().__init__(f"expected {expected}; seen {seen}")
        self.expected = expected
        self.seen = seen
        self.exchanges = tuple(exchanges)
        self.level = level
        self.about = frozenset(about)
        self.deciding = tuple(deciding) or self.exchanges[-1:]


class Inconclusive(Exception):  # noqa: N818 - a verdict
    """The state to be tested was not reached; the message says which."""


class NotDeclared(Exception):  # noqa: N818 - a verdict
    """The check is skipped: the profile does not configure what it needs; the message says what."""


class Prevented(Exception):  # noqa: N818 - a verdict
    """The check is skipped, because of a failure that another check reports.

    Args:
        cause: the id of that check. Where it did not fail, this check is inconclusive.
        reason: what happened.
    """

    def __init__(self, cause: str, reason: str) -> None:
        super().__init__(f"see {cause}: {reason}")
        self.cause = cause
