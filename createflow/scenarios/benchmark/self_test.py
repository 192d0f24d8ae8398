"""The use case of ``createflow bench --self-test``: what this machine's generator can send at most."""

import asyncio
from collections.abc import Callable

from createflow.scenarios.benchmark.run import Audience, loaded, staged
from createflow.scenarios.load.accounting.ledger import total
from createflow.scenarios.load.fleet.child_process import Child
from createflow.scenarios.load.fleet.run import Signals
from createflow.scenarios.load.host.proc import cpu_s
from createflow.scenarios.load.plan.options import Asked
from createflow.scenarios.load.search.ceiling import Ceiling, CeilingRun, find_ceiling
from createflow.schemas.error import TargetError
from createflow.schemas.profile import Profile

_RUN_S = 3.0
_WARMUP_S = 0.5
_SENDERS = 32
"""For each worker: the stub answers at once, so more would only wait."""
_GRACE_S = 2.0


async def self_test(workers: int, tell: Callable[[str], None]) -> Ceiling:
    """Load the quickest stub there is, three times.

    Args:
        workers: load processes that share the rate.
        tell: told in words what goes on.

    Raises:
        TargetError: a process could not start.
    """
    stub = await Child.start("createflow.scenarios.load.search.ceiling_stub")
    try:
        port: object = await anext(stub.messages(), None)
        if not isinstance(port, int):
            raise TargetError("the stub of the self-test", stub.last_words)
        profile = Profile.model_validate({"target": {"base_url": f"http://127.0.0.1:{port}"}, "slo": {"targets": []}})

        async def offer(rate_per_s: float) -> CeilingRun:
            tell(f"self-test: {rate_per_s:,.0f}/s for {_RUN_S:g} s")
            return await _offer(profile, rate_per_s, workers, stub.pid)

        return await find_ceiling(offer, workers=workers)
    finally:
        await stub.ended(_GRACE_S)


async def _offer(profile: Profile, rate_per_s: float, workers: int, stub_pid: int) -> CeilingRun:
    asked = Asked(
        rate_per_s=rate_per_s,
        duration_s=_RUN_S,
        warmup_s=_WARMUP_S,
        workers=workers,
        senders=_SENDERS * workers,
        verify=False,
    )
    async with staged(profile, asked) as stage:
        before_s = cpu_s(stub_pid)
        measured = await loaded(stage, None, Audience(), Signals(asyncio.Event(), asyncio.Event()))
        stub_s = cpu_s(stub_pid) - before_s
    tally = total(measured.books.measured.values())
    (pacing_p99_ms,) = measured.books.pacing.percentiles_ms(0.99)
    run_s = max((state.now_s for state in measured.states), default=_RUN_S)
    return CeilingRun(
        offered_per_s=tally.scheduled / measured.window_s,
        sent_per_s=tally.sent_in_window / measured.window_s,
        requests=measured.books.all().completed,
        cpu_s=sum(state.cpu_s for state in measured.states),
        busiest_ratio=max((state.cpu_s / max(state.now_s, 0.1) for state in measured.states), default=0.0),
        stub_ratio=stub_s / run_s,
        pacing_p99_ms=pacing_p99_ms,
    )
