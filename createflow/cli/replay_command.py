"""``createflow replay``: repeat the failed checks of a saved report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from createflow.cli.exit_code import ExitCode, worst
from createflow.cli.interrupts import interrupts
from createflow.cli.messages import print_message
from createflow.cli.options import AllowCommandsOption, ChecksOption, ProfileOption, UrlOption, WaitForLeaseOption
from createflow.cli.profile_source import choose_source, load_source, source_of_report
from createflow.cli.report_output import open_report_files, save_all
from createflow.cli.run_command import RunReportOption, run_checks
from createflow.scenarios.reports.conformance.problems import describe_left_to_guardian
from createflow.scenarios.reports.conformance.renderers import RENDERERS
from createflow.schemas.report import Outcome

if TYPE_CHECKING:
    from createflow.scenarios.conformance.replay import Repeated

_EXIT_CODES = {
    Outcome.PASSED: ExitCode.OK,
    Outcome.FAILED: ExitCode.FAILED,
    Outcome.BROKEN: ExitCode.UNREACHABLE,
    Outcome.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Outcome.SKIPPED: ExitCode.INCONCLUSIVE,
}


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A report that run saved with --report json=FILE.")],
    *,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="Repeat only this check or replay id. Can be repeated."),
    ] = None,
    own_checks: ChecksOption = None,
    profile: ProfileOption = None,
    url: UrlOption = None,
    allow_commands: AllowCommandsOption = False,
    wait_for_lease: WaitForLeaseOption = "0s",  # type: ignore[assignment] # Typer parses the default too
    report: RunReportOption = None,
) -> None:
    """Repeat the failed checks of a saved report.

    The seed is that of the report, and so is the profile if it is in this
    folder. Name any other target with --profile or --url. Each check is
    reported as FIXED, as FAILED (the same failure) or as CHANGED.

    The exit status is 0 when all are fixed and 1 while one still fails,
    whatever its level and the baseline.

    Example: createflow replay run.json --id auth_check
    """
    from createflow.scenarios.conformance import replay as replaying
    from createflow.scenarios.conformance.own_checks import catalogue_with
    from createflow.scenarios.reports.saved import read_conformance_report

    saved = read_conformance_report(file)
    before = replaying.failures(saved, ids or ())
    catalogue = catalogue_with(own_checks or ())
    checks = replaying.checks_of(before, catalogue)
    files = open_report_files(report, RENDERERS)
    if profile or url:
        source = choose_source(profile, url)
    else:
        source = source_of_report(saved.profile, has_file=saved.place is not None)
    source = load_source(source, allow_commands=allow_commands)
    with interrupts() as signals:
        now = run_checks(
            source,
            checks,
            signals,
            files,
            catalogue=catalogue,
            gate=saved.gate,
            seed=saved.seed,
            wait_for_lease_s=wait_for_lease,
        )
        save_all(files, RENDERERS, now)
    repeated = replaying.repeated(before, now)
    for one in repeated:
        typer.echo("\n".join(describe_repeated(one)))
    console = Console(stderr=True)
    for left in now.left_behind:
        print_message(console, f"could not be removed: {left}")
    if now.left_to_guardian:
        print_message(console, describe_left_to_guardian(now))
    interrupted = ExitCode.INTERRUPTED if now.interrupted else None
    raise typer.Exit(interrupted or worst(_EXIT_CODES[one.now.outcome] for one in repeated))


def describe_repeated(one: "Repeated") -> list[str]:
    """The result of a repeated check in one line, and the details when it is not fixed."""
    from createflow.scenarios.conformance.replay import Change
    from createflow.scenarios.reports.conformance.problems import explain

    lines = [f"{one.change.value:<8}{one.now.id}"]
    if one.change is Change.FIXED:
        return lines
    was, now = dict(explain(one.before)), dict(explain(one.now))
    if one.change is Change.CHANGED:
        lines += [f"  {f'was {label}:':<14}{was[label]}" for label in ("expected", "seen") if label in was]
        if one.now.outcome is not Outcome.FAILED:
            lines.append(f"  {'now:':<14}{one.now.outcome.value}")
    lines += [
        f"  {f'{label}:':<14}{text}" for label, text in now.items() if label in {"expected", "seen", "reason", "curl"}
    ]
    return lines
