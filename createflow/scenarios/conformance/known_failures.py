"""What becomes of the known failures: tolerated while they fail, told when they no longer do or are too old."""

from collections.abc import Sequence
from datetime import date

from createflow.scenarios.harness.check import Check
from createflow.scenarios.harness.selection import near
from createflow.schemas.baseline import BaselineEntry
from createflow.schemas.error import UserError
from createflow.schemas.report import CheckResult, KnownFailure, Outcome, Standing


def require_known(entries: Sequence[BaselineEntry], checks: Sequence[Check]) -> None:
    """Every entry names a check, and no check twice.

    Raises:
        UserError: one does not, with the ids that look like it.
    """
    ids = {check.id for check in checks}
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        if entry.id not in ids:
            raise UserError(f"baseline.{number}.id: there is no check {entry.id!r}", hint=near(checks, entry.id))
        if entry.id in seen:
            raise UserError(f"baseline.{number}.id: {entry.id} is listed twice", hint="keep one entry for each check")
        seen.add(entry.id)


def judged(
    entries: Sequence[BaselineEntry], results: Sequence[CheckResult], *, today: date
) -> tuple[KnownFailure, ...]:
    """The entries whose checks are among the results, each with what became of it."""
    outcomes = {result.id: result.outcome for result in results}
    return tuple(
        KnownFailure(
            id=entry.id,
            reason=entry.reason,
            expires=entry.expires.isoformat(),
            standing=_standing(entry, outcomes[entry.id], today),
        )
        for entry in entries
        if entry.id in outcomes
    )


def _standing(entry: BaselineEntry, outcome: Outcome, today: date) -> Standing:
    if outcome is Outcome.PASSED:
        return Standing.STALE
    if today > entry.expires:
        return Standing.EXPIRED
    return Standing.TOLERATED if outcome is Outcome.FAILED else Standing.UNTESTED
