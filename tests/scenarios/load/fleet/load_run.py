"""Runs the load engine against a target without the verdicts around it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from createflow.scenarios.load.accounting.ledger import total
from createflow.scenarios.load.accounting.tally import Tally
from createflow.scenarios.load.fleet.run import Look, Measured, Signals, run_load
from createflow.scenarios.load.plan.options import Asked
from createflow.scenarios.load.plan.plan import make_plan
from createflow.scenarios.load.plan.principals import Principals
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile import Profile


@dataclass
class Watch:
    """What a test does while the run goes on."""

    on_look: Callable[[Look], None] = lambda _: None
    signals: Signals = field(default_factory=lambda: Signals(asyncio.Event(), asyncio.Event()))
    tell: Callable[[str], None] = lambda _: None


async def load(profile: Profile, watch: Watch | None = None, **asked: object) -> Measured:
    """One run of 100/s for 1 s after 0.5 s of warm-up, unless asked otherwise."""
    watch = watch or Watch()
    options = {"rate_per_s": 100.0, "duration_s": 1.0, "warmup_s": 0.5} | asked
    plan = make_plan(profile, Asked(**options))  # type: ignore[arg-type] # options of one test each
    async with Principals(profile, 10, run_id=plan.run_id, mask=Mask()) as principals:
        return await run_load(
            plan,
            principals,
            variables={"run_id": plan.run_id},
            known=(("/api/resources/warm", 0),),
            signals=watch.signals,
            on_look=watch.on_look,
            tell=watch.tell,
        )


def measured_of(measured: Measured) -> Tally:
    """The measured window, all operations together."""
    return total(measured.books.measured.values())


def load_processes(pid: int) -> dict[str, list[int]]:
    """The load processes of a process, by what they are."""
    found: dict[str, list[int]] = {"node": [], "master": [], "worker": []}
    for child in psutil.Process(pid).children():
        module = child.cmdline()[-1].removeprefix("createflow.scenarios.load.node.")
        if module in found:
            found[module].append(child.pid)
    return found
