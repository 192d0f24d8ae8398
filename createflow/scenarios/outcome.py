"""The three ways in which a check says that a promise was not seen to hold."""

from collections.abc import Iterable

from createflow.schemas.report import Exchange


class Expectation(Exception):  # noqa: N818 - it is a statement about the target, not an error of ours
    """The target broke its promise: the only thing that accuses it."""

    def __init__(self, expected: str, seen: str, *, exchanges: Iterable[Exchange] = ()) -> None:
        super().__init__(f"expected {expected}; seen {seen}")
        self.expected = expected
        self.seen = seen
        self.exchanges = tuple(exchanges)


class Inconclusive(Exception):  # noqa: N818 - a verdict
    """The state to be tested was never reached; the text says which."""


class NotDeclared(Exception):  # noqa: N818 - a verdict
    """The profile does not declare what the check needs; the text says what."""
