"""Whether each seeded defect is caught every time: the checks that name it, again and again on a stack that has it.

``python benchmarks/caught_defects.py [--repeat 10] [--as-run] [--all | NAME ...]``

Without names: the defects that depend on chance or on what overlaps. With ``--as-run`` the stack keeps all promises, as
that of ``createflow run`` does; otherwise those only that a check needs. A line for each check says in how many runs it
failed; a check that was skipped because an earlier one had reported the same counts too. Exit status 1 if one was not
caught each time.
"""

# ruff: noqa: INP001, T201 - a script, not a module of the package
import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from createflow.reference_server.defects.registry import DEFECTS
from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.harness.check import Check, Need
from createflow.schemas.flow import Step

_COMMAND = (sys.executable, "-m", "createflow")
_LIMIT_S = 300.0
_READY = "test it"
_BY_CHANCE = re.compile(
    r"\bone \w+ (\w+ )?in [\w-]+\b|same time|concurrent|overlap|meanwhile|together|at once|\blate\b|late commit",
    re.IGNORECASE,
)
_WRITING = {Step.BUSINESS_LOGIC, Step.WRITE_PRIMARY}
_OPTIONS = {Need.PRIVATE: "--private", Need.UNIQUE_NAME: "--unique-names"}
"""Only where a check needs them: unique names, for example, also refuse what a repeated key would create."""
_CONDITIONAL = "business_logic.unconditional_update_is_428"
_SHAPES = {"watermark_not_announced": ("--services", "2")}


@contextmanager
def stack_with(defect: str, checks: Sequence[Check], folder: Path, *, as_run: bool) -> Iterator[Path]:
    """A stack that has the defect; its profile."""
    state, output = folder / "state", folder / "up.txt"
    with output.open("wb") as file:
        options = {option for check in checks for need, option in _OPTIONS.items() if need in check.needs}
        options |= {"--conditional-updates" for check in checks if check.id == _CONDITIONAL}
        options |= {*_OPTIONS.values(), "--conditional-updates"} if as_run else set()
        command = [*_COMMAND, "up", "--state", str(state), "--defect", defect, *options, *_SHAPES.get(defect, ())]
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + _LIMIT_S
        while _READY not in output.read_text(encoding="utf-8"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(output.read_text(encoding="utf-8"))
            time.sleep(0.1)
        yield state / "profile.toml"
    finally:
        process.terminate()
        process.wait()


def run_once(profile: Path, only: Sequence[str], report: Path) -> dict[str, dict[str, Any]]:
    """The result of each check, by its id."""
    command = [*_COMMAND, "run", "--profile", str(profile), "--report", f"json={report}"]
    for prefix in only:
        command += ["--only", prefix]
    report.unlink(missing_ok=True)
    subprocess.run(command, check=False, timeout=_LIMIT_S, capture_output=True)
    results = json.loads(report.read_text(encoding="utf-8"))["results"]
    return {result["id"]: result for result in results}


def is_caught(result: dict[str, Any], results: dict[str, dict[str, Any]]) -> bool:
    """Whether a check failed, or left it to another one that did."""
    others = re.findall(r"see ([\w.]+\w)", result["reason"])
    return result["outcome"] == "failed" or any(results.get(one, {}).get("outcome") == "failed" for one in others)


def repeat(defect: str, times: int, *, as_run: bool) -> Counter[str]:
    """How often each check that names the defect has caught it."""
    checks = [check for check in CATALOGUE if defect in check.catches]
    only = {check.id for check in checks}
    if any(check.at_end for check in checks):
        only |= {one.id for one in CATALOGUE if one.step in _WRITING and not one.at_end and not one.disturbs}
    caught: Counter[str] = Counter({check.id: 0 for check in checks})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        with stack_with(defect, checks, folder, as_run=as_run) as profile:
            for _ in range(times):
                results = run_once(profile, sorted(only), folder / "report.json")
                caught.update(check.id for check in checks if is_caught(results[check.id], results))
    return caught


def main() -> None:
    """Print a line for each check of each defect."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--all", action="store_true", help="every defect, which takes hours")
    parser.add_argument("--as-run", action="store_true", help="on a stack as createflow run starts it")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    by_chance = [name for name, defect in DEFECTS.items() if options.all or _BY_CHANCE.search(defect.breaks)]
    missed = 0
    for defect in options.names or by_chance:
        for check, count in repeat(defect, options.repeat, as_run=options.as_run).items():
            missed += count < options.repeat
            print(f"{count:>3} of {options.repeat}  {defect:<32} {check}", flush=True)
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
