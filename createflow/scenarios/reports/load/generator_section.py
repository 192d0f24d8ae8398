"""Whether the load itself was as it should be: the verdict about the numbers, each load process, the machine."""

from createflow.scenarios.reports.format.one_line import one_line
from createflow.scenarios.reports.load.figure import count, ms, per_s, percent
from createflow.scenarios.reports.load.section import Mood, Row, Section
from createflow.schemas.load_report import LoadReport, Machine, Validity, WorkerHealth

_MOODS = {Validity.VALID: Mood.GOOD, Validity.SUSPECT: Mood.UNSURE, Validity.INVALID: Mood.BAD}
_MEANINGS = {
    Validity.VALID: "the generator kept up: the numbers are the target's",
    Validity.SUSPECT: "something may have distorted the numbers",
    Validity.INVALID: "the numbers say nothing about the target",
}


def generator(report: LoadReport) -> Section:
    """The validity with its reasons, and what it rests on."""
    health = f"busiest load process {percent(report.generator_cpu_ratio)} of a core"
    if report.pacing is not None:
        health += f", woke up {ms(report.pacing.p99_ms)} ms late (p99)"
    rows = [Row((report.validity.value.upper(), _MEANINGS[report.validity]), _MOODS[report.validity])]
    rows += [Row(("because", one_line(reason)), _MOODS[report.validity]) for reason in report.reasons]
    rows.append(Row(("health", health)))
    if report.ceiling_per_s is not None:
        rows.append(Row(("ceiling", f"this machine can send {per_s(report.ceiling_per_s)}/s with these workers")))
    return Section("generator", tuple(rows))


def workers(report: LoadReport) -> Section:
    """One line a load process."""
    told = tuple(
        f"worker {found.index} was lost: {one_line(found.lost)}" for found in report.worker_health if found.lost
    )
    return Section(
        "load processes",
        tuple(map(_worker, report.worker_health)),
        columns=("", "CPU", "memory MB", "loop late ms", "GC ms", "connected", "in flight"),
        told=told,
    )


def machine(report: LoadReport) -> Section:
    """Where the load came from."""
    found = report.machine
    if found == Machine():
        return Section("machine", ())
    rows = [
        ("CPU", f"{count(found.cores, 'core')}, {one_line(found.cpu)}, {count(found.memory_mb)} MB"),
        ("system", f"{one_line(found.system)}, Python {one_line(found.python)}"),
        ("packages", ", ".join(f"{one_line(name)} {one_line(version)}" for name, version in found.packages.items())),
    ]
    if found.same_host:
        rows.append(("shared", "the target runs on this machine and shares its cores"))
    if found.steal_ratio:
        rows.append(("stolen", f"{percent(found.steal_ratio)} of the CPU time went to other machines of the host"))
    return Section("machine", tuple(Row(row) for row in rows if row[1]))


def _worker(found: WorkerHealth) -> Row:
    name = f"worker {found.index}" + (f" on {one_line(found.host)}" if found.host else "")
    if found.lost:
        return Row((f"{name} LOST", *[""] * 6), Mood.BAD)
    return Row(
        (
            name,
            percent(found.cpu_ratio),
            f"{found.memory_mb:.0f}",
            ms(found.loop_delay_p99_ms),
            ms(found.gc_pause_max_ms),
            count(found.connections_opened),
            f"{count(found.peak_in_flight)} of {count(found.senders)}",
        )
    )
