"""Clients that take turns: how much they get through is measured, how long users wait is not judged."""

import asyncio
import os
import signal
from collections.abc import Callable

import pytest

from createflow.scenarios.benchmark.run import Observer, benchmark
from createflow.scenarios.load.fleet.progress import Progress
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.reports.load.verdict import LoadVerdict, verdict_of
from createflow.schemas.error import UserError
from createflow.schemas.load_report import LoadReport, Validity
from createflow.schemas.profile import Profile
from tests.scenarios.load.conftest import Stub, start_stub

__all__ = ["start_stub"]

StartStub = Callable[[str], Stub]


async def _measured(profile: Profile, observer: Observer | None = None, **asked: object) -> LoadReport:
    options = {"shape": "closed:10", "duration_s": 1.0, "warmup_s": 0.5, "verify": False} | asked
    return await benchmark(profile, LoadOptions(**options), observer=observer)  # type: ignore[arg-type] # options of one test


@pytest.mark.parametrize("workers", [1, 2])
def test_each_client_asks_again_when_it_was_answered(start_stub: StartStub, workers: int) -> None:
    """Ten clients at 100 ms each: never more than 100/s and never more than ten at once; the server saw each once."""
    stub = start_stub("delay:0.1")
    report = asyncio.run(
        _measured(stub.profile(), workers=workers, duration_s=2.0, targets=("rate>=10/s", "errors<=0"))
    )
    warmup = report.warmup_ledger
    assert warmup is not None
    assert 100 < report.ledger.scheduled <= 210
    assert report.ledger.completed == report.ledger.scheduled
    assert stub.seen()["posts"] == stub.seen()["bodies"] == report.ledger.completed + warmup.completed
    assert sum(health.peak_in_flight for health in report.worker_health) == 10
    assert report.shape.startswith("10 clients in turns (closed model)")
    assert verdict_of(report) is LoadVerdict.HELD
    assert any("coordinated omission" in note for note in report.notes)


def test_a_rate_is_held_against_what_was_asked_for(start_stub: StartStub) -> None:
    """An open model offers a rate; here the target alone sets it, so nothing excuses a lower one."""
    report = asyncio.run(_measured(start_stub("delay:0.1").profile(), targets=("rate>=5000/s",)))
    assert verdict_of(report) is LoadVerdict.MISSED


def test_a_stalled_target_hides_in_a_closed_model_so_no_latency_is_judged(start_stub: StartStub) -> None:
    """Frozen for a second of three: ten replies of hundreds were slow, and p95 says nothing of it."""
    stub = start_stub("delay:0.01")

    async def frozen() -> LoadReport:
        measuring = asyncio.Event()

        def look(progress: Progress) -> None:
            if progress.phase == "measuring":
                measuring.set()

        async def freeze() -> None:
            await measuring.wait()
            os.kill(stub.process.pid, signal.SIGSTOP)
            await asyncio.sleep(1.0)  # the freeze itself, not a wait for something
            os.kill(stub.process.pid, signal.SIGCONT)

        freezing = asyncio.create_task(freeze())
        report = await _measured(stub.profile(), Observer(look), duration_s=3.0, targets=("p95<=500ms", "rate>=1/s"))
        await freezing
        return report

    report = asyncio.run(frozen())
    assert report.response.max_ms >= 900
    assert report.response.p95_ms < 500, "of a third of all users it is not true"
    assert (report.validity, verdict_of(report)) == (Validity.INVALID, LoadVerdict.INCONCLUSIVE)
    assert "closed model does not measure how long users wait" in report.reasons[0]
    assert any("coordinated omission" in note for note in report.notes)
    assert report.slos[0].note == "not evaluated: a closed model does not measure how long users wait"


def test_clients_whose_requests_fail_at_once_leave_the_loop_its_time(start_stub: StartStub) -> None:
    """The target is gone after the first second: the run ends when it should, and every arrival is in one class."""
    stub = start_stub("delay:0.01")

    def look(progress: Progress) -> None:
        if progress.phase == "measuring":
            stub.process.kill()

    report = asyncio.run(_measured(stub.profile(), Observer(look), duration_s=2.5, targets=("rate>=1000/s",)))
    assert set(report.errors) <= {"connection_refused", "connection_reset", "closed_without_reply"}
    assert report.errors["connection_refused"] > 0
    assert len(report.series) >= 2, "its ticks came through"
    assert verdict_of(report) is LoadVerdict.MISSED


@pytest.mark.parametrize("options", [{"poisson": True}, {"drop": True}, {"senders": 5}])
def test_what_belongs_to_a_schedule_cannot_be_asked_for(options: dict[str, object]) -> None:
    """Silently ignored options would be believed."""
    profile = Profile.model_validate({"target": {"base_url": "http://127.0.0.1:9"}})
    with pytest.raises(UserError, match="has no schedule"):
        asyncio.run(_measured(profile, **options))
