"""``createflow bench``: load a target at a constant rate and judge it."""

import asyncio
import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from createflow.cli import github_actions, profile_source
from createflow.cli.bench_live import live_view
from createflow.cli.bench_view import print_report
from createflow.cli.duration import duration_s
from createflow.cli.exit_code import ExitCode
from createflow.cli.profile_source import ProfileOption, ProfileSource, UrlOption
from createflow.cli.report_option import LoadReportOption, report_files
from createflow.scenarios.load.progress import Progress
from createflow.schemas.load_report import LoadReport, Validity

if TYPE_CHECKING:
    from createflow.scenarios.load_metrics.prometheus import Address


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench")(bench)


def bench(
    *,
    rate: Annotated[float, typer.Option(min=0.1, help="Creates a second, whatever the replies do.")] = 500.0,
    duration: Annotated[
        float, typer.Option(parser=duration_s, metavar="DURATION", help="Measured window: 20s, 2m, 500ms.")
    ] = "20s",  # type: ignore[assignment] # Typer parses the default too
    warmup: Annotated[
        float, typer.Option(parser=duration_s, metavar="DURATION", help="Before it, and in no number.")
    ] = "2s",  # type: ignore[assignment] # as above
    users: Annotated[
        int | None, typer.Option(min=1, help="Distinct principals; 100, or more if their rate limit needs it.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Load processes that share the rate.")] = 1,
    senders: Annotated[
        int | None, typer.Option(min=1, help="Most requests in flight; enough for half a second each.")
    ] = None,
    profile: ProfileOption = None,
    url: UrlOption = None,
    prometheus: Annotated[
        str | None,
        typer.Option(metavar="[HOST:]PORT", help="Serve live metrics to Prometheus; on the loopback without a HOST."),
    ] = None,
    report: LoadReportOption = None,
) -> None:
    """Offer a constant rate of creates, from many users, and judge latency and throughput.

    Latency counts from the moment a request was due, so a target that stalls cannot slow the load down and look fast.
    Ctrl-C ends the load, waits for replies and reports what was measured; a second Ctrl-C does not wait.
    """
    # Here, so that `--help` stays quick.
    from createflow.scenarios.load_metrics.prometheus import address
    from createflow.scenarios.load_reports.renderers import RENDERERS, check_possible

    files = report_files(report, RENDERERS)
    check_possible(file.form for file in files)
    source = profile_source.choose(profile, url)
    try:
        result = asyncio.run(
            _bench(
                source,
                rate_per_s=rate,
                duration_s=duration,
                warmup_s=warmup,
                users=users,
                workers=workers,
                senders=senders,
                prometheus=address(prometheus) if prometheus is not None else None,
            )
        )
    except asyncio.CancelledError:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    print_report(Console(), result)
    github_actions.tell(result, os.environ)
    for file in files:
        file.save(RENDERERS[file.form](result))
    raise typer.Exit(exit_code(result))


def exit_code(report: LoadReport) -> ExitCode:
    """The exit status of a finished run: a miss accuses the target only when the numbers can be believed."""
    if report.interrupted:
        return ExitCode.INTERRUPTED
    if report.validity is Validity.INVALID:
        return ExitCode.INCONCLUSIVE
    return ExitCode.OK if all(slo.held for slo in report.slos) else ExitCode.SLO_MISSED


async def _bench(
    source: ProfileSource,
    *,
    rate_per_s: float,
    duration_s: float,
    warmup_s: float,
    users: int | None,
    workers: int,
    senders: int | None,
    prometheus: "Address | None",
) -> LoadReport:
    from createflow.scenarios.benchmark import benchmark  # here, so that `--help` stays quick
    from createflow.scenarios.load_metrics.exporters import Exporters

    talk = Console(stderr=True)
    interrupts = _Interrupts()
    talk.print(f"target: {source.told}", soft_wrap=True, highlight=False)
    async with profile_source.opened(source, lambda death: talk.print(death, style="red")) as profile:
        interrupts.drain_first = True
        tell = partial(talk.print, soft_wrap=True, highlight=False, markup=False)
        with (
            Exporters(prometheus=prometheus, environment=os.environ, tell=tell) as exporters,
            live_view(talk) as show,
        ):

            def look(progress: Progress) -> None:
                show(progress)
                exporters.show(progress)

            result = await benchmark(
                profile,
                rate_per_s=rate_per_s,
                duration_s=duration_s,
                warmup_s=warmup_s,
                users=users,
                workers=workers,
                senders=senders,
                profile_source=source.told,
                on_tick=look,
                stop=interrupts.stop,
                kill=interrupts.kill,
            )
            exporters.finish(result)
            return result


class _Interrupts:
    """Ctrl-C and SIGTERM: before there is a target, the end; then drain first, and the second time do not wait."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.kill = asyncio.Event()
        self.drain_first = False
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if not self.drain_first and self._task is not None:
            self._task.cancel()
        elif self.stop.is_set():
            self.kill.set()
        else:
            self.stop.set()
