"""``createflow report``: look again at a report that was saved."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(file: Annotated[Path, typer.Argument(metavar="FILE", help="A report that run saved as JSON.")]) -> None:
    """Show a saved report of createflow run again. Nothing is sent anywhere."""
    from createflow.cli.console import print_report
    from createflow.scenarios.reports import as_json

    print_report(Console(), as_json.parse(file))
