"""Whole load runs against a stub in a process of its own: where every arrival goes, and what latency means."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from createflow.scenarios import benchmark as benchmark_module
from createflow.scenarios.benchmark import benchmark
from createflow.scenarios.load.progress import Progress
from createflow.schemas.load_report import Ledger, LoadReport, Validity
from createflow.schemas.profile import Profile
from tests.scenarios.load.conftest import Stub, start_stub

__all__ = ["start_stub"]

StartStub = Callable[[str], Stub]


def _run(profile: Profile, **options: object) -> LoadReport:
    asked = {"rate_per_s": 100.0, "duration_s": 1.0, "warmup_s": 0.5} | options
    return asyncio.run(benchmark(profile, **asked))  # type: ignore[arg-type] # options of one test each


def _balance(ledger: Ledger) -> int:
    return (
        ledger.completed + ledger.transport_errors + ledger.timeouts + ledger.unfinished + ledger.not_sent
    ) - ledger.scheduled


def test_two_workers_send_the_one_schedule_once(start_stub: StartStub) -> None:
    """Merged, the books hold every arrival; the server saw each exactly once, with a body like no other."""
    stub = start_stub("fast")
    report = _run(stub.profile(), workers=2)
    assert (report.ledger.scheduled, report.ledger.completed, report.statuses) == (100, 100, {"201": 100})
    assert report.warmup_ledger is not None
    assert report.warmup_ledger.completed == 50
    assert report.response.count == 100
    seen = stub.seen()
    assert (seen["posts"], seen["bodies"]) == (150, 150)
    assert report.accepted_per_s == pytest.approx(100, abs=3)
    assert "gevent" not in sys.modules, "the parent must stay free of it"
    assert "locust" not in sys.modules


def test_a_connection_that_closes_without_reply_is_never_sent_again(start_stub: StartStub) -> None:
    """One POST an arrival: a repeated write would be a duplicate of our own making."""
    stub = start_stub("close")
    report = _run(stub.profile())
    assert stub.seen()["posts"] == 150
    assert report.errors == {"closed_without_reply": 100}
    assert (report.ledger.transport_errors, _balance(report.ledger)) == (100, 0)
    assert report.validity is not Validity.INVALID, "that is the target's doing"


def test_fast_refusals_miss_the_targets(start_stub: StartStub) -> None:
    """Every fifth answered 503 at once: accepted falls, and p99 is not the refusals' millisecond."""
    report = _run(start_stub("refuse:5").profile())
    assert report.statuses == {"201": 80, "503": 20}
    assert report.accepted_per_s == pytest.approx(80, abs=3)
    assert [slo.held for slo in report.slos] == [False, False, False]
    assert report.validity is not Validity.INVALID


def test_requests_without_an_answer_time_out_and_the_waiting_are_given_up(start_stub: StartStub) -> None:
    """Ten senders, nothing ever answered: timeouts for what was sent, not sent for what became too old."""
    report = _run(start_stub("hang").profile(target={"timeout_s": 0.4}), senders=10)
    ledger = report.ledger
    assert ledger.timeouts > 0
    assert ledger.not_sent > 0
    assert (ledger.completed, ledger.transport_errors, _balance(ledger)) == (0, 0, 0)
    assert report.response.p50_ms >= 400


def test_a_stalled_target_shows_in_response_whatever_the_senders(start_stub: StartStub) -> None:
    """Frozen for F in a window of D, latency at quantile q is F - (1 - q) D: with many senders and with few.

    It measures the shape of a distribution, not speed: 100/s for 6 s, stopped by SIGSTOP for one second. Few senders
    show in service, where only they were slow; a tool that judges service would call this target fast.
    """
    window_s = 6.0
    many, few = asyncio.run(_two_frozen_runs([start_stub("fast"), start_stub("fast")], window_s))
    for report, frozen_s in (many, few):
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
    report = await benchmark(
        stub.profile(), rate_per_s=100, duration_s=window_s, warmup_s=0.5, senders=senders, on_tick=look
    )
    return report, await freezing


def test_a_killed_worker_makes_the_results_incomplete(start_stub: StartStub) -> None:
    """Its share is accounted for as unknown or not sent, and the report is not to be believed."""
    killed: list[int] = []

    def kill_one(progress: Progress) -> None:
        if progress.phase == "measuring" and not killed:
            killed.append(_children_of(os.getpid())[-1])
            os.kill(killed[0], signal.SIGKILL)

    report = _run(start_stub("fast").profile(), workers=2, duration_s=2.0, on_tick=kill_one)
    assert report.validity is Validity.INVALID
    assert "incomplete" in report.reasons[0]
    assert (report.ledger.scheduled, _balance(report.ledger)) == (200, 0)
    assert report.ledger.not_sent > 0
    assert report.ledger.completed >= 100, "the other worker went on"


def test_stopping_drains_and_reports_the_part_that_was_measured(start_stub: StartStub) -> None:
    """What was sent is answered, the rest was never due, and rates are over the shorter window."""

    async def stopped() -> LoadReport:
        stop = asyncio.Event()
        return await benchmark(
            start_stub("delay:0.1").profile(),
            rate_per_s=100,
            duration_s=30.0,
            warmup_s=0.5,
            stop=stop,
            on_tick=lambda progress: stop.set() if progress.phase == "measuring" else None,
        )

    report = asyncio.run(stopped())
    assert report.interrupted
    assert 0 < report.duration_s < 5
    assert (report.ledger.unfinished, _balance(report.ledger)) == (0, 0)
    assert report.ledger.completed == pytest.approx(100 * report.duration_s, abs=15)


def test_a_second_stop_does_not_wait_for_replies(start_stub: StartStub) -> None:
    """What is still open is unfinished: its outcome is unknown, and it is not forgotten."""

    async def killed() -> LoadReport:
        stop, kill = asyncio.Event(), asyncio.Event()

        def interrupt(progress: Progress) -> None:
            if progress.phase == "measuring":
                stop.set()
                kill.set()

        return await benchmark(
            start_stub("hang").profile(),
            rate_per_s=50,
            duration_s=30.0,
            warmup_s=0.5,
            stop=stop,
            kill=kill,
            on_tick=interrupt,
        )

    report = asyncio.run(killed())
    assert report.interrupted
    assert report.ledger.unfinished > 0
    assert (report.ledger.completed, _balance(report.ledger)) == (0, 0)


def test_a_worker_that_stands_still_is_given_up(start_stub: StartStub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a hang of our own nor a report that looks whole."""
    monkeypatch.setattr(benchmark_module, "_PATIENCE_S", 0.5)

    def freeze(progress: Progress) -> None:
        if progress.phase == "measuring":
            for worker in _children_of(os.getpid()):
                os.kill(worker, signal.SIGSTOP)

    report = _run(start_stub("fast").profile(target={"timeout_s": 0.3}), duration_s=2.0, on_tick=freeze)
    assert report.validity is Validity.INVALID
    assert "incomplete" in report.reasons[0]
    assert (report.ledger.scheduled, _balance(report.ledger)) == (200, 0)


def test_a_worker_ends_when_its_parent_is_killed(start_stub: StartStub) -> None:
    """SIGKILL of the parent leaves no load behind."""
    code = (
        "import asyncio, sys; from createflow.scenarios.benchmark import benchmark;"
        "from createflow.schemas.profile import Profile;"
        f"profile = Profile.model_validate({{'target': {{'base_url': {start_stub('fast').url!r}}}}});"
        "asyncio.run(benchmark(profile, rate_per_s=50, duration_s=60, on_tick=lambda _: print('tick', flush=True)))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline()
        (worker,) = _children_of(parent.pid)
        parent.kill()
    deadline = time.monotonic() + 5
    while _alive(worker) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(worker)


def _children_of(pid: int) -> list[int]:
    """Load workers of a process."""
    return [
        child.pid for child in psutil.Process(pid).children() if "createflow.scenarios.load.node" in child.cmdline()
    ]


def _alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
