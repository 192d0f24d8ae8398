"""``createflow report``: show a saved report, or save it in other formats."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from createflow.cli.exit_code import ExitCode
from createflow.cli.options import report_option
from createflow.cli.report_output import open_report_files, save_all
from createflow.scenarios.reports.conformance.renderers import RENDERERS as RUN_RENDERERS
from createflow.scenarios.reports.load.renderers import RENDERERS as LOAD_RENDERERS
from createflow.scenarios.reports.load.renderers import require_renderable

_FORMATS = [*RUN_RENDERERS, *(name for name in LOAD_RENDERERS if name not in RUN_RENDERERS)]


def report(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A report that run or bench saved with --report json=FILE.")
    ],
    *,
    report: Annotated[list[str] | None, report_option(_FORMATS)] = None,
) -> None:
    """Show a saved report, or save it in other formats.

    No request is sent.

    Example: createflow report run.json --report html=run.html
    """
    # Here, so that --help stays quick.
    from createflow.cli import bench_view, run_view
    from createflow.scenarios.reports.saved import read_report
    from createflow.schemas.load_report import LoadReport

    saved = read_report(file)
    if isinstance(saved, LoadReport):
        files = open_report_files(report, LOAD_RENDERERS)
        require_renderable(wanted.format_name for wanted in files)
        is_complete = save_all(files, LOAD_RENDERERS, saved)
        bench_view.print_report(Console(), saved)
    else:
        files = open_report_files(report, RUN_RENDERERS)
        is_complete = save_all(files, RUN_RENDERERS, saved)
        run_view.print_report(Console(), saved)
    if not is_complete:
        raise typer.Exit(ExitCode.UNREACHABLE)
