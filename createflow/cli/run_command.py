"""``createflow run``: check that a target keeps the promises of a create."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from createflow.cli import profile_source
from createflow.cli.exit_code import ExitCode
from createflow.cli.profile_source import ProfileOption, ProfileSource, UrlOption
from createflow.cli.report_option import ReportOption, report_files
from createflow.schemas.report import RunReport

if TYPE_CHECKING:
    from createflow.scenarios.declare import Check


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    *,
    profile: ProfileOption = None,
    url: UrlOption = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="PREFIX", help="Only checks whose id starts so; may be given again."),
    ] = None,
    report: ReportOption = None,
) -> None:
    """Check all sixteen steps of a create: by HTTP, and by looking where the write must arrive.

    Creates resources on the target. Ctrl-C ends the run, mends what was broken on purpose, and reports what was found.
    """
    # Here, so that `--help` and the other commands stay quick.
    from createflow.cli.console import print_report
    from createflow.scenarios.checks import CHECKS
    from createflow.scenarios.reports import as_json
    from createflow.scenarios.selection import select

    checks = select(CHECKS, only or ())
    files = report_files(report)
    result = asyncio.run(_run(profile_source.choose(profile, url), checks))
    print_report(Console(), result)
    for file in files:
        file.save(as_json.render(result))
    raise typer.Exit(exit_code(result))


def exit_code(report: RunReport) -> ExitCode:
    """The exit status of a finished run."""
    from createflow.scenarios.reports.verdict import Verdict, verdict

    return {
        Verdict.INTERRUPTED: ExitCode.INTERRUPTED,
        Verdict.FAILED: ExitCode.FAILED,
        Verdict.BROKEN: ExitCode.UNREACHABLE,
        Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
        Verdict.HOLDS: ExitCode.OK,
    }[verdict(report)]


async def _run(source: ProfileSource, checks: "tuple[Check, ...]") -> RunReport:
    from createflow.cli.console import live_progress
    from createflow.scenarios.conformance import conformance

    talk = Console(stderr=True)
    talk.print(f"target: {source.told}", soft_wrap=True, highlight=False, markup=False)
    async with profile_source.opened(source, lambda death: talk.print(death, style="red", markup=False)) as profile:
        with live_progress(talk) as progress:
            return await conformance(profile, checks, source=source.told, progress=progress)
