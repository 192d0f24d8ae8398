"""``createflow run``: check that a target keeps the promises of a create."""

import os
from typing import Annotated

import typer
from rich.console import Console

from createflow.cli import github_actions, profile_source
from createflow.cli.exit_code import ExitCode, worst
from createflow.cli.profile_source import ProfileOption, UrlOption
from createflow.cli.report_option import RenderedOption, report_files
from createflow.cli.watched_run import watched_run
from createflow.schemas.report import Level, RunReport


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
    skip: Annotated[
        list[str] | None,
        typer.Option("--skip", metavar="PREFIX", help="Not the checks whose id starts so; may be given again."),
    ] = None,
    level: Annotated[
        Level, typer.Option("--level", help="The weakest level whose failures count: must, should or may.")
    ] = Level.MUST,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="NUMBER", help="Of an earlier run, to generate its cases again.")
    ] = None,
    report: RenderedOption = None,
) -> None:
    """Check all sixteen steps of a create: by HTTP, and by looking where the write must arrive.

    Creates resources on the target. Ctrl-C ends the run, mends what was broken on purpose, and reports what was found.
    """
    # Here, so that `--help` and the other commands stay quick.
    from createflow.cli.console import print_report
    from createflow.scenarios.checks import CHECKS
    from createflow.scenarios.harness.selection import select
    from createflow.scenarios.reports.conformance.renderers import RENDERERS

    checks = select(CHECKS, only or (), skip or ())
    files = report_files(report, RENDERERS)
    result = watched_run(profile_source.choose(profile, url), checks, gate=level, seed=seed)
    print_report(Console(), result)
    github_actions.tell(result, os.environ)
    for file in files:
        file.save(RENDERERS[file.form](result))
    raise typer.Exit(exit_code(result))


def exit_code(report: RunReport) -> ExitCode:
    """The exit status of a finished run: the worst of all that apply, unless it was cut short."""
    from createflow.scenarios.reports.conformance.verdict import Verdict, verdicts

    found = verdicts(report)
    if Verdict.INTERRUPTED in found:
        return ExitCode.INTERRUPTED
    codes = {
        Verdict.FAILED: ExitCode.FAILED,
        Verdict.BROKEN: ExitCode.UNREACHABLE,
        Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
        Verdict.STALE: ExitCode.STALE_BASELINE,
        Verdict.HOLDS: ExitCode.OK,
    }
    return worst(codes[verdict] for verdict in found)
