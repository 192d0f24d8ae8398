"""``createflow replay``: repeat the failures of a saved report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from createflow.cli import profile_source
from createflow.cli.exit_code import ExitCode, worst
from createflow.cli.profile_source import ProfileOption, ProfileSource, UrlOption
from createflow.cli.report_option import RenderedOption, report_files
from createflow.cli.watched_run import watched_run
from createflow.schemas.report import Outcome, RunReport

if TYPE_CHECKING:
    from createflow.scenarios.conformance.replay import Repeated

_CODES = {
    Outcome.PASSED: ExitCode.OK,
    Outcome.FAILED: ExitCode.FAILED,
    Outcome.BROKEN: ExitCode.UNREACHABLE,
    Outcome.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Outcome.SKIPPED: ExitCode.INCONCLUSIVE,
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay)


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A report that run saved as JSON.")],
    *,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="Only this check or replay id; may be given again."),
    ] = None,
    profile: ProfileOption = None,
    url: UrlOption = None,
    report: RenderedOption = None,
) -> None:
    """Repeat the failures of a report on the same target, with the same seed: FIXED, FAILED or CHANGED.

    Ends with 0 when all are fixed, with 1 while one fails, whatever its level and the baseline.
    """
    from createflow.scenarios.checks import CHECKS
    from createflow.scenarios.conformance import replay as replaying
    from createflow.scenarios.reports.conformance import as_json
    from createflow.scenarios.reports.conformance.renderers import RENDERERS

    saved = as_json.parse(file)
    before = replaying.failures(saved, ids or ())
    checks = replaying.checks_of(before, CHECKS)
    files = report_files(report, RENDERERS)
    source = profile_source.choose(profile, url) if profile or url else source_of(saved)
    now = watched_run(source, checks, gate=saved.gate, seed=saved.seed)
    repeated = replaying.repeated(before, now)
    for one in repeated:
        typer.echo("\n".join(told(one)))
    for wanted in files:
        wanted.save(RENDERERS[wanted.form](now))
    for url_left in now.left_behind:
        Console(stderr=True).print(f"could not be removed: {url_left}", markup=False, highlight=False, soft_wrap=True)
    interrupted = ExitCode.INTERRUPTED if now.interrupted else None
    raise typer.Exit(interrupted or worst(_CODES[one.now.outcome] for one in repeated))


def source_of(report: RunReport) -> ProfileSource:
    """Where the report's target was described."""
    if report.place is not None:
        return ProfileSource(file=Path(report.profile))
    if report.profile.startswith("--url "):
        return ProfileSource(url=report.profile.removeprefix("--url "))
    return ProfileSource()


def told(one: "Repeated") -> list[str]:
    """What a failure came to: one line, and what is seen when it is not fixed."""
    from createflow.scenarios.conformance.replay import Change
    from createflow.scenarios.reports.conformance.trouble import explained

    lines = [f"{one.change.value:<8}{one.now.id}"]
    if one.change is Change.FIXED:
        return lines
    was, now = dict(explained(one.before)), dict(explained(one.now))
    if one.change is Change.CHANGED:
        lines += [f"  {f'was {label}:':<14}{was[label]}" for label in ("expected", "seen") if label in was]
        if one.now.outcome is not Outcome.FAILED:
            lines.append(f"  {'now:':<14}{one.now.outcome.value}")
    lines += [
        f"  {f'{label}:':<14}{text}" for label, text in now.items() if label in {"expected", "seen", "reason", "curl"}
    ]
    return lines
