"""A progress that keeps what it is told."""

from collections.abc import Sequence

from createflow.scenarios.harness.check import Check
from createflow.schemas.report import CheckResult


class QuietProgress:
    """Says nothing, remembers everything."""

    def __init__(self) -> None:
        self.planned_ids: list[str] = []
        self.started_ids: list[str] = []
        self.results: list[CheckResult] = []

    def planned(self, checks: Sequence[Check]) -> None:
        """Keep the ids."""
        self.planned_ids = [check.id for check in checks]

    def started(self, check: Check) -> None:
        """Keep the id."""
        self.started_ids.append(check.id)

    def ended(self, result: CheckResult) -> None:
        """Keep the result."""
        self.results.append(result)
