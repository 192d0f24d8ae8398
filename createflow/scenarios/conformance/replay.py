"""Repeats the failures of a saved report: each is fixed, the same, or changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from createflow.scenarios.harness.check import Check
from createflow.schemas.error import UserError
from createflow.schemas.report import CheckResult, Outcome, RunReport


class Change(StrEnum):
    """What became of a failure."""

    FIXED = "FIXED"
    """The check passes."""
    FAILED = "FAILED"
    """It fails with the same finding."""
    CHANGED = "CHANGED"
    """It fails with another finding, or neither passes nor fails."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """One failure: the saved result and the new one."""

    before: CheckResult
    now: CheckResult

    @property
    def change(self) -> Change:
        """What became of the failure. A finding is the same when its finding id is."""
        if self.now.outcome is Outcome.PASSED:
            return Change.FIXED
        then, now = self.before.finding, self.now.finding
        same = then is not None and now is not None and then.replay_id == now.replay_id
        return Change.FAILED if same else Change.CHANGED


def failures(report: RunReport, ids: Sequence[str]) -> tuple[CheckResult, ...]:
    """The failures with these check ids, beginnings of check ids, or finding ids; all of them without any.

    Raises:
        UserError: nothing failed, or a name matches no failure.
    """
    failed = tuple(result for result in report.results if result.outcome is Outcome.FAILED)
    if not failed:
        raise UserError("no check failed in this report", hint="there is nothing to replay")
    for name in ids:
        if not any(_named(result, name) for result in failed):
            known = ", ".join(f"{result.id} ({_replay_id(result)})" for result in failed[:5])
            raise UserError(f"--id {name}: no such failure in this report", hint=f"it has {known}")
    return tuple(result for result in failed if not ids or any(_named(result, name) for name in ids))


def checks_of(results: Sequence[CheckResult], checks: Sequence[Check]) -> tuple[Check, ...]:
    """The checks of these results.

    Raises:
        UserError: this version has no such check.
    """
    known = {check.id: check for check in checks}
    if missing := [result.id for result in results if result.id not in known]:
        hint = "for a check of your own: --checks FILE; otherwise another version wrote the report"
        raise UserError(f"this version has no check {missing[0]}", hint=hint)
    return tuple(known[result.id] for result in results)


def repeated(before: Sequence[CheckResult], report: RunReport) -> tuple[Repeated, ...]:
    """Each failure with its result in the new run."""
    now = {result.id: result for result in report.results}
    return tuple(Repeated(result, now[result.id]) for result in before)


def _named(result: CheckResult, name: str) -> bool:
    return result.id.startswith(name) or _replay_id(result) == name


def _replay_id(result: CheckResult) -> str:
    return result.finding.replay_id if result.finding else ""
