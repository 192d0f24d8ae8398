"""Inside GitHub Actions, found by its environment: annotations beside the profile, and the job's summary."""

import sys
from collections.abc import Mapping
from pathlib import Path

from createflow.schemas.load_report import LoadReport
from createflow.schemas.report import RunReport


def tell(report: RunReport | LoadReport, environment: Mapping[str, str]) -> None:
    """Write what the environment asks for; anywhere else, nothing.

    A summary that cannot be written is told and costs nothing else: the verdict does not hang on it.
    """
    if environment.get("GITHUB_ACTIONS") == "true":
        # Commands are read from both streams; stdout holds the report alone.
        sys.stderr.write(_annotations(report))
    if name := environment.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(name).open("a", encoding="utf-8") as file:
                file.write(_summary(report))
        except OSError as error:
            sys.stderr.write(f"createflow: $GITHUB_STEP_SUMMARY cannot be written: {error.strerror}\n")


def _annotations(report: RunReport | LoadReport) -> str:
    from createflow.scenarios.reports.conformance import github
    from createflow.scenarios.reports.load import github as load_github

    return load_github.annotations(report) if isinstance(report, LoadReport) else github.annotations(report)


def _summary(report: RunReport | LoadReport) -> str:
    from createflow.scenarios.reports.conformance import as_markdown, github
    from createflow.scenarios.reports.load import as_markdown as load_markdown

    markdown = load_markdown.render(report) if isinstance(report, LoadReport) else as_markdown.render(report)
    return github.summary(markdown)
