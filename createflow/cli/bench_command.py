"""``createflow bench``: load a target, verify its writes, and evaluate the targets."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from createflow.cli import bench_options as options
from createflow.cli.exit_code import ExitCode
from createflow.cli.held_target import held_target
from createflow.cli.interrupts import Interrupts, interrupts
from createflow.cli.left_behind import tell_what_was_left
from createflow.cli.load_shape import parse_scale, rate_and_duration
from createflow.cli.messages import print_message
from createflow.cli.options import (
    AllowCommandsOption,
    CaOption,
    InsecureOption,
    ProfileOption,
    UrlOption,
    WaitForLeaseOption,
    parse_address,
)
from createflow.cli.profile_source import ProfileSource, choose_source, load_source
from createflow.cli.report_output import open_report_files, partial_writer, publish_to_github, save_all
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.reports.load.renderers import RENDERERS, require_renderable
from createflow.scenarios.reports.load.verdict import LoadVerdict, verdict_of
from createflow.scenarios.reports.saved import read_load_report
from createflow.schemas.load_report import LoadReport
from createflow.schemas.profile import Profile

if TYPE_CHECKING:
    from createflow.scenarios.benchmark.run import Observer
    from createflow.scenarios.benchmark.scale import ScaleOptions
    from createflow.scenarios.harness.guardian.client import Guarding
    from createflow.scenarios.load.fleet.progress import Progress
    from createflow.scenarios.load.fleet.run import StopSignals

Run = Callable[..., Awaitable[LoadReport]]
"""Loads an opened target."""

_LOOPBACK = "127.0.0.1"
_MASTER_PORT = 5557
"""Locust's own port."""

_EXIT_CODES = {
    LoadVerdict.INTERRUPTED: ExitCode.INTERRUPTED,
    LoadVerdict.FAILED: ExitCode.FAILED,
    LoadVerdict.SILENT: ExitCode.UNREACHABLE,
    LoadVerdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    LoadVerdict.MISSED: ExitCode.SLO_MISSED,
    LoadVerdict.WORSE: ExitCode.SLO_MISSED,
    LoadVerdict.UNCOMPARED: ExitCode.INCONCLUSIVE,
    LoadVerdict.UNVERIFIED: ExitCode.INCONCLUSIVE,
    LoadVerdict.MEASURED: ExitCode.OK,
    LoadVerdict.HELD: ExitCode.OK,
}


def bench(
    *,
    rate: options.Rate = None,
    duration: options.Duration = None,
    warmup: options.Warmup = "2s",  # type: ignore[assignment] # Typer parses the default too
    shape: options.Shape = "constant",
    poisson: options.Poisson = False,
    mix: options.Mix = "create=1",
    data: options.Data = None,
    users: options.Users = None,
    senders: options.Senders = None,
    drop: options.Drop = False,
    seed: options.Seed = None,
    clean_up: options.CleanUp = False,
    slo: options.Slo = None,
    verify: options.Verify = True,
    find_max: options.FindMax = False,
    scale: options.ScaleOption = None,
    baseline: options.Baseline = None,
    self_test: options.SelfTest = False,
    workers: options.Workers = 1,
    master: options.Master = None,
    worker: options.Worker = None,
    web: options.Web = None,
    prometheus: options.Prometheus = None,
    profile: ProfileOption = None,
    url: UrlOption = None,
    ca: CaOption = None,
    insecure: InsecureOption = False,
    allow_commands: AllowCommandsOption = False,
    wait_for_lease: WaitForLeaseOption = "0s",  # type: ignore[assignment] # Typer parses the default too
    report: options.Report = None,
) -> None:
    """Load a create endpoint, verify every write, and evaluate targets.

    Latency is measured from the moment when a request was due. A target
    that stalls delays no request of the schedule, so it cannot look fast.
    Every accepted write is searched for in the sinks of the profile.

    Ctrl-C ends the load, waits for open replies and reports what was
    measured. A second Ctrl-C does not wait.

    Example: createflow bench --profile createflow.toml --rate 200 --duration 1m
    """
    if worker is not None:
        _work_for(*parse_address(worker, option="--worker", default_host=_LOOPBACK, default_port=_MASTER_PORT))
        return
    scaled = parse_scale(scale) if scale is not None else None
    find_max = find_max or scaled is not None
    load_options = LoadOptions(
        **rate_and_duration(rate, duration, shape, find_max=find_max),
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
        master=parse_address(master, option="--master", default_host=_LOOPBACK, default_port=_MASTER_PORT)
        if master
        else None,
        web_port=web,
    )
    # Here, so that --help stays quick.
    from createflow.cli.bench_view import print_report

    files = open_report_files(report, RENDERERS)
    require_renderable(file.format_name for file in files)
    metrics_address = parse_address(prometheus, option="--prometheus", default_host=_LOOPBACK) if prometheus else None
    if self_test and profile is None and url is None:
        _measure_ceiling(workers)
        return
    earlier = read_load_report(baseline) if baseline is not None else None
    # A load injects no faults.
    chosen = choose_source(profile, url, ca_file=ca)
    sections = ("auth", "sinks") if scaled is None else ("auth", "sinks", "scale")
    source = load_source(chosen, allow_commands=allow_commands, sections=sections)
    source = replace(source, is_insecure=insecure)
    run = partial(_run, load_options, source, find_max=find_max, scaled=scaled, self_test=self_test, baseline=earlier)
    tell_what_was_left()
    with interrupts() as signals:
        on_partial = partial_writer(files)
        result = signals.run(_bench(source, metrics_address, run, signals, on_partial, wait_s=wait_for_lease))
        # Files first: the reader of stdout may be slow, or gone.
        save_all(files, RENDERERS, result)
        publish_to_github(result, os.environ)
    print_report(Console(), result)
    raise typer.Exit(exit_code(result))


def exit_code(report: LoadReport) -> ExitCode:
    """The exit status of a finished load run."""
    return _EXIT_CODES[verdict_of(report)]


def _work_for(host: str, port: int) -> None:
    """Be a load process of the master at this address, until its run is over.

    Raises:
        TargetError: there is no master.
    """
    from createflow.scenarios.load.fleet.child_process import join_master

    with interrupts() as signals:
        signals.run(join_master(host, port, partial(print_message, Console(stderr=True))))


def _measure_ceiling(workers: int) -> None:
    """Measure and print the highest rate that this machine can send.

    Raises:
        TargetError: a load process could not start.
    """
    from createflow.cli.bench_view import print_ceiling
    from createflow.scenarios.benchmark.measure_ceiling import measure_generator_ceiling

    print_on_stderr = partial(print_message, Console(stderr=True))
    with interrupts() as signals:
        ceiling = signals.run(measure_generator_ceiling(workers, print_on_stderr))
    print_ceiling(Console(), ceiling)


async def _bench(
    source: ProfileSource,
    metrics_address: tuple[str, int] | None,
    run: Run,
    signals: Interrupts,
    on_partial: "Callable[[LoadReport], None] | None",
    *,
    wait_s: float,
) -> LoadReport:
    """Open the target, show the run on the terminal and to metric collectors, and close everything again."""
    from createflow.cli.bench_live import live_view
    from createflow.scenarios.benchmark.run import Observer
    from createflow.scenarios.load.fleet.run import StopSignals
    from createflow.scenarios.metrics.exporters import Exporters

    console = Console(stderr=True)
    print_on_stderr = partial(print_message, console)
    stops = _Stops(StopSignals(asyncio.Event(), asyncio.Event()))
    signals.handle(stops.on_signal)
    async with held_target(source, "bench", console, wait_for_lease_s=wait_s) as (profile, guarding):
        exporters = Exporters(prometheus=metrics_address, environment=os.environ, on_message=print_on_stderr)
        with exporters, live_view(console) as show:

            def show_everywhere(progress: "Progress") -> None:
                show(progress)
                exporters.show(progress)

            observer = Observer(show_everywhere, print_on_stderr, on_partial)
            result = await run(profile, observer, stops.signals, guarding=guarding)
            exporters.finish(result)
            return result


async def _run(
    load_options: LoadOptions,
    source: ProfileSource,
    profile: Profile,
    observer: "Observer",
    signals: "StopSignals",
    *,
    guarding: "Guarding",
    find_max: bool,
    scaled: "ScaleOptions | None",
    self_test: bool,
    baseline: LoadReport | None,
) -> LoadReport:
    """Load the opened target, or search its highest rate."""
    from createflow.scenarios.benchmark.find_max import benchmark_at_max
    from createflow.scenarios.benchmark.measure_ceiling import measure_generator_ceiling
    from createflow.scenarios.benchmark.run import benchmark
    from createflow.scenarios.benchmark.scale import benchmark_at_scale, require_command
    from createflow.scenarios.load.verdict.findings import OF_THE_BUNDLED_STACK, OF_THE_PROFILE

    profile_source = source.description
    slo_source = OF_THE_BUNDLED_STACK if source.is_bundled else OF_THE_PROFILE
    if scaled is not None:
        require_command(profile, scaled)
    ceiling = await measure_generator_ceiling(load_options.workers, observer.on_message) if self_test else None
    if find_max:
        search = benchmark_at_max if scaled is None else partial(benchmark_at_scale, scale=scaled)
        return await search(
            profile,
            load_options,
            profile_source=profile_source,
            slo_source=slo_source,
            observer=observer,
            signals=signals,
            guarding=guarding,
        )
    return await benchmark(
        profile,
        load_options,
        profile_source=profile_source,
        slo_source=slo_source,
        baseline=baseline,
        ceiling_per_s=ceiling.per_s if ceiling else None,
        observer=observer,
        signals=signals,
        guarding=guarding,
    )


class _Stops:
    """A signal during a load stops and drains it, the second one does not wait. Otherwise it ends what is going on."""

    def __init__(self, signals: "StopSignals") -> None:
        self.signals = signals
        self._task = asyncio.current_task()

    def on_signal(self) -> None:
        """React to the latest signal."""
        if self.signals.is_loading.is_set():
            if self.signals.stop.is_set():
                self.signals.kill.set()
            self.signals.stop.set()
        elif self._task is not None:
            self._task.cancel()
