"""The use case of ``createflow bench --self-test``: the highest rate that this machine's load generator can send."""

import asyncio
from collections.abc import Callable

from createflow.scenarios.benchmark.run import Observer, load_session
from createflow.scenarios.benchmark.session import open_session
from createflow.scenarios.load.accounting.ledger import count_in_window
from createflow.scenarios.load.capacity.generator_ceiling import Ceiling, CeilingRun, find_ceiling
from createflow.scenarios.load.fleet.child_process import ChildProcess
from createflow.scenarios.load.fleet.run import StopSignals
from createflow.scenarios.load.host.proc import read_cpu_s
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.schemas.error import TargetError
from createflow.schemas.profile import Profile

_RUN_S = 3.0
_WARMUP_S = 0.5
_SENDERS = 32
"""For each worker. The stub replies at once, so more senders would only wait."""
_GRACE_S = 2.0


async def measure_generator_ceiling(workers: int, on_message: Callable[[str], None]) -> Ceiling:
    """Load a stub server three times.

    Args:
        workers: load processes that share the rate.
        on_message: called with progress messages.

    Raises:
        TargetError: a process could not start.
    """
    stub = await ChildProcess.start("createflow.scenarios.load.capacity.stub_server")
    try:
        port: object = await anext(stub.messages(), None)
        if not isinstance(port, int):
            raise TargetError("the stub server of the self-test", stub.exit_reason)
        profile = Profile.model_validate({"target": {"base_url": f"http://127.0.0.1:{port}"}, "slo": {"targets": []}})

        async def run(rate_per_s: float) -> CeilingRun:
            on_message(f"self-test: {rate_per_s:,.0f}/s for {_RUN_S:g} s")
            return await _run(profile, rate_per_s, workers, stub.pid)

        return await find_ceiling(run, workers=workers)
    finally:
        await stub.stop(_GRACE_S)


async def _run(profile: Profile, rate_per_s: float, workers: int, stub_pid: int) -> CeilingRun:
    options = LoadOptions(
        rate_per_s=rate_per_s,
        duration_s=_RUN_S,
        warmup_s=_WARMUP_S,
        workers=workers,
        senders=_SENDERS * workers,
        verify=False,
    )
    async with open_session(profile, options) as session:
        before_s = read_cpu_s(stub_pid)
        result = await load_session(session, None, Observer(), StopSignals(asyncio.Event(), asyncio.Event()))
        stub_s = read_cpu_s(stub_pid) - before_s
    in_window = count_in_window(result.ledger.measured.values())
    (pacing_p99_ms,) = result.ledger.pacing.percentiles_ms(0.99)
    run_s = max((state.now_s for state in result.states), default=_RUN_S)
    return CeilingRun(
        offered_per_s=in_window.offered / result.window_s,
        sent_per_s=in_window.sent / result.window_s,
        requests=result.ledger.total().completed,
        cpu_s=sum(state.cpu_s for state in result.states),
        busiest_ratio=max((state.cpu_s / max(state.now_s, 0.1) for state in result.states), default=0.0),
        stub_ratio=stub_s / run_s,
        pacing_p99_ms=pacing_p99_ms,
    )
