"""The parts of a check that no standard demands: they never count for more than the profile makes of them."""

from types import TracebackType
from typing import Self

from createflow.scenarios.outcome import Expectation
from createflow.scenarios.target.contract import Contract
from createflow.schemas.report import Level


class Lesser:
    """The parts of a check at a lower level: ``with lesser: expect(...)``.

    Such a failure is kept, so that the parts of a higher level are tried first; ``tell`` ends the check with the first.
    Where the profile promises what is expected, it is an ordinary failure.

    Args:
        is_promised: by the profile.
        level: where it is not.
    """

    def __init__(self, *, is_promised: bool = False, level: Level = Level.SHOULD) -> None:
        self._is_promised = is_promised
        self._level = level
        self._first: Expectation | None = None

    @classmethod
    def than_our_contract(cls, contract: Contract) -> Self:
        """For what only our own contract demands: a must where the profile promises all of it."""
        return cls(is_promised=contract.is_promised)

    def __enter__(self) -> Self:
        """Begin such a part."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        """Keep its failure, and go on after it."""
        if self._is_promised or not isinstance(error, Expectation):
            return False
        self._first = self._first or error
        return True

    def tell(self) -> None:
        """End the check with the first failure, if there was one."""
        if self._first is not None:
            first = self._first
            level = first.level or self._level
            raise Expectation(
                first.expected,
                first.seen,
                exchanges=first.exchanges,
                level=level,
                about=first.about,
                deciding=first.deciding,
            )
