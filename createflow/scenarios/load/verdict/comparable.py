"""Whether two runs can be compared at all: the same load from the same machine, both measured well."""

from collections.abc import Iterator

from createflow.schemas.load_report import LoadReport, Machine, Moment, Validity

LEAST_SECONDS = 10
"""In each run: fewer say nothing of chance."""


def differences(baseline: LoadReport, now: LoadReport) -> list[str]:
    """Every reason why not, in words."""
    found = [*_machines(baseline.machine, now.machine)]
    if baseline.shape != now.shape:
        found.append(f"another load: {baseline.shape!r} then, {now.shape!r} now")
    elif not baseline.config_hash or baseline.config_hash != now.config_hash:
        found.append("another set-up: rate, mix, users, senders or body differ (config_hash)")
    for name, report in (("the baseline", baseline), ("this run", now)):
        if report.validity is Validity.INVALID:
            found.append(f"{name} is invalid: {'; '.join(report.reasons) or 'no reason given'}")
        if report.interrupted:
            found.append(f"{name} was interrupted")
        if (seconds := len(measured_seconds(report))) < LEAST_SECONDS:
            found.append(f"{name} has {seconds} measured seconds; {LEAST_SECONDS} are needed")
    return found


def measured_seconds(report: LoadReport) -> list[Moment]:
    """The whole seconds of the measured window."""
    end_s = report.warmup_s + report.duration_s
    return [moment for moment in report.series if report.warmup_s <= moment.t_s and moment.t_s + 1 <= end_s]


def _machines(before: Machine, now: Machine) -> Iterator[str]:
    if not before.cpu or not now.cpu:
        yield "another machine, perhaps: a run does not say which it came from"
    elif before.cpu != now.cpu:
        yield f"another machine: {before.cpu!r} then, {now.cpu!r} now"
    if before.cores != now.cores:
        yield f"{before.cores} cores then, {now.cores} now"
    if _minor(before.python) != _minor(now.python):
        yield f"Python {before.python} then, {now.python} now"
    if before.same_host != now.same_host:
        places = {True: "on the load's machine", False: "on a machine of its own"}
        yield f"the target ran {places[before.same_host]} then, and runs {places[now.same_host]} now"


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]
