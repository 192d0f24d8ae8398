"""``createflow bench``: load a target, prove what it wrote, judge it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from createflow.cli import github_actions, profile_source
from createflow.cli.address import address
from createflow.cli.bench_live import live_view
from createflow.cli.bench_options import (
    BaselineOption,
    CleanUpOption,
    DataOption,
    DropOption,
    DurationOption,
    FindMaxOption,
    MasterOption,
    MixOption,
    PoissonOption,
    PrometheusOption,
    RateOption,
    SeedOption,
    SelfTestOption,
    SendersOption,
    ShapeOption,
    TargetOption,
    UsersOption,
    VerifyOption,
    WarmupOption,
    WebOption,
    WorkerOption,
    WorkersOption,
)
from createflow.cli.bench_verdict import exit_code
from createflow.cli.bench_view import print_report
from createflow.cli.exit_code import ExitCode
from createflow.cli.interrupts import Interrupts
from createflow.cli.profile_source import ProfileOption, ProfileSource, UrlOption
from createflow.cli.report_option import LoadReportOption, report_files
from createflow.scenarios.load.fleet.progress import Progress
from createflow.scenarios.load.plan.options import Asked
from createflow.scenarios.load.plan.shapes import clients_of
from createflow.schemas.error import UserError
from createflow.schemas.load_report import LoadReport
from createflow.schemas.profile import Profile

if TYPE_CHECKING:
    from createflow.scenarios.benchmark.run import Audience
    from createflow.scenarios.load.fleet.run import Signals

Run = Callable[[Profile, str, "Audience", "Signals"], Awaitable[LoadReport]]
"""Profile, its source in words, who is shown what, and how the user ends it."""

_LOOPBACK = "127.0.0.1"
_SEARCHED_FROM_PER_S = 50.0
_MASTER_PORT = 5557
"""Locust's own."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench")(bench)


def bench(
    *,
    rate: RateOption = None,
    duration: DurationOption = None,
    warmup: WarmupOption = "2s",  # type: ignore[assignment] # Typer parses the default too
    shape: ShapeOption = "constant",
    poisson: PoissonOption = False,
    mix: MixOption = "create=1",
    data: DataOption = None,
    users: UsersOption = None,
    senders: SendersOption = None,
    drop: DropOption = False,
    seed: SeedOption = None,
    clean_up: CleanUpOption = False,
    slo: TargetOption = None,
    verify: VerifyOption = True,
    find_max: FindMaxOption = False,
    baseline: BaselineOption = None,
    self_test: SelfTestOption = False,
    workers: WorkersOption = 1,
    master: MasterOption = None,
    worker: WorkerOption = None,
    web: WebOption = None,
    prometheus: PrometheusOption = None,
    profile: ProfileOption = None,
    url: UrlOption = None,
    report: LoadReportOption = None,
) -> None:
    """Offer a load, prove that every accepted write arrived everywhere, and judge latency and throughput.

    Latency counts from the moment a request was due, so a target that stalls cannot slow the load down and look fast.
    Writes are looked for in every sink that the profile declares. Ctrl-C ends the load, waits for replies and reports
    what was measured; a second Ctrl-C does not wait.
    """
    if worker is not None:
        from createflow.cli.bench_join import lend

        lend(*address(worker, option="--worker", host=_LOOPBACK, port=_MASTER_PORT))
        return
    asked = Asked(
        **_load(rate, duration, shape, find_max=find_max),
        warmup_s=warmup,
        shape=shape,
        poisson=poisson,
        seed=seed,
        mix=mix,
        data=data,
        users=users,
        workers=workers,
        senders=senders,
        drop=drop,
        targets=tuple(slo or ()),
        verify=verify,
        clean_up=clean_up,
        master=address(master, option="--master", host=_LOOPBACK, port=_MASTER_PORT) if master else None,
        web_port=web,
    )
    # Here, so that `--help` stays quick.
    from createflow.scenarios.benchmark.find_max import SearchInterrupted
    from createflow.scenarios.reports.load.renderers import RENDERERS, check_possible
    from createflow.scenarios.reports.saved_load import read_load_report

    files = report_files(report, RENDERERS)
    check_possible(file.form for file in files)
    listen = address(prometheus, option="--prometheus", host=_LOOPBACK) if prometheus else None
    if self_test and profile is None and url is None:
        from createflow.cli.bench_ceiling import print_ceiling

        print_ceiling(Console(), workers=workers)
        return
    earlier = read_load_report(baseline) if baseline is not None else None
    run = partial(_run, asked, find_max=find_max, self_test=self_test, baseline=earlier)
    try:
        result = asyncio.run(_bench(profile_source.choose(profile, url), listen, run))
    except (asyncio.CancelledError, SearchInterrupted):
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    print_report(Console(), result)
    github_actions.tell(result, os.environ)
    for file in files:
        file.save(RENDERERS[file.form](result))
    raise typer.Exit(exit_code(result))


async def _run(
    asked: Asked,
    profile: Profile,
    told: str,
    audience: "Audience",
    signals: "Signals",
    *,
    find_max: bool,
    self_test: bool,
    baseline: LoadReport | None,
) -> LoadReport:
    """What is done with the target once it is open."""
    from createflow.scenarios.benchmark.find_max import benchmark_at_max
    from createflow.scenarios.benchmark.run import benchmark
    from createflow.scenarios.benchmark.self_test import self_test as measured_ceiling

    ceiling = await measured_ceiling(asked.workers, audience.tell) if self_test else None
    if find_max:
        return await benchmark_at_max(profile, asked, profile_source=told, audience=audience, signals=signals)
    return await benchmark(
        profile,
        asked,
        profile_source=told,
        baseline=baseline,
        ceiling_per_s=ceiling.per_s if ceiling else None,
        audience=audience,
        signals=signals,
    )


def _load(rate: float | None, duration: float | None, shape: str, *, find_max: bool) -> dict[str, float]:
    """Rate and duration, as far as they were given.

    Raises:
        UserError: the shape says them itself, or has none.
    """
    given = {"rate_per_s": rate, "duration_s": duration}
    if "/" in shape and any(value is not None for value in given.values()):
        raise UserError("--shape with stages says rates and durations itself", hint="leave --rate and --duration out")
    if clients_of(shape) and rate is not None:
        raise UserError(
            f"--shape {shape} has no rate: its clients ask when they were answered", hint="leave --rate out"
        )
    if find_max and shape != "constant":
        raise UserError("--find-max searches a constant rate", hint="leave --shape out")
    if find_max and rate is None:
        given["rate_per_s"] = _SEARCHED_FROM_PER_S
    if shape == "soak" and duration is None:
        given["duration_s"] = 3600.0
    return {name: value for name, value in given.items() if value is not None}


async def _bench(source: ProfileSource, listen: tuple[str, int] | None, run: Run) -> LoadReport:
    """Open the target, show the run to everybody who looks, and close all of it again."""
    from createflow.scenarios.benchmark.run import Audience
    from createflow.scenarios.load.fleet.run import Signals
    from createflow.scenarios.metrics.exporters import Exporters

    talk = Console(stderr=True)
    tell = partial(talk.print, soft_wrap=True, highlight=False, markup=False)
    interrupts = Interrupts()
    tell(f"target: {source.told}")
    async with profile_source.opened(source, lambda death: talk.print(death, style="red", markup=False)) as profile:
        interrupts.drain_first = True
        with Exporters(prometheus=listen, environment=os.environ, tell=tell) as exporters, live_view(talk) as show:

            def look(progress: Progress) -> None:
                show(progress)
                exporters.show(progress)

            result = await run(profile, source.told, Audience(look, tell), Signals(interrupts.stop, interrupts.kill))
            exporters.finish(result)
            return result
