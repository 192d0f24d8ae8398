"""The modes of a load, each as a function that runs it in this process."""

import asyncio
from collections.abc import Callable, Coroutine

from createflow.scenarios.benchmark.find_max import benchmark_at_max
from createflow.scenarios.benchmark.run import Observer, benchmark
from createflow.scenarios.load.fleet.child_process import join_master
from createflow.scenarios.load.fleet.run import StopSignals
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.schemas.load_report import LoadReport
from createflow.schemas.profile import Profile

Mode = Callable[[Profile, dict[str, object]], Coroutine[object, object, LoadReport]]


def options(**asked: object) -> LoadOptions:
    """A short load of all operations that is cleaned up, unless other options are asked for."""
    usual: dict[str, object] = {
        "rate_per_s": 60.0,
        "duration_s": 1.0,
        "warmup_s": 0.2,
        "users": 1,
        "mix": "create=2,read=1,update=1",
        "verify": False,
        "clean_up": True,
    }
    return LoadOptions(**(usual | asked))  # type: ignore[arg-type] # options of one test each


async def _load(profile: Profile, asked: dict[str, object]) -> LoadReport:
    return await benchmark(profile, options(**asked))


async def _find_max(profile: Profile, asked: dict[str, object]) -> LoadReport:
    signals = StopSignals(asyncio.Event(), asyncio.Event())
    return await benchmark_at_max(profile, options(**asked), profile_source="", observer=Observer(), signals=signals)


async def _joined(profile: Profile, asked: dict[str, object]) -> LoadReport:
    joining: list[asyncio.Task[None]] = []

    def tell(words: str) -> None:
        if "waiting for" in words:
            port = int(words.rpartition(":")[2])
            joining.append(asyncio.create_task(join_master("127.0.0.1", port, lambda _: None)))

    report = await benchmark(profile, options(master=("127.0.0.1", 0), **asked), observer=Observer(on_message=tell))
    await asyncio.gather(*joining)
    return report


MODES: dict[str, tuple[Mode, dict[str, object]]] = {
    "one process": (_load, {}),
    "workers": (_load, {"workers": 2}),
    "a master that workers join": (_joined, {}),
    "a closed model": (_load, {"shape": "closed:2", "duration_s": 0.5}),
    "the search for the highest rate": (_find_max, {"duration_s": 0.5}),
}
"""Each with the options that it needs."""
