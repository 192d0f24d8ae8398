"""The use case of ``createflow bench``: plan, start the nodes, watch, merge, judge."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from createflow import __version__
from createflow.scenarios.load.account import final_books, merged_books
from createflow.scenarios.load.fleet import Fleet, running_fleet
from createflow.scenarios.load.plan import LoadPlan, make_plan
from createflow.scenarios.load.preflight import preflight
from createflow.scenarios.load.progress import Progress, Totals, look
from createflow.scenarios.load.recorder import Recorder
from createflow.scenarios.load.verdict import Belief, believe, judge, remarks
from createflow.schemas.load_report import LoadReport, Validity
from createflow.schemas.profile import Profile

_LEAD_S = 0.3
"""From the order to start until the first arrival: enough for the order to reach every node."""
_LOOK_S = 0.2
_PATIENCE_S = 10.0
"""How much longer than it may need a node is waited for before it counts as lost."""
_SHOW_S = 0.9
"""Nodes speak once a second; rates over less than that would be noise."""


async def benchmark(
    profile: Profile,
    *,
    rate_per_s: float,
    duration_s: float,
    warmup_s: float = 2.0,
    users: int | None = None,
    workers: int = 1,
    senders: int | None = None,
    profile_source: str = "",
    on_tick: Callable[[Progress], None] = lambda _: None,
    stop: asyncio.Event | None = None,
    kill: asyncio.Event | None = None,
) -> LoadReport:
    """Offer a constant rate of creates and report what became of every single one.

    Args:
        profile: the target and its targets.
        rate_per_s: arrivals a second, whatever the replies do.
        duration_s: the measured window.
        warmup_s: before it, in no number.
        users: distinct principals.
        workers: load processes.
        senders: the most requests in flight.
        profile_source: where the profile came from, in words, for the report.
        on_tick: shown the progress about once a second.
        stop: when set, nothing more is sent; the report covers what was measured until then.
        kill: when set, not even replies are waited for.

    Raises:
        UserError: asked for nonsense, or the target says that we ask wrongly.
        TargetError: the target cannot be reached.
    """
    plan = make_plan(
        profile,
        rate_per_s=rate_per_s,
        duration_s=duration_s,
        warmup_s=warmup_s,
        users=users,
        workers=workers,
        senders=senders,
    )
    await preflight(plan)
    async with running_fleet(plan.node_configs()) as fleet:
        await fleet.ready()
        started_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        t0 = time.monotonic() + _LEAD_S
        fleet.start(time.time() + _LEAD_S)
        stopped_s = await _watched(
            fleet, plan, t0=t0, on_tick=on_tick, stop=stop or asyncio.Event(), kill=kill or asyncio.Event()
        )
        books = final_books(fleet, plan, t0=t0, stopped_s=stopped_s)
        return _report(fleet, plan, books, started_at=started_at, stopped_s=stopped_s, profile_source=profile_source)


async def _watched(
    fleet: Fleet,
    plan: LoadPlan,
    *,
    t0: float,
    on_tick: Callable[[Progress], None],
    stop: asyncio.Event,
    kill: asyncio.Event,
) -> float | None:
    """Look on until all nodes are done. Returns when the user stopped the run, if so, in seconds from its start."""
    stopped_s: float | None = None
    before = Totals()
    done = asyncio.create_task(fleet.done())
    waits = {done, asyncio.create_task(stop.wait()), asyncio.create_task(kill.wait())}
    end_s = plan.warmup_s + plan.duration_s
    try:
        while not done.done():
            await asyncio.wait(
                {wait for wait in waits if not wait.done()}, timeout=_LOOK_S, return_when="FIRST_COMPLETED"
            )
            now_s = time.monotonic() - t0
            if stop.is_set() and stopped_s is None and now_s < end_s:
                stopped_s = max(0.0, now_s)
                fleet.stop()
            # The last request may wait as long as it may be old, and then take as long as it may take.
            if kill.is_set() or now_s > end_s + 2 * plan.timeout_s + _PATIENCE_S:
                fleet.kill()
            before = _shown(fleet, plan, before, on_tick)
    finally:
        for wait in waits:
            wait.cancel()
    return stopped_s


def _shown(fleet: Fleet, plan: LoadPlan, before: Totals, on_tick: Callable[[Progress], None]) -> Totals:
    """Show the progress once all nodes have said something new. Returns the counts that were shown last."""
    states = [node.state for node in fleet.nodes if node.lost_s is None and node.state and node.state.kind != "ready"]
    at_s = sum(state.now_s for state in states) / max(1, len(states))
    if at_s - before.at_s < _SHOW_S:
        return before
    books = merged_books(fleet, plan)
    in_flight = sum(state.in_flight for state in states)
    now = Totals.of(books, at_s, in_flight)
    end_s = plan.warmup_s + plan.duration_s
    backlog = sum(state.backlog for state in states)
    on_tick(look(books, now, before, warmup_s=plan.warmup_s, end_s=end_s, in_flight=in_flight, backlog=backlog))
    return now


def _report(
    fleet: Fleet,
    plan: LoadPlan,
    books: Recorder,
    *,
    started_at: str,
    stopped_s: float | None,
    profile_source: str,
) -> LoadReport:
    window_s = plan.duration_s if stopped_s is None else max(0.0, stopped_s - plan.warmup_s)
    measured = books.measured
    slo = plan.profile.slo
    slos = judge(books, slo, rate_per_s=plan.rate_per_s, duration_s=window_s)
    cpu_ratio = max((state.cpu_ratio for state in fleet.states()), default=0.0)
    belief = believe(
        books,
        slo,
        slos,
        rate_per_s=plan.rate_per_s,
        senders=plan.senders,
        peak_in_flight=sum(state.peak_in_flight for state in fleet.states()),
        cpu_ratio=cpu_ratio,
    )
    if fleet.lost and stopped_s is None:
        names = ", ".join(f"{node.name} was lost" for node in fleet.lost)
        belief = Belief(Validity.INVALID, f"the results are incomplete: {names}")
    return LoadReport(
        createflow_version=__version__,
        run_id=plan.run_id,
        started_at=started_at,
        target=plan.url,
        profile=profile_source,
        interrupted=stopped_s is not None,
        shape=f"{plan.rate_per_s:g}/s for {window_s:.3g} s",
        rate_per_s=plan.rate_per_s,
        duration_s=window_s,
        warmup_s=plan.warmup_s,
        workers=plan.workers,
        senders=plan.senders,
        principals=max(1, len(plan.tokens)),
        offered_per_s=measured.scheduled / window_s if window_s else 0.0,
        sent_per_s=books.sent_in_window / window_s if window_s else 0.0,
        accepted_per_s=books.accepted_in_window / window_s if window_s else 0.0,
        ledger=measured.ledger(),
        warmup_ledger=books.warmup.ledger(),
        statuses=dict(sorted(measured.statuses.items())),
        errors=dict(sorted(measured.errors.items())),
        response=measured.merged().summary(),
        service=measured.histogram("service").summary(),
        lag=measured.histogram("lag").summary(),
        pacing=books.pacing.summary(),
        generator_cpu_ratio=cpu_ratio,
        validity=belief.validity,
        reasons=(belief.reason,) if belief.reason else (),
        slos=slos,
        notes=(*plan.notes, *remarks(books)),
    )
