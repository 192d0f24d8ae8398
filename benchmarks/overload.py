"""What the bundled stack does past its limit, and how soon it is as before.

``python benchmarks/overload.py [--services 2] [--capacity 150] [--seconds 8] [--picture FILE.svg]``. It starts a stack
whose services have this capacity together (``--capacity 0``: what the machine can do; then ``--rate`` says what that
is), and lets ``createflow bench`` offer 1, 1.5 and 3 times as much, one after the other. Then a load of two thirds of
the capacity goes up to three times the capacity and back; the picture is of that one. With each goes the load average
before it: generator and stack share the machine with whatever else runs.
"""

# ruff: noqa: INP001, T201 - a script, not a module of the package: it prints
import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from createflow.reference_server.stack.options import StackOptions
from createflow.reference_server.stack.stack import running_stack
from createflow.schemas.load_report import LoadReport, Moment

WARMUP_S = 4
USERS = 200
FACTORS = (1.0, 1.5, 3.0)
BEFORE_S, DURING_S, AFTER_S = 5, 8, 6
_REFUSED_RATIO, _FAST_MS = 0.01, 150.0
"""A second with no more refusals than this, and no slower, is calm."""


async def bench(profile: Path, folder: Path, *options: str, picture: Path | None = None) -> LoadReport:
    """Run a load and return its report."""
    file = folder / "load.json"
    command = [sys.executable, "-m", "createflow", "bench", "--profile", str(profile), "--no-verify"]
    command += ["--users", str(USERS), "--report", f"json={file}", *options]
    if picture is not None:
        command += ["--report", f"svg={picture}"]
    print(f"\nload average {os.getloadavg()[0]:.1f}: createflow bench {' '.join(options)}", flush=True)
    run = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    await run.wait()
    return LoadReport.model_validate_json(file.read_text(encoding="utf-8"))


def line(report: LoadReport, best_per_s: float) -> str:
    """What was accepted and refused, and how fast."""
    accepted, refused = report.accepted_response, report.refused_response
    return (
        f"offered {report.offered_per_s:7.0f}/s  accepted {report.accepted_per_s:7.1f}/s"
        f" ({report.accepted_per_s / best_per_s:4.0%} of the best)"
        f"  p99 {accepted.p99_ms:6.0f} ms  refused {refused.count:6}"
        f"  p50 {refused.p50_ms:5.1f}  p99 {refused.p99_ms:6.1f} ms  {report.statuses} {report.errors or ''}"
    )


def recovery_s(before: list[Moment], after: list[Moment]) -> float | None:
    """Seconds after the overload until they are as those before it; None: they are not.

    On a machine that does other things some requests are slow, and some refused, without any overload.
    """
    few = max(_REFUSED_RATIO, *map(_refused_ratio, before))
    fast_ms = max(_FAST_MS, *(moment.accepted_p99_ms for moment in before))
    strange = [
        number
        for number, moment in enumerate(after, 1)
        if _refused_ratio(moment) > few or moment.accepted_p99_ms > fast_ms
    ]
    seconds = float(max(strange, default=0))
    return None if seconds == len(after) else seconds


def _refused_ratio(moment: Moment) -> float:
    return moment.statuses.get("503", 0) / max(moment.offered, 1)


async def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=2)
    parser.add_argument("--capacity", type=float, default=150.0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    full_per_s = options.rate or options.capacity or 1000.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        stack_options = StackOptions(
            services=options.services, service_capacity_per_s=options.capacity / options.services
        )
        async with running_stack(
            folder / "state", stack_options, on_exit=lambda ended: print(ended.describe())
        ) as stack:
            reports = []
            for factor in FACTORS:
                load = ("--rate", f"{full_per_s * factor:g}", "--duration", f"{options.seconds}s")
                reports.append(await bench(stack.profile_file, folder, *load, "--warmup", f"{WARMUP_S}s"))
            best_per_s = max(1.0, *(report.accepted_per_s for report in reports))
            print("\n".join(line(report, best_per_s) for report in reports), flush=True)
            calm, much = full_per_s * 2 / 3, full_per_s * 3
            shape = f"{calm:g}/{BEFORE_S}s,{much:g}/{DURING_S}s,{calm:g}/{AFTER_S}s"
            report = await bench(
                stack.profile_file, folder, "--shape", shape, "--warmup", f"{WARMUP_S}s", picture=options.picture
            )
            begin_s, end_s = WARMUP_S + BEFORE_S, WARMUP_S + BEFORE_S + DURING_S
            before = [moment for moment in report.series if WARMUP_S <= moment.t_s < begin_s]
            after = [moment for moment in report.series if end_s <= moment.t_s < end_s + AFTER_S]
            took_s = recovery_s(before, after)
            print(line(report, best_per_s))
            print("as before", "not within this run" if took_s is None else f"{took_s:.0f} s after the overload")


if __name__ == "__main__":
    asyncio.run(main())
