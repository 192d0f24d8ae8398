"""Carries out one planned load: start the nodes, watch, stop, and gather what they counted."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from createflow.scenarios.load.accounting.ledger import Books
from createflow.scenarios.load.accounting.series import Series
from createflow.scenarios.load.fleet.fleet import Fleet, running_fleet
from createflow.scenarios.load.fleet.merge import final_books, writes
from createflow.scenarios.load.plan.message import NodeState
from createflow.scenarios.load.plan.plan import LoadPlan
from createflow.scenarios.load.plan.principals import Principals
from createflow.scenarios.load.plan.write_log import Writes

_LEAD_S = 0.5
"""From the order to start until the first arrival: enough for the order to reach every node."""
_LOOK_S = 0.2
_PATIENCE_S = 10.0
"""How much longer than it may need a node is waited for before it counts as lost."""
_RENEW_S = 5.0


@dataclass(frozen=True, slots=True)
class Look:
    """The state of a run while it goes on."""

    series: Series
    at_s: float
    """Seconds from its start; negative before it."""
    missing: int
    """Nodes whose heartbeat stays away."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a load came to: complete books, whoever got lost."""

    plan: LoadPlan
    started_at: str
    stopped_s: float | None
    """When the user ended the run, if so, seconds from its start."""
    books: Books
    series: Series
    writes: Writes
    states: tuple[NodeState, ...]
    """The last of each node."""
    lost: tuple[tuple[int, str], ...]
    """Which nodes got lost, and why."""
    late: tuple[str, ...]
    """Hosts of workers that came too late."""
    t0_s: float
    """The start of the run on the clock of ``time.monotonic``."""

    @property
    def window_s(self) -> float:
        """The measured window, as far as the run got."""
        if self.stopped_s is None:
            return self.plan.window_s
        return max(0.0, self.stopped_s - self.plan.warmup_s)


@dataclass(frozen=True, slots=True)
class Signals:
    """How the user ends a run."""

    stop: asyncio.Event
    """Send nothing more, and wait for replies."""
    kill: asyncio.Event
    """Wait for nothing."""


async def run_load(
    plan: LoadPlan,
    principals: Principals,
    *,
    variables: dict[str, str],
    known: tuple[tuple[str, int], ...],
    signals: Signals,
    on_look: Callable[[Look], None] = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
) -> Measured:
    """Offer the planned arrivals, each once.

    Args:
        plan: what is to be done.
        principals: who asks.
        variables: what set-up requests captured.
        known: see ``LoadPlan.node_configs``.
        signals: set by the user to end the run.
        on_look: shown the state about once a second.
        tell: told in words what is waited for, and where Locust's web page is.

    Raises:
        TargetError: a load process could not start, or workers did not join.
    """
    series = Series()
    asked = plan.asked
    async with running_fleet(
        asked.workers, series.hear, master=asked.master, web_port=asked.web_port, tell=tell
    ) as fleet:
        await fleet.configure(plan.node_configs(principals.credentials(), variables, known))
        started_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        t0 = time.monotonic() + _LEAD_S
        fleet.start(time.time() + _LEAD_S)
        renewing = asyncio.create_task(_renew(fleet, principals))
        try:
            stopped_s = await _watched(fleet, series, plan, t0=t0, signals=signals, on_look=on_look)
        finally:
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing
        return Measured(
            plan=plan,
            started_at=started_at,
            stopped_s=stopped_s,
            books=final_books(fleet, series, plan, t0=t0, stopped_s=stopped_s),
            series=series,
            writes=writes(fleet, plan),
            states=tuple(fleet.states()),
            lost=tuple((node.index, f"{node.name}: {node.why_lost}") for node in fleet.lost),
            late=tuple(fleet.late),
            t0_s=t0,
        )


async def _renew(fleet: Fleet, principals: Principals) -> None:
    """Hand younger tokens on as soon as there are any."""
    before = principals.credentials()
    while True:
        await asyncio.sleep(_RENEW_S)
        now = principals.credentials()
        if now != before:
            before = now
            fleet.renew(now)


async def _watched(
    fleet: Fleet,
    series: Series,
    plan: LoadPlan,
    *,
    t0: float,
    signals: Signals,
    on_look: Callable[[Look], None],
) -> float | None:
    """Look on until all nodes are done. Returns when the user stopped the run, if so, in seconds from its start."""
    stopped_s: float | None = None
    done = asyncio.create_task(fleet.done())
    waits = {done, asyncio.create_task(signals.stop.wait()), asyncio.create_task(signals.kill.wait())}
    end_s, seen = plan.schedule.duration_s, 0
    try:
        while not done.done():
            await asyncio.wait(
                {wait for wait in waits if not wait.done()}, timeout=_LOOK_S, return_when="FIRST_COMPLETED"
            )
            now_s = time.monotonic() - t0
            if signals.stop.is_set() and stopped_s is None and now_s < end_s:
                stopped_s = max(0.0, now_s)
                fleet.stop()
            if signals.kill.is_set():
                fleet.kill("the run was ended without waiting for replies")
            _give_up(fleet, late_s=now_s - (end_s if stopped_s is None else stopped_s), timeout_s=plan.timeout_s)
            if len(series.seconds) > seen:
                seen = len(series.seconds)
                on_look(Look(series, now_s, sum(node.missing for node in fleet.nodes)))
    finally:
        for wait in waits:
            wait.cancel()
    return stopped_s


def _give_up(fleet: Fleet, *, late_s: float, timeout_s: float) -> None:
    """Stop waiting for nodes that should be done.

    The last request may wait as long as it may be old, and then take as long as it may take. A node without a heartbeat
    is given only the time to come back.
    """
    waiting = [node for node in fleet.nodes if not node.done.is_set()]
    if late_s > 2 * timeout_s + _PATIENCE_S:
        fleet.give_up(waiting, "it did not send its final books in time")
    elif late_s > _PATIENCE_S:
        fleet.give_up([node for node in waiting if node.missing], "its heartbeat stayed away")
