"""Whole loads against a stub in its own process: the outcome of every arrival."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable

import pytest

from createflow.scenarios.load.fleet import run as run_module
from createflow.scenarios.load.fleet.run import LoadResult, Snapshot, StopSignals
from createflow.scenarios.load.plan.messages import NodeState
from createflow.scenarios.load.plan.write_log import Outcome
from createflow.schemas.operation import Operation
from tests.scenarios.load.conftest import Stub
from tests.scenarios.load.fleet.load_run import Watch, load, load_processes, measured_of

StartStub = Callable[[str], Stub]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_send_the_schedule_exactly_once(start_stub: StartStub, workers: int) -> None:
    """The merged ledger has every arrival, and the server received each exactly once, with its own body."""
    stub = start_stub("fast")
    measured = asyncio.run(load(stub.profile(), workers=workers))
    tally = measured_of(measured)
    assert (tally.scheduled, dict(tally.statuses)) == (100, {201: 100})
    assert tally.latencies().count == 100
    assert stub.seen() == {"posts": 150, "bodies": 150, "subjects": 1}
    assert measured.writes.outcomes == bytes([Outcome.ACCEPTED]) * 150
    assert sum(measured.writes.measured) == tally.accepted_in_window, "by when each reply came, as the rates"
    assert not measured.lost
    assert "gevent" not in sys.modules, "the parent must stay free of it"
    assert "locust" not in sys.modules


def test_a_request_without_reply_is_never_sent_again(start_stub: StartStub) -> None:
    """One POST for each arrival: a repeated write would be a duplicate made by the load engine."""
    stub = start_stub("close")
    measured = asyncio.run(load(stub.profile()))
    assert stub.seen()["posts"] == 150
    assert dict(measured_of(measured).errors) == {"closed_without_reply": 100}
    assert set(measured.writes.outcomes) == {Outcome.UNKNOWN}


def test_requests_without_reply_time_out_and_waiting_arrivals_are_given_up(start_stub: StartStub) -> None:
    """Ten senders and no reply: timeouts for what was sent, not sent for what waited too long."""
    profile = start_stub("hang").profile(target={"timeout_s": 0.4})
    tally = measured_of(asyncio.run(load(profile, senders=10)))
    assert tally.timeouts > 0
    assert tally.not_sent > 0
    assert tally.completed == 0
    assert tally.latencies().percentiles_ms(0.5)[0] >= 400


def test_arrivals_go_on_whatever_is_left_unanswered(start_stub: StartStub) -> None:
    """An open model: twice as many senders as at the start, and every arrival is sent when it is due."""
    profile = start_stub("silent:2").profile(target={"timeout_s": 1.0})
    measured = asyncio.run(load(profile, rate_per_s=200.0, duration_s=2.0))
    tally = measured_of(measured)
    assert (tally.not_sent, tally.dropped) == (0, 0)
    assert 190 <= tally.timeouts <= 210
    assert max(state.peak_in_flight for state in measured.states) > 90


def test_arrivals_without_a_free_sender_can_be_dropped(start_stub: StartStub) -> None:
    """As k6 does: they are counted, and none waits."""
    profile = start_stub("delay:0.2").profile()
    tally = measured_of(asyncio.run(load(profile, senders=4, drop=True)))
    assert tally.dropped > 50
    assert tally.not_sent == 0
    assert tally.lag.percentiles_ms(0.5)[0] < 100


def test_a_mix_reads_and_updates_what_it_created(start_stub: StartStub) -> None:
    """Each operation has its own counters, and only creates have an outcome to verify."""
    stub = start_stub("fast")
    profile = stub.profile(target={"update": True})
    measured = asyncio.run(load(profile, mix="create=2,read=1,update=1", seed=5))
    shares = {op: tally.scheduled for op, tally in measured.ledger.measured.items()}
    assert sum(shares.values()) == 100
    assert shares[Operation.READ] + shares[Operation.UPDATE] == pytest.approx(50, abs=3)
    assert measured_of(measured).accepted == 100
    updates = sum(books[Operation.UPDATE].completed for books in (measured.ledger.warmup, measured.ledger.measured))
    assert stub.seen()["posts"] == measured.writes.outcomes.count(Outcome.ACCEPTED) + updates


def test_the_drain_waits_for_replies(start_stub: StartStub) -> None:
    """The last requests take longer than the rest of the run. None is lost, on two workers."""
    tally = measured_of(asyncio.run(load(start_stub("delay:0.6").profile(), workers=2)))
    assert (tally.completed, tally.unfinished) == (100, 0)


def test_stopping_drains_and_keeps_the_part_that_was_measured(start_stub: StartStub) -> None:
    """Sent requests get their replies, later arrivals are never due, and the window is shorter."""

    async def stopped() -> LoadResult:
        watch = Watch()
        watch.on_snapshot = lambda snapshot: watch.signals.stop.set() if snapshot.at_s > 0.5 else None
        return await load(start_stub("delay:0.1").profile(), watch, duration_s=30.0)

    measured = asyncio.run(stopped())
    tally = measured_of(measured)
    assert measured.stopped_s is not None
    assert 0 < measured.window_s < 5
    assert tally.unfinished == 0
    assert tally.completed == pytest.approx(100 * measured.window_s, abs=20)


def test_a_second_stop_does_not_wait_for_replies(start_stub: StartStub) -> None:
    """Open requests are unfinished, and their outcome is unknown."""

    async def killed() -> LoadResult:
        watch = Watch()

        def interrupt(snapshot: Snapshot) -> None:
            if snapshot.at_s > 0.5:
                watch.signals.stop.set()
                watch.signals.kill.set()

        watch.on_snapshot = interrupt
        return await load(start_stub("hang").profile(), watch, rate_per_s=50.0, duration_s=30.0)

    tally = measured_of(asyncio.run(killed()))
    assert tally.unfinished > 0
    assert tally.completed == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_worker_loses_its_share_and_nothing_else(start_stub: StartStub, workers: int) -> None:
    """Its arrivals are unknown or not sent, the other worker goes on, and all are accounted for."""

    def kill_one(snapshot: Snapshot) -> None:
        if snapshot.at_s > 0.5:
            processes = load_processes(os.getpid())
            victims = processes["worker"]
            if len(victims) == workers:
                os.kill(victims[-1], signal.SIGKILL)

    measured = asyncio.run(load(start_stub("fast").profile(), Watch(kill_one), workers=workers, duration_s=2.0))
    tally = measured_of(measured)
    assert len(measured.lost) == 1
    assert "its process ended" in measured.lost[0][1]
    assert tally.scheduled == 200
    assert tally.not_sent > 0
    assert tally.completed >= 100 * (workers - 1)
    assert Outcome.UNKNOWN in measured.writes.outcomes


def test_a_frozen_worker_is_given_up(start_stub: StartStub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run neither hangs nor looks complete."""
    monkeypatch.setattr(run_module, "_GRACE_S", 0.5)

    def freeze(_: Snapshot) -> None:
        for worker in load_processes(os.getpid())["worker"]:
            os.kill(worker, signal.SIGSTOP)

    profile = start_stub("fast").profile(target={"timeout_s": 0.3})
    measured = asyncio.run(load(profile, Watch(freeze), duration_s=2.0))
    assert "final ledger" in measured.lost[0][1]
    assert measured_of(measured).scheduled == 200


def test_a_worker_that_stalls_and_comes_back_loses_no_arrival(start_stub: StartStub) -> None:
    """Stopped for 1.5 s: its arrivals are late, none is lost, and the pacing shows it."""

    async def stalled() -> LoadResult:
        stall: list[asyncio.Task[None]] = []

        async def pause() -> None:
            (worker, _) = load_processes(os.getpid())["worker"]
            os.kill(worker, signal.SIGSTOP)
            await asyncio.sleep(1.5)  # the stall itself, not a wait for something
            os.kill(worker, signal.SIGCONT)

        def on_snapshot(snapshot: Snapshot) -> None:
            if snapshot.at_s > 0.5 and not stall:
                stall.append(asyncio.create_task(pause()))

        return await load(start_stub("fast").profile(), Watch(on_snapshot), workers=2, duration_s=3.0)

    measured = asyncio.run(stalled())
    tally = measured_of(measured)
    assert (tally.completed, measured.lost) == (300, ())
    assert measured.ledger.pacing.percentiles_ms(1.0) > (1000,), "the generator's own lateness"
    assert tally.service.percentiles_ms(0.9)[0] < 500, "the target is not to blame"


def test_workers_join_a_master_and_one_too_many_is_rejected(start_stub: StartStub) -> None:
    """The third of two gets nothing to do, and the load is the same as without it."""

    async def joined() -> LoadResult:
        workers: list[asyncio.subprocess.Process] = []
        opening: list[asyncio.Task[None]] = []

        async def add(port: str) -> None:
            worker = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "createflow.scenarios.load.node.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
            )
            workers.append(worker)
            assert worker.stdin is not None
            worker.stdin.write(b'{"master": {"host": "127.0.0.1", "port": %s}}\n' % port.encode())

        def tell(told: str) -> None:
            port = told.rpartition(":")[2]
            opening.extend(asyncio.create_task(add(port)) for _ in range(3))

        try:
            return await load(
                start_stub("fast").profile(),
                Watch(on_message=tell),
                workers=2,
                master=("127.0.0.1", 0),
                duration_s=4.0,
            )
        finally:
            for worker in workers:
                with contextlib.suppress(ProcessLookupError):
                    worker.kill()
                await worker.wait()

    measured = asyncio.run(joined())
    assert (measured_of(measured).completed, measured.lost, len(measured.rejected_hosts)) == (400, (), 1)
    assert {state.index for state in measured.states} == {0, 1}


@pytest.mark.parametrize(
    ("now_s", "timeout_s", "last_s", "sent", "is_silent"),
    [
        (20.0, 10.0, 8.0, 500, True),
        (18.0, 10.0, 8.0, 500, False),
        (20.0, 10.0, 8.0, 3, False),
        (30.0, 25.0, 8.0, 500, False),
        (34.0, 25.0, 8.0, 500, True),
        (12.0, 10.0, 0.0, 500, True),
    ],
)
def test_silence_is_longer_than_any_reply_may_take(
    now_s: float, timeout_s: float, last_s: float, sent: int, *, is_silent: bool
) -> None:
    """Of all workers, and of more than a few requests."""
    states = [
        NodeState(0, "tick", last_reply_s=last_s / 2, last_reply_k=1, sent_since_reply=0),
        NodeState(1, "tick", last_reply_s=last_s, last_reply_k=7, sent_since_reply=sent),
    ]
    found = run_module.find_silence(states, now_s, timeout_s)
    assert (found is not None) is is_silent
    if found is not None and last_s:
        assert (found.since_s, found.after_k, found.sent) == (last_s, 7, sent)


def test_only_the_user_sets_the_stop_signals() -> None:
    """A run without interruption leaves them unset."""
    assert not StopSignals(asyncio.Event(), asyncio.Event()).stop.is_set()


def test_tokens_are_renewed_during_the_run(start_stub: StartStub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command prints another token each time, valid for two seconds: the server receives several of them."""
    monkeypatch.setattr(run_module, "_RENEW_S", 0.2)
    stub = start_stub("fast")
    command = [sys.executable, "-c", "import time; print('token', time.time_ns(), sep='-')"]
    auth = {"kind": "command", "writer": command, "lifetime_s": 2.0}
    tally = measured_of(asyncio.run(load(stub.profile(auth=auth), duration_s=4.0)))
    assert tally.completed == 400
    assert stub.seen()["subjects"] >= 2
