"""``createflow report``: look again at a report that was saved, or make another format of it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from createflow.cli.report_option import RenderedOption, report_files


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A report that run saved as JSON.")],
    *,
    report: RenderedOption = None,
) -> None:
    """Show a saved report of createflow run again, or save it in other formats. Nothing is sent anywhere."""
    from createflow.cli.console import print_report
    from createflow.scenarios.reports import as_json
    from createflow.scenarios.reports.renderers import RENDERERS

    files = report_files(report, RENDERERS)
    saved = as_json.parse(file)
    print_report(Console(), saved)
    for wanted in files:
        wanted.save(RENDERERS[wanted.form](saved))
