"""Whether a sound reference is accused: ``createflow run`` on the bundled stack, again and again.

``python benchmarks/silent_runs.py [--runs 20] [--with-hog 5]``

Each run must exit 0, with nothing failed, inconclusive, broken or skipped. Beside the last runs a process uses a CPU as
long as they last. Exit status 1 if a run was not silent.
"""

# ruff: noqa: INP001, T201 - a script, not a module of the package
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

_LIMIT_S = 300.0
_BURN = "while True: pass"


@contextmanager
def cpu_hog() -> Iterator[None]:
    """Use one CPU inside the block."""
    process = subprocess.Popen([sys.executable, "-c", _BURN])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def run_once(report: Path) -> tuple[int, float, list[dict[str, Any]]]:
    """Exit status, seconds with start and end of the stack, and the results of one run."""
    command = [sys.executable, "-m", "createflow", "run", "--report", f"json={report}"]
    start = time.perf_counter()
    ended = subprocess.run(
        command, check=False, timeout=_LIMIT_S, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    took_s = time.perf_counter() - start
    if not report.is_file():
        print(ended.stderr, file=sys.stderr)
        return ended.returncode, took_s, []
    return ended.returncode, took_s, json.loads(report.read_text(encoding="utf-8"))["results"]


def describe(result: dict[str, Any]) -> str:
    """One line on a result that is not passed."""
    finding = result.get("finding") or {}
    seen = f"expected {finding['expected']}; seen {finding['seen']}" if finding else result.get("reason", "")
    return f"    {result['outcome']} {result['id']}: {seen}"[:400]


def main() -> None:
    """Print a line for each run, with what is not passed below it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--with-hog", type=int, default=5, help="of the runs, so many with a CPU hog beside them")
    options = parser.parse_args()
    times: dict[bool, list[float]] = {False: [], True: []}
    loud = 0
    print("run  hog exit      s passed failed unclear skipped  load before and after")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1, options.runs + 1):
            has_hog = number > options.runs - options.with_hog
            before = os.getloadavg()[0]
            if has_hog:
                with cpu_hog():
                    status, took_s, results = run_once(Path(folder) / f"{number}.json")
            else:
                status, took_s, results = run_once(Path(folder) / f"{number}.json")
            counts = Counter(result["outcome"] for result in results)
            times[has_hog].append(took_s)
            others = [result for result in results if result["outcome"] != "passed"]
            loud += status != 0 or bool(others) or not results
            print(
                f"{number:>3} {'yes' if has_hog else 'no':>4} {status:>4} {took_s:>6.1f} {counts['passed']:>6} "
                f"{counts['failed']:>6} {counts['inconclusive'] + counts['broken']:>7} {counts['skipped']:>7} "
                f"{before:>5.1f} {os.getloadavg()[0]:>6.1f}",
                *map(describe, others),
                sep="\n",
                flush=True,
            )
    for has_hog, taken in times.items():
        if taken:
            beside = "with a hog" if has_hog else "alone"
            print(f"{len(taken)} runs {beside}: {min(taken):.1f} to {max(taken):.1f} s, median {median(taken):.1f}")
    print(f"{options.runs - loud} of {options.runs} runs were silent")
    raise SystemExit(1 if loud else 0)


if __name__ == "__main__":
    main()
