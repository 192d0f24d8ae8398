"""Inside GitHub Actions, found by its environment: annotations beside the profile, and the job's summary."""

import sys
from collections.abc import Mapping
from pathlib import Path

from createflow.schemas.report import RunReport


def tell(report: RunReport, environment: Mapping[str, str]) -> None:
    """Write what the environment asks for; anywhere else, nothing.

    A summary that cannot be written is told and costs nothing else: the verdict does not hang on it.
    """
    from createflow.scenarios.reports import as_markdown, github

    if environment.get("GITHUB_ACTIONS") == "true":
        # Commands are read from both streams; stdout holds the report alone.
        sys.stderr.write(github.annotations(report))
    if name := environment.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(name).open("a", encoding="utf-8") as file:
                file.write(github.summary(as_markdown.render(report)))
        except OSError as error:
            sys.stderr.write(f"createflow: $GITHUB_STEP_SUMMARY cannot be written: {error.strerror}\n")
