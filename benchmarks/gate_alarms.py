"""How often ``createflow bench --baseline`` raises a false alarm, and how often it misses a slower target.

``python benchmarks/gate_alarms.py [--pairs 20] [--seconds 12] [--rate 100] [--at-once 4]``

Each pair is three whole runs against stubs of their own, at the same time, so that a busy machine disturbs all three:
one is the baseline, one is the same build again (an alarm is false), one takes 15 ms longer (no alarm is a miss). The
design allows one false alarm and one miss in twenty.
"""

# ruff: noqa: INP001, T201 - a script, not a module of the package
import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from createflow.scenarios.benchmark.run import benchmark
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.verdict.comparison import compare
from createflow.schemas.load_finding import Change, Comparison
from createflow.schemas.load_report import LoadReport
from createflow.schemas.profile import Profile

CREATED = b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"id":"1"}'
USUAL_MS, SLOWER_MS = 30.0, 45.0


class Stub(asyncio.Protocol):
    """Answers each request that arrives in one piece, as those of one sender do, after a while."""

    delay_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A sender is here."""
        self.transport = transport

    def data_received(self, _: bytes) -> None:
        """One request."""
        assert isinstance(self.transport, asyncio.Transport)  # noqa: S101 - it is a socket's
        asyncio.get_running_loop().call_later(self.delay_s, self.transport.write, CREATED)


async def serve(delay_ms: float) -> None:
    """Print the port, and serve until killed."""
    Stub.delay_s = delay_ms / 1000
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@asynccontextmanager
async def stub(delay_ms: float) -> AsyncIterator[str]:
    """The URL of a stub in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--stub", str(delay_ms), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.kill()
        await process.wait()


async def run(delay_ms: float, load: LoadOptions) -> LoadReport:
    """One run against a stub of its own."""
    async with stub(delay_ms) as url:
        return await benchmark(Profile.model_validate({"target": {"base_url": url}}), load)


def is_worse(comparison: Comparison) -> bool:
    """A number of the comparison is worse."""
    return any(number.change is Change.WORSE for number in comparison.numbers)


async def measure(pairs: int, at_once: int, load: LoadOptions) -> tuple[int, int]:
    """False alarms and misses."""
    places = asyncio.Semaphore(at_once)

    async def pair() -> tuple[bool, bool]:
        async with places:
            before, again, slower = await asyncio.gather(*(run(ms, load) for ms in (USUAL_MS, USUAL_MS, SLOWER_MS)))
            alarm, caught = (compare(before, now) for now in (again, slower))
            if alarm.refused or caught.refused:
                sys.exit(f"not compared: {alarm.refused + caught.refused}")
            return is_worse(alarm), not is_worse(caught)

    found = await asyncio.gather(*(pair() for _ in range(pairs)))
    return sum(alarm for alarm, _ in found), sum(miss for _, miss in found)


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--at-once", type=int, default=4, help="pairs, of three runs each")
    parser.add_argument("--stub", type=float, metavar="MS", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stub is not None:
        asyncio.run(serve(options.stub))
        return
    load = LoadOptions(rate_per_s=options.rate, duration_s=options.seconds, warmup_s=1.0, verify=False)
    began_s = time.monotonic()
    alarms, misses = asyncio.run(measure(options.pairs, options.at_once, load))
    print(f"{options.pairs} pairs of {options.seconds:g} s at {options.rate:g}/s, {time.monotonic() - began_s:.0f} s:")
    print(f"same build: {alarms} false alarms; {SLOWER_MS - USUAL_MS:g} ms more: {misses} missed")


if __name__ == "__main__":
    main()
