"""Reports made by hand."""

from createflow.schemas.flow import Step
from createflow.schemas.report import (
    CheckResult,
    Finding,
    KnownFailure,
    Level,
    Outcome,
    ProfilePlace,
    RunReport,
    Standing,
)

FINDING = Finding(
    promised="A create without a token is refused with 401.",
    expected="401 to a create without a token",
    seen="201 with '{}'",
    source="RFC 9110 §15.5.2",
    curl="curl -i -X POST https://h/api/resources",
)


def result(
    name: str,
    outcome: Outcome,
    *,
    level: Level = Level.MUST,
    reason: str = "",
    power: str = "",
    step: Step = Step.AUTH_CHECK,
) -> CheckResult:
    """One result."""
    return CheckResult(
        id=f"{step.value}.{name}",
        step=step,
        level=level,
        title="A create without a token is refused with 401.",
        outcome=outcome,
        reason=reason,
        power=power,
        finding=FINDING if outcome is Outcome.FAILED else None,
    )


def known(name: str, standing: Standing, *, step: Step = Step.AUTH_CHECK) -> KnownFailure:
    """One judged baseline entry."""
    return KnownFailure(id=f"{step.value}.{name}", reason="ticket 7", expires="2024-06-30", standing=standing)


def report(
    *results: CheckResult,
    interrupted: bool = False,
    left_behind: tuple[str, ...] = (),
    baseline: tuple[KnownFailure, ...] = (),
    gate: Level = Level.MUST,
    place: ProfilePlace | None = None,
) -> RunReport:
    """A report of these."""
    return RunReport(
        createflow_version="0",
        run_id="r1",
        started_at="2024-01-01T00:00:00Z",
        duration_s=1.5,
        target="https://h/api/resources",
        profile="createflow.toml",
        interrupted=interrupted,
        results=results,
        left_behind=left_behind,
        baseline=baseline,
        gate=gate,
        place=place,
    )
