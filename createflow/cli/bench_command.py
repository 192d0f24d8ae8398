"""``createflow bench``: load a target at a constant rate and judge it."""

import asyncio
import signal
from typing import Annotated

import typer
from rich.console import Console

from createflow.cli import profile_source
from createflow.cli.bench_live import live_view
from createflow.cli.bench_view import print_report
from createflow.cli.duration import duration_s
from createflow.cli.exit_code import ExitCode
from createflow.cli.profile_source import ProfileOption, ProfileSource, UrlOption
from createflow.cli.report_option import ReportOption, report_files
from createflow.schemas.load_report import LoadReport, Validity


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
    report: ReportOption = None,
) -> None:
    """Offer a constant rate of creates, from many users, and judge latency and throughput.

    Latency counts from the moment a request was due, so a target that stalls cannot slow the load down and look fast.
    Ctrl-C ends the load, waits for replies and reports what was measured; a second Ctrl-C does not wait.
    """
    files = report_files(report)
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
            )
        )
    except asyncio.CancelledError:
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    print_report(Console(), result)
    for file in files:
        file.save(result.model_dump_json(indent=1) + "\n")
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
) -> LoadReport:
    from createflow.scenarios.benchmark import benchmark  # here, so that `--help` stays quick

    talk = Console(stderr=True)
    interrupts = _Interrupts()
    talk.print(f"target: {source.told}", soft_wrap=True, highlight=False)
    async with profile_source.opened(source, lambda death: talk.print(death, style="red")) as profile:
        interrupts.drain_first = True
        with live_view(talk) as show:
            return await benchmark(
                profile,
                rate_per_s=rate_per_s,
                duration_s=duration_s,
                warmup_s=warmup_s,
                users=users,
                workers=workers,
                senders=senders,
                profile_source=source.told,
                on_tick=show,
                stop=interrupts.stop,
                kill=interrupts.kill,
            )


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
