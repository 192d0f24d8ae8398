"""``createflow run``: check that a target keeps the promises of a create endpoint."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from createflow.cli.body_files import BodiesOption, prepare_folder, write_bodies
from createflow.cli.exit_code import ExitCode, worst
from createflow.cli.held_target import held_target
from createflow.cli.interrupts import Interrupts, interrupts
from createflow.cli.left_behind import tell_what_was_left
from createflow.cli.openapi_source import (
    BearerFileOption,
    Description,
    FollowOption,
    OpenApiOption,
    OperationOption,
    TokenEnvOption,
    choose_document,
    require_openapi,
)
from createflow.cli.options import (
    AllowCommandsOption,
    CaOption,
    ChecksOption,
    InsecureOption,
    OnlyOption,
    ProfileOption,
    SkipOption,
    UrlOption,
    WaitForLeaseOption,
    WaitOption,
    report_option,
)
from createflow.cli.profile_source import ProfileSource, choose_source, load_source, trusting
from createflow.cli.report_output import ReportFile, open_report_files, partial_writer, publish_to_github, save_all
from createflow.scenarios.reports.conformance.renderers import RENDERERS
from createflow.scenarios.reports.conformance.verdict import Verdict, verdicts_of
from createflow.scenarios.reports.format.text import format_count
from createflow.schemas.report import Level, RunReport

if TYPE_CHECKING:
    from createflow.scenarios.conformance.long_bodies import LongBodies
    from createflow.scenarios.harness.check import Check

RunReportOption = Annotated[list[str] | None, report_option(RENDERERS)]

_EXIT_CODES = {
    Verdict.FAILED: ExitCode.FAILED,
    Verdict.SILENT: ExitCode.UNREACHABLE,
    Verdict.BROKEN: ExitCode.UNREACHABLE,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Verdict.STALE: ExitCode.STALE_BASELINE,
    Verdict.HOLDS: ExitCode.OK,
}


def run(
    *,
    profile: ProfileOption = None,
    url: UrlOption = None,
    ca: CaOption = None,
    insecure: InsecureOption = False,
    openapi: OpenApiOption = None,
    operation: OperationOption = None,
    follow: FollowOption = None,
    token_env: TokenEnvOption = None,
    bearer_file: BearerFileOption = None,
    only: OnlyOption = None,
    skip: SkipOption = None,
    own_checks: ChecksOption = None,
    level: Annotated[Level, typer.Option("--level", help="Weakest level whose failures fail the run.")] = Level.MUST,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="NUMBER", help="Repeat the generated requests of an earlier run. Default: a new seed."
        ),
    ] = None,
    allow_commands: AllowCommandsOption = False,
    wait: WaitOption = "0s",  # type: ignore[assignment] # Typer parses the default too
    wait_for_lease: WaitForLeaseOption = "0s",  # type: ignore[assignment] # as above
    report: RunReportOption = None,
    bodies: BodiesOption = None,
) -> None:
    """Check that a create endpoint keeps its promises.

    The checks send requests. Then they look for each write in the database,
    replicas, audit log, events, cache and search index of the profile.

    The run creates resources on the target. Ctrl-C ends it early: faults
    are removed, resources are deleted, and the partial report is written.
    A second Ctrl-C ends the deletion. The JSON report is written after
    each check, the others at the end. A guardian process removes faults
    and resources when the run is killed; the next command tells of it.

    With --openapi no profile is needed: what the document says is used, and
    printed once as the lines of a profile.

    Example: createflow run --profile createflow.toml --report html=run.html
    Example: createflow run --profile createflow.toml --checks my_checks.py
    Example: createflow run --openapi http://127.0.0.1:8000/openapi.json --token-env TOKEN
    """
    # Here, so that --help stays quick.
    from createflow.cli.run_view import print_report
    from createflow.scenarios.conformance.long_bodies import LongBodies
    from createflow.scenarios.conformance.own_checks import catalogue_with
    from createflow.scenarios.harness.check import select

    catalogue = catalogue_with(own_checks or ())
    checks = select(catalogue, only or (), skip or ())
    files = open_report_files(report, RENDERERS)
    long_bodies = LongBodies() if bodies is not None else None
    if bodies is not None:
        prepare_folder(bodies)
    require_openapi(openapi, operation=operation, token_env=token_env, bearer_file=bearer_file, follow=follow)
    if openapi is not None:
        description = Description(openapi, url, operation, token_env, bearer_file, follow or (), ca, insecure)
        source = choose_document(profile, description)
        source = trusting(source, ca)
    else:
        source = load_source(choose_source(profile, url, ca_file=ca), allow_commands=allow_commands)
    with interrupts() as signals:
        result = run_checks(
            replace(source, is_insecure=insecure),
            checks,
            signals,
            files,
            catalogue=catalogue,
            gate=level,
            seed=seed,
            wait_s=wait,
            wait_for_lease_s=wait_for_lease,
            bodies=long_bodies,
        )
        # Files first: the reader of stdout may be slow, or gone.
        save_all(files, RENDERERS, result)
        publish_to_github(result, os.environ)
        if bodies is not None and long_bodies is not None:
            count = write_bodies(bodies, long_bodies.of(result))
            typer.echo(f"{bodies}: {format_count(count, 'file')} with bodies that the findings show in part", err=True)
    print_report(Console(), result)
    raise typer.Exit(exit_code(result))


def exit_code(report: RunReport) -> ExitCode:
    """The exit status of a finished run: the worst that applies, unless the run was interrupted."""
    verdicts = verdicts_of(report)
    if Verdict.INTERRUPTED in verdicts:
        return ExitCode.INTERRUPTED
    return worst(_EXIT_CODES[verdict] for verdict in verdicts)


def run_checks(
    source: ProfileSource,
    checks: "tuple[Check, ...]",
    signals: Interrupts,
    files: list[ReportFile],
    *,
    catalogue: Sequence["Check"],
    gate: Level = Level.MUST,
    seed: int | None = None,
    wait_s: float = 0.0,
    wait_for_lease_s: float = 0.0,
    bodies: "LongBodies | None" = None,
) -> RunReport:
    """Run checks with progress on stderr, and write the JSON report after each.

    The first signal ends the run early, after its clean-up; the second one ends the clean-up too. Another command that
    uses the target is waited for, at most so long, and so is a target that is still starting.

    Raises:
        UserError: the profile cannot be used, or its baseline names an unknown check.
        TargetError: the target does not answer.
        typer.Exit: a signal came before the first check.
    """
    tell_what_was_left()
    on_partial = partial_writer(files)
    return signals.run(
        _run_checks(
            source,
            checks,
            signals,
            on_partial,
            catalogue=catalogue,
            gate=gate,
            seed=seed,
            wait_s=wait_s,
            wait_for_lease_s=wait_for_lease_s,
            bodies=bodies,
        )
    )


async def _run_checks(
    source: ProfileSource,
    checks: "tuple[Check, ...]",
    signals: Interrupts,
    on_partial: Callable[[RunReport], None] | None,
    *,
    catalogue: Sequence["Check"],
    gate: Level,
    seed: int | None,
    wait_s: float,
    wait_for_lease_s: float,
    bodies: "LongBodies | None",
) -> RunReport:
    from createflow.cli.run_view import live_progress, print_looked
    from createflow.scenarios.conformance.known_failures import require_known
    from createflow.scenarios.conformance.preflight import wait_until_up
    from createflow.scenarios.conformance.profile_lines import place_of
    from createflow.scenarios.conformance.run import conformance

    console = Console(stderr=True)
    task = asyncio.current_task()
    hurry = asyncio.Event()

    def on_signal() -> None:
        if signals.count > 1:
            hurry.set()
        elif task is not None:
            task.cancel()

    signals.handle(on_signal)
    target = held_target(source, "run", console, wait_for_lease_s=wait_for_lease_s, checks=checks, keeps_all=True)
    async with target as (profile, guarding):
        require_known(profile.baseline, catalogue)
        place = place_of(source.file, profile, project=_project_folder()) if source.file else None
        if wait_s:
            await wait_until_up(profile, wait_s)
        with live_progress(console) as progress:
            # The bundled stack was looked at when it started.
            on_looked = None if source.is_bundled else partial(print_looked, console)
            return await conformance(
                profile,
                checks,
                source=source.description,
                progress=progress,
                place=place,
                gate=gate,
                seed=seed,
                on_partial=on_partial,
                hurry=hurry,
                guarding=guarding,
                on_looked=on_looked,
                bodies=bodies,
            )


def _project_folder() -> Path:
    """The checkout in CI, else the current folder: file names in a report are relative to it."""
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        if os.environ.get(name):
            return Path(os.environ[name])
    return Path.cwd()
