"""Measures what fails on each seeded defect, to write ``pinned_failures.json`` by.

``python -m tests.e2e.measure_failures OUTPUT [--step STEP ...] [--at-once 2] [NAME ...]``

OUTPUT gets one line of JSON for each defect: what failed with what was seen, and what stayed undecided. A defect that
has a line already is left out, so that an interrupted measurement goes on. At the end it says where the table differs.
"""

# ruff: noqa: T201 - it is a command
import argparse
import asyncio
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import uvloop

from createflow.reference_server.defects.registry import DEFECTS, find_defect
from createflow.schemas.report import Outcome
from tests.e2e.pinned_failures import Pinned, report_on, table
from tests.e2e.seeded_reference import BEHIND, send_to_backend
from tests.up_stack import UpCommand, start_up_command, stop_up_command

_LIMIT_S = 150.0


def main() -> None:
    """Measure, in as many processes as are wanted, each with a stack of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--step", action="append", default=[])
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    options = parser.parse_intermixed_args()
    chosen = options.names or [
        name for name, defect in DEFECTS.items() if not options.step or defect.step.value in options.step
    ]
    left = [name for name in chosen if name not in _measured(options.output)]
    if options.alone:
        _measure(left, options.output)
        return
    command = [sys.executable, "-m", __spec__.name if __spec__ else __name__, "--alone", str(options.output)]
    shares = [left[number :: options.at_once] for number in range(options.at_once)]
    processes = [subprocess.Popen([*command, *share]) for share in shares if share]
    for process in processes:
        process.wait()
    _compare(options.output, chosen)


def _measured(output: Path) -> dict[str, dict[str, dict[str, str]]]:
    lines = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
    return {name: one for line in lines for name, one in json.loads(line).items()}


def _measure(names: Sequence[str], output: Path) -> None:
    gc.disable()  # each run makes little that refers to itself
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        up = start_up_command(Path(directory))
        try:
            _each([name for name in names if find_defect(name).seed.process not in BEHIND], up, output)
            behind = [name for name in names if find_defect(name).seed.process in BEHIND]
            if behind:
                _run(lambda: send_to_backend(up, "kill"))
                _each(behind, up, output)
        finally:
            stop_up_command(up)


def _each(names: Sequence[str], up: UpCommand, output: Path) -> None:
    for name in names:
        start = time.monotonic()
        try:
            one = _run(lambda name=name: asyncio.wait_for(_seen(up, name), _LIMIT_S))
        except Exception as error:  # noqa: BLE001 - the others are measured all the same
            print(f"{name}: {type(error).__name__}: {error}"[:300], flush=True)
            continue
        gc.collect()
        with output.open("a", encoding="utf-8") as file:
            file.write(json.dumps({name: one}) + "\n")
        print(f"{name}: {len(one['failed'])} in {time.monotonic() - start:.0f} s", flush=True)


async def _seen(up: UpCommand, name: str) -> dict[str, dict[str, str]]:
    report = await report_on(up, find_defect(name))
    return {
        "failed": {
            one.id: f"{one.outcome.value}: {one.finding.seen if one.finding else one.reason}"
            for one in report.results
            if one.outcome in {Outcome.FAILED, Outcome.BROKEN}
        },
        "undecided": {one.id: one.reason for one in report.results if one.outcome is Outcome.INCONCLUSIVE},
        "skipped": {one.id: one.reason for one in report.results if one.outcome is Outcome.SKIPPED},
    }


def _run(start: Callable[..., object]) -> object:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(start())


def _compare(output: Path, names: Sequence[str]) -> None:
    measured, pinned = _measured(output), table()
    for name in names:
        if name in measured:
            failed = frozenset(measured[name]["failed"])
            one = pinned.get(name, Pinned(frozenset(), {}, {}))
            for sign, ids in (("+", failed - one.fails - one.besides(failed)), ("-", one.fails - failed)):
                for check in sorted(ids):
                    print(f"{name} {sign} {check} {measured[name]['failed'].get(check, '')[:160]}")


if __name__ == "__main__":
    main()
