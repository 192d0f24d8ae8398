"""``createflow report``: look again at a report that was saved, or make another format of it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from createflow.cli.report_option import ReportOption, report_files


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A report that run or bench saved as JSON.")],
    *,
    report: ReportOption = None,
) -> None:
    """Show a saved report of createflow run or bench again, or save it in other formats. Nothing is sent anywhere.

    Of a run: json, junit, sarif, markdown, html, text. Of a load: json, junit, markdown, html, csv, hgrm, hgrm-service.
    """
    # Here, so that `--help` stays quick.
    from createflow.cli import bench_view, console
    from createflow.scenarios.reports import saved as saved_report
    from createflow.scenarios.reports.conformance.renderers import RENDERERS
    from createflow.scenarios.reports.load import renderers as load
    from createflow.schemas.load_report import LoadReport

    saved = saved_report.parse(file)
    if isinstance(saved, LoadReport):
        files = report_files(report, load.RENDERERS)
        load.check_possible(wanted.form for wanted in files)
        bench_view.print_report(Console(), saved)
        for wanted in files:
            wanted.save(load.RENDERERS[wanted.form](saved))
        return
    files = report_files(report, RENDERERS)
    console.print_report(Console(), saved)
    for wanted in files:
        wanted.save(RENDERERS[wanted.form](saved))
