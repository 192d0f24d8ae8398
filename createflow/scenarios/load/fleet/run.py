"""Runs one planned load: starts the workers, watches them, stops them, and collects their results."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from createflow.scenarios.load.accounting.ledger import Ledger
from createflow.scenarios.load.accounting.series import Series
from createflow.scenarios.load.accounting.tail_recorder import TailRow
from createflow.scenarios.load.fleet.fleet import Fleet, open_fleet
from createflow.scenarios.load.fleet.merge_workers import merge_ledgers, merge_writes
from createflow.scenarios.load.plan.created import CreatedLog, CreatedRow
from createflow.scenarios.load.plan.messages import NodeState
from createflow.scenarios.load.plan.plan import LoadPlan
from createflow.scenarios.load.plan.principals import Principals
from createflow.scenarios.load.plan.write_log import Writes

_LEAD_S = 0.5
"""From the start command to the first arrival: enough for the command to reach every worker."""
_POLL_S = 0.2
_GRACE_S = 10.0
"""How long after its last possible reply a worker may take before it counts as lost."""
_RENEW_S = 5.0
_SILENT_S = 11.0
"""Without any reply for so long, the target is silent; longer than the default of ``timeout_s``."""
_SILENT_REQUESTS = 10
"""Sent meanwhile, at least: fewer may all be lost by chance."""
_SILENT_DRAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a run in progress."""

    series: Series
    at_s: float
    """Seconds from the start of the run; negative before it."""
    missing: int
    """Number of workers that send no heartbeat."""
    partial: "Callable[[], LoadResult] | None" = None
    """Returns the result as if the run was stopped now, without the writes."""


@dataclass(frozen=True, slots=True)
class Silence:
    """The target gave no reply any more, to any request."""

    since_s: float
    """When the last reply came, in seconds from the start of the run; 0 if none ever did."""
    after_k: int
    """The arrival that it answered."""
    sent: int
    """Requests that were sent since."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load measured. The ledger is complete, even if workers were lost."""

    plan: LoadPlan
    started_at: str
    stopped_s: float | None
    """When the run was stopped, in seconds from its start. None: it ran to its end."""
    silence: Silence | None
    """Why it was stopped, if it was not the user."""
    ledger: Ledger
    series: Series
    writes: Writes
    created: CreatedLog
    """What the workers created, if the plan says that it is removed."""
    to_read: CreatedLog
    """What they created of the sample that is read after the load; see ``LoadPlan.read_back_ratio``."""
    states: tuple[NodeState, ...]
    """The last message of each worker."""
    kept: tuple[TailRow, ...]
    """Single replies that the workers kept, with the parts of their time; see ``TailRecorder``."""
    lost: tuple[tuple[int, str], ...]
    """Index of each lost worker, and why it was lost."""
    rejected_hosts: tuple[str, ...]
    """Hosts of workers that joined when there were enough already."""
    t0_s: float
    """Start of the run on ``time.monotonic``."""

    @property
    def window_s(self) -> float:
        """Length of the measured window, as far as the run got."""
        if self.stopped_s is None:
            return self.plan.window_s
        return max(0.0, self.stopped_s - self.plan.warmup_s)


@dataclass(frozen=True, slots=True)
class StopSignals:
    """Set by the user to end a run early."""

    stop: asyncio.Event
    """Send no more requests, and wait for replies."""
    kill: asyncio.Event
    """End at once, without waiting for replies."""
    is_loading: asyncio.Event = field(default_factory=asyncio.Event)
    """Set as long as there is a load that the others can end. Before and after it, the task is to be cancelled."""


async def run_load(
    plan: LoadPlan,
    principals: Principals,
    *,
    variables: Mapping[str, str | int],
    known: tuple[tuple[str, int], ...],
    signals: StopSignals,
    on_snapshot: Callable[[Snapshot], None] = lambda _: None,
    on_message: Callable[[str], None] = lambda _: None,
    on_created: Callable[[Sequence[CreatedRow]], None] = lambda _: None,
    on_renewed: Callable[[], None] = lambda: None,
    late_pipes: Sequence[int] = (),
) -> LoadResult:
    """Offer the planned arrivals, each once.

    Args:
        plan: the run.
        principals: who sends the requests.
        variables: values that set-up requests captured.
        known: see ``LoadPlan.node_configs``.
        signals: set by the user to end the run.
        on_snapshot: called about once a second.
        on_message: called with messages for the user, such as the address of Locust's web page.
        on_created: called with what the workers created, if the plan says that it is removed.
        on_renewed: called when tokens were renewed.
        late_pipes: open files, one for each worker of this machine; see ``RunGuardian.late_pipes``.

    Raises:
        TargetError: a load process could not start, or workers did not join.
    """
    series = Series()
    options = plan.options
    async with open_fleet(
        options.workers,
        series.add,
        master=options.master,
        web_port=options.web_port,
        on_message=on_message,
        on_created=on_created,
        late_pipes=late_pipes,
    ) as fleet:
        await fleet.configure(plan.node_configs(principals.credentials(), variables, known))
        started_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        t0 = time.monotonic() + _LEAD_S

        def result(
            stopped_s: float | None, ledger: Ledger, writes: Writes, silence: Silence | None = None
        ) -> LoadResult:
            return LoadResult(
                plan=plan,
                started_at=started_at,
                stopped_s=stopped_s,
                silence=silence,
                ledger=ledger,
                series=series,
                writes=writes,
                created=fleet.created,
                to_read=fleet.to_read,
                states=tuple(fleet.states()),
                kept=tuple(row for node in fleet.nodes for row in node.kept.rows),
                lost=tuple((node.index, f"{node.name}: {node.lost_reason}") for node in fleet.lost),
                rejected_hosts=tuple(fleet.rejected_hosts),
                t0_s=t0,
            )

        def partial() -> LoadResult:
            unknown = Writes(plan.run_id, b"", b"", "the run goes on")
            now_s = min(max(0.0, time.monotonic() - t0), plan.schedule.duration_s)
            return result(now_s, series.ledger, unknown)

        signals.is_loading.set()
        fleet.start(time.time() + _LEAD_S)
        renewing = asyncio.create_task(_renew_credentials(fleet, principals, on_renewed))
        try:
            watching = _watch(fleet, series, plan, t0=t0, signals=signals, on_snapshot=on_snapshot, partial=partial)
            stopped_s, silence = await watching
        finally:
            signals.is_loading.clear()
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing
        ledger = merge_ledgers(fleet, series, plan, t0=t0, stopped_s=stopped_s)
        return result(stopped_s, ledger, merge_writes(fleet, plan), silence)


async def _renew_credentials(fleet: Fleet, principals: Principals, on_renewed: Callable[[], None]) -> None:
    """Send renewed tokens to the workers as soon as there are any."""
    before = principals.credentials()
    while True:
        await asyncio.sleep(_RENEW_S)
        now = principals.credentials()
        if now != before:
            before = now
            fleet.set_credentials(now)
            on_renewed()


async def _watch(
    fleet: Fleet,
    series: Series,
    plan: LoadPlan,
    *,
    t0: float,
    signals: StopSignals,
    on_snapshot: Callable[[Snapshot], None],
    partial: Callable[[], LoadResult],
) -> tuple[float | None, Silence | None]:
    """Watch until all workers are done.

    Returns:
        When the run was stopped, in seconds from its start, and the silence of the target that stopped it, if so.
    """
    stopped_s: float | None = None
    silence: Silence | None = None
    done = asyncio.create_task(fleet.wait_done())
    waits = {done, asyncio.create_task(signals.stop.wait()), asyncio.create_task(signals.kill.wait())}
    end_s, seconds_shown = plan.schedule.duration_s, 0
    try:
        while not done.done():
            await asyncio.wait(
                {wait for wait in waits if not wait.done()}, timeout=_POLL_S, return_when="FIRST_COMPLETED"
            )
            now_s = time.monotonic() - t0
            if signals.stop.is_set() and stopped_s is None and now_s < end_s:
                stopped_s = max(0.0, now_s)
                fleet.stop()
            if silence is None and (silence := find_silence(fleet.states(), now_s, plan.timeout_s)) is not None:
                stopped_s = min(now_s, end_s) if stopped_s is None else stopped_s
                fleet.stop(_SILENT_DRAIN_S)
            if signals.kill.is_set():
                fleet.kill("the run was ended without waiting for replies")
            _give_up_late(fleet, late_s=now_s - (end_s if stopped_s is None else stopped_s), timeout_s=plan.timeout_s)
            if len(series.seconds) > seconds_shown:
                seconds_shown = len(series.seconds)
                on_snapshot(Snapshot(series, now_s, sum(node.is_missing for node in fleet.nodes), partial))
    finally:
        for wait in waits:
            wait.cancel()
    return stopped_s, silence


def find_silence(states: Sequence[NodeState], now_s: float, timeout_s: float) -> Silence | None:
    """That no worker has had a reply for so long that none is to be expected.

    Args:
        states: the latest message of each worker.
        now_s: seconds from the start of the run.
        timeout_s: how long one reply may take.
    """
    if not states:
        return None
    last = max(states, key=lambda state: state.last_reply_s)
    sent = sum(state.sent_since_reply for state in states)
    if sent < _SILENT_REQUESTS or now_s - last.last_reply_s < max(_SILENT_S, timeout_s):
        return None
    return Silence(last.last_reply_s, last.last_reply_k, sent)


def _give_up_late(fleet: Fleet, *, late_s: float, timeout_s: float) -> None:
    """Stop waiting for workers that should be done.

    The last arrival may wait for a sender for one timeout, and its request may take another. A worker without a
    heartbeat gets only the grace period.
    """
    waiting = [node for node in fleet.nodes if not node.done.is_set()]
    if late_s > 2 * timeout_s + _GRACE_S:
        fleet.give_up(waiting, "it did not send its final ledger in time")
    elif late_s > _GRACE_S:
        fleet.give_up([node for node in waiting if node.is_missing], "it sent no heartbeat")
