"""A closed model: throughput is measured, and no latency is evaluated."""

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
def test_each_client_sends_again_when_it_has_its_reply(start_stub: StartStub, workers: int) -> None:
    """Ten clients and replies of 100 ms: at most 100/s and ten in flight, and the server received each request once."""
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
    assert verdict_of(report) is LoadVerdict.MEASURED
    assert any("coordinated omission" in note for note in report.notes)


def test_a_rate_target_of_a_closed_model_keeps_its_bound(start_stub: StartStub) -> None:
    """A closed model offers no rate of its own, so the bound is not lowered to what was offered."""
    report = asyncio.run(_measured(start_stub("delay:0.1").profile(), targets=("rate>=5000/s",)))
    assert verdict_of(report) is LoadVerdict.MISSED


def test_a_closed_model_hides_a_stall_so_no_latency_is_evaluated(start_stub: StartStub) -> None:
    """Frozen for one of three seconds: only ten of hundreds of replies are slow, and p95 does not show it."""
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


def test_clients_whose_requests_fail_at_once_do_not_block_the_loop(start_stub: StartStub) -> None:
    """The target is gone after the first second. The run ends on time and every arrival is counted once."""
    stub = start_stub("delay:0.01")

    def look(progress: Progress) -> None:
        if progress.phase == "measuring":
            stub.process.kill()

    report = asyncio.run(_measured(stub.profile(), Observer(look), duration_s=2.5, targets=("rate>=1000/s",)))
    # Killed during a request, before its reply, or between two of them: then the next one finds a stale connection.
    at_the_kill = {"connection_reset", "closed_without_reply", "stale_connection"}
    assert set(report.errors) <= {"connection_refused", *at_the_kill}
    # A client whose request was broken off may find that its next connection was accepted just before the kill.
    assert sum(report.errors.get(kind, 0) for kind in at_the_kill) <= 20, "two for each client"
    assert report.errors["connection_refused"] > 0
    assert len(report.series) >= 2, "its ticks came through"
    assert verdict_of(report) is LoadVerdict.MISSED


@pytest.mark.parametrize("options", [{"poisson": True}, {"drop": True}, {"senders": 5}])
def test_options_of_a_schedule_are_refused_for_a_closed_model(options: dict[str, object]) -> None:
    """An option that is silently ignored would mislead the user."""
    profile = Profile.model_validate({"target": {"base_url": "http://127.0.0.1:9"}})
    with pytest.raises(UserError, match="has no schedule"):
        asyncio.run(_measured(profile, **options))
