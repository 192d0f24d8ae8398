"""JSON: the report itself, complete, to be kept and rendered again."""

from pathlib import Path

from createflow.scenarios.reports.saved import text_of, validated
from createflow.schemas.report import RunReport


def render(report: RunReport) -> str:
    """The whole report, indented, with a newline at its end."""
    return report.model_dump_json(indent=1) + "\n"


def parse(path: Path) -> RunReport:
    """What ``render`` wrote.

    Raises:
        UserError: no such file, or not a report of a run.
    """
    return validated(text_of(path), path)
