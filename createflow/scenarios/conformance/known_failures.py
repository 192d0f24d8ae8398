"""Known failures of the profile's ``[[baseline]]``: tolerated while they fail, reported once they pass or expire."""

from collections.abc import Sequence
from datetime import date

from createflow.scenarios.harness.check import Check, similar_ids
from createflow.schemas.error import UserError
from createflow.schemas.profile import BaselineEntry
from createflow.schemas.report import CheckResult, KnownFailure, Outcome, Standing


def require_known(entries: Sequence[BaselineEntry], checks: Sequence[Check]) -> None:
    """Require that every entry names a check, and none twice.

    Raises:
        UserError: an entry does not; the hint has similar ids.
    """
    ids = {check.id for check in checks}
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        if entry.id not in ids:
            hint = f"{similar_ids(checks, entry.id)} A check of your own needs --checks FILE"
            raise UserError(f"baseline.{number}.id: there is no check {entry.id!r}", hint=hint)
        if entry.id in seen:
            raise UserError(f"baseline.{number}.id: {entry.id} is listed twice", hint="keep one entry for each check")
        seen.add(entry.id)


def assess(
    entries: Sequence[BaselineEntry], results: Sequence[CheckResult], *, today: date
) -> tuple[KnownFailure, ...]:
    """The standing of each entry whose check is among the results."""
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
