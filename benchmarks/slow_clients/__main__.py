"""Thousands of slow and hostile connections beside 50 creates a second: what honest clients notice.

``python -m benchmarks.slow_clients [--connections 5000] [--seconds 20] [--per-s 500] [--kinds slow_head,idle]``. It
starts a stack of its own. For one kind after the other it opens connections, opens those again that the balancer
closes (``--per-s`` a second), and lets ``createflow bench --rate 50`` send creates beside them. A line says how many
connections were open (the median and the least), how many the balancer closed or refused, how many creates were sent
and accepted, their latencies in ms (a failed one counts as endless), how late the load generator itself was, and the
CPU and memory of HAProxy and the gateway. The mixture is all six slow kinds at once; then come a rapid reset of HTTP/2
and a flood of CONTINUATION frames, on six connections each.

Each connection needs a file descriptor here and one in HAProxy: the hard limit (``ulimit -Hn``) must be a few hundred
above the number of connections here, and twice that number for HAProxy (17,000 for its 8,192 connections; with less it
takes fewer).

The clients come from 127.0.0.2 and up, a source address a kind; the creates come from 127.0.0.1.
"""

# ruff: noqa: T201 - a script, not a module of the package: it prints
import argparse
import asyncio
import json
import resource
import signal
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import psutil

from benchmarks.slow_clients.clients import beside
from benchmarks.slow_clients.kinds import FLOODS, SLOW
from benchmarks.slow_clients.tokens import token_of
from createflow.reference_server.stack.options import StackOptions
from createflow.reference_server.stack.stack import RunningStack, running_stack

WARMUP_S = 2.0


def attack(options: argparse.Namespace) -> None:
    """Hold connections until standard input ends; print the figures once a second. Runs in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    counts = json.loads(options.attack)
    closed = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), closed.set()), daemon=True).start()
    per_s = options.per_s / max(len(counts), 1)
    with beside(("127.0.0.1", options.port), counts, options.token, per_s=per_s) as all_kinds:
        while not closed.wait(1.0):
            figures = [clients.figures for clients in all_kinds]
            names = ("held", "opened", "closed", "refused", "sent_bytes")
            print(json.dumps({name: sum(getattr(each, name) for each in figures) for name in names}), flush=True)


async def measure(stack: RunningStack, title: str, counts: dict[str, int], options: argparse.Namespace) -> None:
    """Print a line."""
    token = token_of(stack.profile_file.parent) if options.with_token else ""
    command = [
        sys.executable,
        "-m",
        "benchmarks.slow_clients",
        "--attack",
        json.dumps(counts),
        "--port",
        str(options.port),
    ]
    command += ["--token", token, "--per-s", f"{options.per_s:g}"]
    pids = {row.name: row.pid for row in await stack.rows()}
    balancer, gateway = psutil.Process(pids["haproxy"]), psutil.Process(pids["gateway-1"])
    seen: deque[dict[str, int]] = deque(maxlen=100_000)
    attacker = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert attacker.stdout is not None  # noqa: S101 - for the type checker
    assert attacker.stdin is not None  # noqa: S101 - for the type checker

    async def listen(out: asyncio.StreamReader) -> None:
        while line := await out.readline():
            seen.append(json.loads(line))

    listener = asyncio.create_task(listen(attacker.stdout))
    wanted = sum(counts.values())
    deadline = time.monotonic() + 1.2 * wanted / options.per_s + 2
    while time.monotonic() < deadline and not (seen and seen[-1]["held"] >= wanted):
        await asyncio.sleep(0.2)
    seen_before = len(seen)
    cpu = [_cpu_s(process) for process in (balancer, gateway)]
    begun = time.monotonic()
    report = await bench(stack, options)
    took_s = time.monotonic() - begun
    used = [(_cpu_s(process) - was) / took_s for process, was in zip((balancer, gateway), cpu, strict=True)]
    attacker.stdin.close()
    await attacker.wait()
    await listener
    during = list(seen)[max(seen_before - 1, 0) :] or [{"held": 0, "closed": 0, "opened": 0, "refused": 0}]
    held = sorted(line["held"] for line in during)
    memory = balancer.memory_info().rss / 2**20
    print(
        f"{title:<16}{held[len(held) // 2]:>7,}{held[0]:>7,}{during[-1]['closed']:>8,}{during[-1]['refused']:>8,}"
        f" {report} {used[0]:>8.0%}{used[1]:>8.0%}{memory:>7.0f}",
        flush=True,
    )


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def bench(stack: RunningStack, options: argparse.Namespace) -> str:
    """Send creates; return their latencies and failures."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [
            sys.executable,
            "-m",
            "createflow",
            "bench",
            "--profile",
            str(stack.profile_file),
            "--allow-commands",
        ]
        command += ["--rate", f"{options.rate:g}", "--duration", f"{options.seconds:g}s", "--warmup", f"{WARMUP_S:g}s"]
        run = await asyncio.create_subprocess_exec(
            *command, f"--report=json={file.name}", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        text = (await run.communicate())[0].decode()
        try:
            report: dict[str, Any] = json.loads(Path(file.name).read_text())
        except ValueError:
            return f"no report: {text[-300:]}"
    return summary(report)


def summary(report: dict[str, Any]) -> str:
    """Return the part of the line that is about the creates; latencies count failures as endless."""
    ledger, latency, pacing = report["ledger"], report["failure_aware"], report["pacing"] or {"p99_ms": 0.0}
    created = sum(number for status, number in report["statuses"].items() if status == "201")
    fields = (created, ledger["scheduled"], latency["p50_ms"], latency["p99_ms"], latency["max_ms"])
    accepted, scheduled, *milliseconds = fields
    line = f"{scheduled:>7,} {accepted:>8,}" + "".join(f"{_ms(value):>8}" for value in milliseconds)
    return line + f"{_ms(pacing['p99_ms']):>8}"


def _ms(value: float | str) -> str:
    return f"{float(value):.1f}"


async def main() -> None:
    """Measure each kind once and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--per-s", type=float, default=500.0)
    parser.add_argument("--kinds", default=",".join((*SLOW, "mixture", *FLOODS)))
    parser.add_argument("--with-token", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--attack", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--token", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.attack:
        attack(options)
        return
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        state = Path(directory) / "state"
        async with running_stack(state, StackOptions(), on_exit=lambda ended: print(ended.describe())) as stack:
            options.port = int(stack.base_url.rpartition(":")[2])
            print(f"{'':<16}{'held':>7}{'least':>7}{'closed':>8}{'refused':>8} {'sent':>7}{'accepted':>9}", end="")
            print(f"{'p50':>8}{'p99':>8}{'max':>8}{'late':>8} {'HAProxy':>8}{'gateway':>8}{'MB':>7}")
            await measure(stack, "none", {}, options)
            for kind in options.kinds.split(","):
                if kind == "mixture":
                    counts = {name: options.connections // len(SLOW) for name in SLOW}
                else:
                    counts = {kind: 6 if kind in FLOODS else options.connections}
                await measure(stack, kind, counts, options)


if __name__ == "__main__":
    asyncio.run(main())
