"""What a request costs the generator: our node beside stock FastHttpUser, against the same stub, in one run.

``python benchmarks/generator_cost.py [--seconds 5] [--rate 500]``. Needs nothing but the installed package. The figures
are requests per CPU-second of the generating process; compare them with each other, not with another machine's.

Each generator runs twice: saturated (as many requests as 32 senders can make; the cost of a request alone) and at a
fixed rate (what a run really costs, waking up for single requests included).
"""

# ruff: noqa: INP001, S101, T201 - a script, not a module of the package: it prints, and its assertions may end it
import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from createflow.scenarios.load.message import NodeConfig, NodeState, encode

STUB = Path(__file__).resolve().parent.parent / "tests" / "scenarios" / "load" / "stub_server.py"
SENDERS = 32
BODY = '{"name":"load cost %(k)s","description":"Created by createflow bench.","metadata":{"arrival":%(k)s}}'
TOKEN = "x" * 400


@contextmanager
def stub() -> Iterator[str]:
    """A server that answers 201 at once, in a process of its own."""
    with subprocess.Popen([sys.executable, STUB, "fast"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def ours(url: str, *, rate_per_s: float, seconds: float) -> tuple[int, float]:
    """Requests and CPU seconds of one load node."""
    config = NodeConfig(
        index=0,
        of=1,
        run_id="cost",
        base_url=url,
        path="/api/resources",
        ca_file=None,
        headers={},
        tokens=(TOKEN,),
        body=BODY,
        media_type="application/json",
        accept="application/json",
        credential=("Authorization", "Bearer"),
        rate_per_s=rate_per_s,
        warmup_s=0.0,
        duration_s=seconds,
        senders=SENDERS,
        timeout_s=1.0,
        drain_s=1.0,
    )
    command = [sys.executable, "-m", "createflow.scenarios.load.node"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(config.encode())
        process.stdin.flush()
        process.stdout.readline()
        process.stdin.write(encode({"start": time.time() + 0.1}))
        process.stdin.flush()
        states = [NodeState.decode(line) for line in process.stdout]
    books = states[-1].books
    assert books is not None
    return books["measured"]["completed"], states[-1].cpu_ratio * states[-1].ended_s


def stock(url: str, *, rate_per_s: float, seconds: float) -> tuple[int, float]:
    """Requests and CPU seconds of FastHttpUser as its documentation shows it; rate 0 is as fast as it can."""
    command = [sys.executable, __file__, "--stock", url, str(rate_per_s), str(seconds)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return int(output[0]), float(output[1])


def run_stock(url: str, rate_per_s: float, seconds: float) -> None:
    """The process that ``stock`` starts."""
    import gevent
    from locust import FastHttpUser, constant, constant_throughput, task
    from locust.env import Environment

    class StockUser(FastHttpUser):
        """One user, one request after the other."""

        host = url
        wait_time = constant_throughput(rate_per_s / SENDERS) if rate_per_s else constant(0)

        @task
        def create(self) -> None:
            """POST a create with a body of the same size."""
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
            self.client.post("/api/resources", data=BODY % {"k": 1}, headers=headers)

    runner = Environment(user_classes=[StockUser]).create_local_runner()
    runner.start(SENDERS, spawn_rate=SENDERS)
    gevent.sleep(0.5)
    cpu_s, count = time.process_time(), runner.stats.total.num_requests
    gevent.sleep(seconds)
    cpu_s, count = time.process_time() - cpu_s, runner.stats.total.num_requests - count
    print(count, cpu_s, flush=True)
    os._exit(0)


def main() -> None:
    """Measure in turns, print the best of three of each and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=500.0)
    options = parser.parse_args()
    with stub() as url:
        for title, our_rate, stock_rate in (
            ("saturated", 100_000.0, 0.0),
            (f"{options.rate:g}/s", options.rate, options.rate),
        ):
            best = {"createflow node": 0.0, "stock FastHttpUser": 0.0}
            for _ in range(3):
                for name, (count, cpu_s) in {
                    "createflow node": ours(url, rate_per_s=our_rate, seconds=options.seconds),
                    "stock FastHttpUser": stock(url, rate_per_s=stock_rate, seconds=options.seconds),
                }.items():
                    best[name] = max(best[name], count / cpu_s)
            for name, per_cpu_s in best.items():
                print(f"{title:>10}  {name:<20} {per_cpu_s:>9,.0f} requests per CPU-second")
            print(f"{title:>10}  ratio {best['createflow node'] / best['stock FastHttpUser']:.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stock"]:
        run_stock(sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
    else:
        main()
