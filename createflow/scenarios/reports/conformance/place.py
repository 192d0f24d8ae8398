"""Where a check's trouble is shown in formats that want a file and a line: what the profile says of its step."""

from createflow.schemas.flow import Step
from createflow.schemas.report import CheckResult, RunReport

WITHOUT_PROFILE = "createflow.toml"
"""A live endpoint has no file; where no profile is, this is where one would be."""

_TABLES = {
    Step.AUTH_CHECK: "auth",
    Step.RATE_LIMIT: "limits",
    Step.TRANSACTION: "sinks.primary",
    Step.PUBLISH_EVENT: "sinks.events",
    Step.AUDIT_LOG: "sinks.audit",
    Step.WRITE_PRIMARY: "sinks.primary",
    Step.REPLICATE: "sinks.replicas",
    Step.INVALIDATE_CACHE: "sinks.cache",
    Step.INDEX_UPDATE: "sinks.search",
}


def place(report: RunReport, result: CheckResult) -> tuple[str, int]:
    """File and line, counted from 1."""
    if report.place is None:
        return WITHOUT_PROFILE, 1
    tables = (f"baseline.{result.id}", _TABLES.get(result.step, ""), "target")
    lines = [report.place.lines[table] for table in tables if table in report.place.lines]
    return report.place.file, lines[0] if lines else 1
