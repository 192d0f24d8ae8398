"""Runs the load engine against a target, without verdicts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from createflow.scenarios.load.accounting.ledger import Counters, sum_counters
from createflow.scenarios.load.fleet.run import LoadResult, Snapshot, StopSignals, run_load
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.plan.plan import make_plan
from createflow.scenarios.load.plan.principals import Principals
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile import Profile


@dataclass
class Watch:
    """What a test does during the run."""

    on_snapshot: Callable[[Snapshot], None] = lambda _: None
    signals: StopSignals = field(default_factory=lambda: StopSignals(asyncio.Event(), asyncio.Event()))
    on_message: Callable[[str], None] = lambda _: None


async def load(profile: Profile, watch: Watch | None = None, **asked: object) -> LoadResult:
    """One run, by default of 100/s for 1 s after 0.5 s of warm-up."""
    watch = watch or Watch()
    options = {"rate_per_s": 100.0, "duration_s": 1.0, "warmup_s": 0.5} | asked
    plan = make_plan(profile, LoadOptions(**options))  # type: ignore[arg-type] # options of one test each
    async with Principals(profile.auth, 10, run_id=plan.run_id, mask=Mask()) as principals:
        return await run_load(
            plan,
            principals,
            variables={"run_id": plan.run_id},
            known=(("/api/resources/warm", 0),),
            signals=watch.signals,
            on_snapshot=watch.on_snapshot,
            on_message=watch.on_message,
        )


def measured_of(result: LoadResult) -> Counters:
    """The measured window, all operations together."""
    return sum_counters(result.ledger.measured.values())


def load_processes(pid: int) -> dict[str, list[int]]:
    """The process ids of the load processes, by their module."""
    found: dict[str, list[int]] = {"master": [], "worker": []}
    for child in psutil.Process(pid).children():
        module = child.cmdline()[-1].removeprefix("createflow.scenarios.load.node.")
        if module in found:
            found[module].append(child.pid)
    return found
