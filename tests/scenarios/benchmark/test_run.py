"""Whole load runs against a stub in its own process: what latency means, and whose fault a missed target is."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable

import pytest

from createflow.scenarios.benchmark.run import Observer, benchmark
from createflow.scenarios.benchmark.write_verification import WriteVerification
from createflow.scenarios.load.fleet import run as run_module
from createflow.scenarios.load.fleet.progress import Progress
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.verdict.comparison import compare
from createflow.scenarios.reports.load.verdict import LoadVerdict, verdict_of
from createflow.schemas.load_finding import Change
from createflow.schemas.load_report import Ledger, LoadReport, Validity
from createflow.schemas.profile import Profile
from tests.processes import alive
from tests.scenarios.load.conftest import Stub, start_stub
from tests.scenarios.load.fleet.load_run import load_processes

__all__ = ["start_stub"]

StartStub = Callable[[str], Stub]


async def _measured(profile: Profile, observer: Observer | None = None, **asked: object) -> LoadReport:
    options = {"rate_per_s": 100.0, "duration_s": 1.0, "warmup_s": 0.5} | asked
    return await benchmark(profile, LoadOptions(**options), observer=observer)  # type: ignore[arg-type] # options of one test


def _run(profile: Profile, **asked: object) -> LoadReport:
    return asyncio.run(_measured(profile, **asked))


def _balance(ledger: Ledger) -> int:
    counts = ledger.model_dump()
    return counts.pop("scheduled") - sum(counts.values())


def test_a_report_holds_every_arrival_and_every_second(start_stub: StartStub) -> None:
    """Ledger, statuses, percentiles, series, workers and machine of one run. The parent imports no gevent."""
    report = _run(start_stub("fast").profile(), workers=2, duration_s=3.0, seed=7)
    assert (report.ledger.scheduled, report.ledger.completed, report.statuses) == (300, 300, {"201": 300})
    assert report.warmup_ledger is not None
    assert report.warmup_ledger.completed == 50
    assert report.accepted_per_s == pytest.approx(100, abs=3)
    assert sum(moment.offered for moment in report.series) == 350
    assert [len(report.worker_health), report.seed, _balance(report.ledger)] == [2, 7, 0]
    assert report.machine.cores > 0
    assert report.machine.same_host
    assert {"response", "service", "lag"} <= set(report.histograms)
    assert any("no store was searched" in note for note in report.notes), "a stub has no sinks"
    assert report.verified_per_s == report.accepted_per_s
    assert not {"gevent", "locust"} & set(sys.modules)


def test_a_stalled_target_shows_in_response_whatever_the_senders(start_stub: StartStub) -> None:
    """Frozen for F in a window of D, latency at quantile q is F - (1 - q) D: with many senders and with few.

    It measures the shape of a distribution, not speed: 100/s for 6 s, stopped by SIGSTOP for one second. Few senders
    show in service, where only they were slow; a tool that judges service would call this target fast.
    """
    window_s = 6.0
    many, few = asyncio.run(_two_frozen_runs([start_stub("fast"), start_stub("fast")], window_s))
    for report, frozen_s in (many, few):
        assert report.pacing is not None
        seen = {0.9: report.response.p90_ms, 0.95: report.response.p95_ms, 0.99: report.response.p99_ms}
        for ratio, seen_ms in seen.items():
            expected_ms = 1000 * (frozen_s - (1 - ratio) * window_s)
            # Nothing may hide any of it; what a busy machine adds to it, it added to our own waking up as well.
            late_ms = 2 * report.pacing.max_ms
            assert 0.95 * expected_ms - 20 <= seen_ms <= 1.05 * expected_ms + 20 + late_ms, f"p{100 * ratio:g}"
        assert report.response.p50_ms < 50
        assert (report.ledger.completed, _balance(report.ledger)) == (600, 0)
    assert few[0].service.p95_ms < many[0].service.p95_ms / 5


async def _two_frozen_runs(stubs: list[Stub], window_s: float) -> list[tuple[LoadReport, float]]:
    return await asyncio.gather(
        *(_frozen_run(stub, window_s, senders=senders) for stub, senders in zip(stubs, (400, 10), strict=True))
    )


async def _frozen_run(stub: Stub, window_s: float, *, senders: int) -> tuple[LoadReport, float]:
    measuring = asyncio.Event()

    def look(progress: Progress) -> None:
        if progress.phase == "measuring":
            measuring.set()

    async def freeze() -> float:
        await measuring.wait()
        began = time.perf_counter()
        os.kill(stub.process.pid, signal.SIGSTOP)
        await asyncio.sleep(1.0)  # the freeze itself, not a wait for something
        os.kill(stub.process.pid, signal.SIGCONT)
        return time.perf_counter() - began

    freezing = asyncio.create_task(freeze())
    # Nothing else may ask the frozen stub: the sampler would wait with it.
    report = await _measured(stub.profile(), Observer(look), duration_s=window_s, senders=senders, verify=False)
    return report, await freezing


def test_a_known_distribution_is_reported_as_it_is(start_stub: StartStub) -> None:
    """95 of 50 ms, 4 of 104.9 ms, 1 of 400 ms: p95 of service is 50, p99 105, and never less than the server took.

    The slowest one is compared with what the stub itself measured: beside other tests it may wake up late.
    """
    stub = start_stub("known")
    report = _run(stub.profile(), duration_s=5.0, verify=False)
    assert report.pacing is not None
    late_ms = 2 * report.pacing.max_ms + 10
    service = report.service
    for seen_ms, truth_ms in ((service.p50_ms, 50), (service.p99_ms, 104.9)):
        assert truth_ms * 0.999 <= seen_ms <= truth_ms * 1.001 + late_ms
    assert 400 * 0.999 <= service.max_ms <= 1000 * max(stub.took()) * 1.001 + late_ms


def test_arrivals_are_sent_when_they_are_due(start_stub: StartStub) -> None:
    """In every second the server receives what the schedule says; a ramp is the integral of its rate."""
    stub = start_stub("fast")
    report = _run(stub.profile(), shape="100/3s,100..300/2s", warmup_s=0.0, verify=False)
    arrivals = stub.arrivals()
    assert (len(arrivals), report.ledger.scheduled) == (700, 700)
    assert report.pacing is not None
    slack = 1 + round(0.001 * report.pacing.max_ms * 300)
    counts = Counter(int(moment - arrivals[0]) for moment in arrivals)
    for second, due in enumerate((100, 100, 100, 150, 250)):
        assert abs(counts[second] - due) <= slack, f"second {second}"


def test_fast_refusals_miss_the_targets_and_improve_no_percentile(start_stub: StartStub) -> None:
    """Every fifth reply is an immediate 503: the accepted rate falls, and p99 is not that of the refusals."""
    slo = {"targets": ["p99<=100ms", "rate>=500/s", "errors<0.1%"]}
    report = _run(start_stub("refuse:5").profile(slo=slo), verify=False)
    assert report.statuses == {"201": 80, "503": 20}
    assert report.accepted_per_s == pytest.approx(80, abs=3)
    assert report.failure_aware.p95_ms == float("inf")
    assert [slo.held for slo in report.slos] == [False, False, False]
    assert report.validity is not Validity.INVALID, "that is the target's doing"


def test_accepted_creates_that_are_gone_fail_without_any_sink(start_stub: StartStub) -> None:
    """Each tenth is told as created and forgotten: reading back finds each of them, and the others as sent."""
    report = _run(start_stub("keep:10").profile(), workers=2)
    assert report.verification is not None
    (sink,) = report.verification.sinks
    assert (sink.sink, sink.error, sink.altered) == ("read-back", "", 0)
    assert 13 <= sink.missing <= 16, "of 150, and the samples of the run itself count too"
    assert sink.compared == sink.found == 150 - sink.missing
    assert verdict_of(report) is LoadVerdict.FAILED
    assert report.verified_per_s is not None
    assert report.verified_per_s < report.accepted_per_s


@pytest.mark.parametrize("mode", ["mute:50", "hang"])
def test_a_target_that_falls_silent_ends_the_run(
    start_stub: StartStub, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """With what was measured until then, since when, and after which request; nothing waits for it any more."""
    monkeypatch.setattr(run_module, "_SILENT_S", 1.0)
    profile = start_stub(mode).profile(target={"timeout_s": 1.0, "cleanup": True})
    report = _run(profile, duration_s=60.0, warmup_s=0.0, clean_up=True)
    assert report.duration_s < 30
    assert (verdict_of(report), report.interrupted) == (LoadVerdict.SILENT, False)
    assert _balance(report.ledger) == 0
    if mode == "hang":
        assert "gave no reply at all" in report.silent
    else:
        assert 40 <= report.statuses["201"] <= 50, "the samples of the run count too"
        assert "after the reply to arrival" in report.silent
        assert ", the create named 'load " in report.silent
    assert report.unverified == "the target is silent"


@pytest.mark.thorough
def test_one_in_ten_that_is_never_answered_stops_no_arrival(start_stub: StartStub) -> None:
    """100/s for 20 s, replies of 20 ms: each arrival is sent when it is due, and the median is the truth."""
    stub = start_stub("silent:10")
    report = _run(stub.profile(target={"timeout_s": 10.0}), duration_s=20.0, verify=False)
    ledger = report.ledger
    assert (ledger.scheduled, ledger.not_sent, ledger.dropped, _balance(ledger)) == (2000, 0, 0, 0)
    assert ledger.timeouts + ledger.unfinished == 200
    assert len(stub.arrivals()) == 2050, "with those of the warm-up"
    assert report.pacing is not None
    assert report.response.p50_ms == pytest.approx(stub.median_ms(), abs=2 + report.pacing.p99_ms)
    assert report.validity is not Validity.INVALID
    assert report.sent_per_s == report.offered_per_s == 100


def test_a_2xx_with_neither_location_nor_id_is_no_create(start_stub: StartStub) -> None:
    """Each tenth: it is not accepted, whether the whole reply is kept or only looked at."""
    for verify in (False, True):
        stub = start_stub("nameless:10")
        report = _run(stub.profile(), verify=verify, warmup_s=0.0)
        posts = stub.seen()["posts"]
        assert report.statuses["200"] == report.nameless == 100 - report.accepted
        # The stub counts the creates of the lag sampler as well, and one of those can be a tenth.
        assert posts // 10 - (posts - 100) <= report.nameless <= posts // 10
        assert posts == 100 or verify
        assert verdict_of(report) is LoadVerdict.MISSED


def test_slow_replies_of_the_warmup_are_excluded(start_stub: StartStub) -> None:
    """By their due time and without a reset, so the rate has no dip where the measured window starts."""
    report = _run(start_stub("awakening:1").profile(), warmup_s=2.0, duration_s=2.0, verify=False)
    assert report.response.p99_ms < 300
    assert report.accepted_per_s == pytest.approx(100, abs=4)
    assert report.warmup_ledger is not None
    assert report.warmup_ledger.completed == 200


def test_a_slow_but_healthy_target_with_too_few_senders_is_not_blamed(start_stub: StartStub) -> None:
    """100/s of 190 ms each keep 19 senders busy: with ten the generator is the limit, with fifty nothing is."""
    profile = start_stub("delay:0.19").profile(slo={"targets": ["p99<=1s", "rate>=100/s"]})
    short = _run(profile, senders=10, duration_s=3.0, verify=False)
    assert short.validity is Validity.INVALID
    assert any("--senders" in reason for reason in short.reasons)
    assert short.accepted_per_s < 60
    enough = _run(profile, senders=50, duration_s=3.0, verify=False)
    assert enough.accepted_per_s > 85
    assert enough.validity is not Validity.INVALID


def test_many_senders_keep_their_connections(start_stub: StartStub) -> None:
    """1,200 are allowed, few are needed, and a connection serves many requests."""
    report = _run(start_stub("fast").profile(), senders=1200, rate_per_s=300.0, verify=False)
    assert report.ledger.completed == 300
    assert report.worker_health[0].connections_opened < 30


def test_a_killed_worker_makes_the_results_incomplete(start_stub: StartStub) -> None:
    """Its share is accounted for, and the report is invalid whatever the other worker measured."""
    killed: list[int] = []

    def kill_one(progress: Progress) -> None:
        workers = load_processes(os.getpid())["worker"]
        if progress.phase == "measuring" and not killed and workers:
            killed.append(workers[-1])
            os.kill(killed[0], signal.SIGKILL)

    profile = start_stub("fast").profile()
    report = asyncio.run(_measured(profile, Observer(kill_one), workers=2, duration_s=2.0, verify=False))
    assert report.validity is Validity.INVALID
    assert "incomplete" in report.reasons[0]
    assert (report.ledger.scheduled, _balance(report.ledger)) == (200, 0)
    assert [bool(worker.lost) for worker in report.worker_health].count(True) == 1


def test_a_soak_evaluates_targets_in_every_window_too(start_stub: StartStub) -> None:
    """Each target twice: over the run, and in every minute."""
    report = _run(start_stub("fast").profile(), shape="soak", targets=("p99<=10s",), verify=False)
    assert [slo.target for slo in report.slos] == ["p99<=10s", "p99<=10s every 60s"]
    assert all(slo.held for slo in report.slos)


def test_a_worker_ends_when_its_parent_is_killed(start_stub: StartStub) -> None:
    """After SIGKILL of the parent no load process remains."""
    code = (
        "import asyncio; from createflow.scenarios.benchmark.run import Observer, benchmark;"
        "from createflow.scenarios.load.plan.options import LoadOptions;"
        "from createflow.schemas.profile import Profile;"
        f"profile = Profile.model_validate({{'target': {{'base_url': {start_stub('fast').url!r}}}}});"
        "show = Observer(lambda _: print('tick', flush=True));"
        "asyncio.run(benchmark(profile, LoadOptions(rate_per_s=50, duration_s=60, workers=2), observer=show))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline()
        processes = [pid for pids in load_processes(parent.pid).values() for pid in pids]
        assert len(processes) == 3
        parent.kill()
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(alive(pid) for pid in processes)


def test_fifteen_milliseconds_more_are_a_regression_and_the_same_build_is_none(start_stub: StartStub) -> None:
    """Three whole runs at the same time, so that a busy machine disturbs all of them."""

    async def three() -> list[LoadReport]:
        stubs = [start_stub(mode) for mode in ("delay:0.03", "delay:0.03", "delay:0.045")]
        return await asyncio.gather(
            *(_measured(stub.profile(), rate_per_s=50.0, duration_s=10.0, warmup_s=1.0, verify=False) for stub in stubs)
        )

    before, again, slower = asyncio.run(three())
    assert not compare(before, again).refused
    assert Change.WORSE not in {number.change for number in compare(before, again).numbers}
    assert Change.WORSE in {number.change for number in compare(before, slower).numbers}


def test_a_signal_ends_the_verification_and_not_the_report(
    start_stub: Callable[[str], Stub], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sink that does not answer would be waited for; the measured numbers are reported all the same."""
    searching = asyncio.Event()

    async def search(*_: object) -> None:
        searching.set()
        await asyncio.Event().wait()

    async def run() -> LoadReport:
        monkeypatch.setattr(WriteVerification, "verify", search)
        options = LoadOptions(rate_per_s=20.0, duration_s=1.0, warmup_s=0.0)
        task = asyncio.create_task(benchmark(start_stub("fast").profile(), options))
        await searching.wait()
        task.cancel()
        return await task

    report = asyncio.run(run())
    assert report.interrupted
    assert report.ledger.completed == 20
    assert "the user ended the run before its writes were verified" in report.notes
