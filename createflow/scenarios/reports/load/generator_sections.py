"""Sections about the load generator: the validity of its numbers, its processes, its machine."""

from createflow.scenarios.reports.format.text import format_count, format_ms, format_percent, format_rate, one_line
from createflow.scenarios.reports.load.content import Row, Section, Severity
from createflow.schemas.load_report import LoadReport, Machine, Validity, WorkerHealth

_SEVERITIES = {Validity.VALID: Severity.GOOD, Validity.SUSPECT: Severity.UNSURE, Validity.INVALID: Severity.BAD}
_MEANINGS = {
    Validity.VALID: "the generator kept up: the numbers describe the target",
    Validity.SUSPECT: "the numbers may be distorted",
    Validity.INVALID: "the numbers say nothing about the target",
}


def generator(report: LoadReport) -> Section:
    """The validity with its reasons, and the measurements behind it."""
    health = f"busiest load process {format_percent(report.generator_cpu_ratio)} of a core"
    if report.pacing is not None:
        health += f", woke up {format_ms(report.pacing.p99_ms)} ms late (p99)"
    severity = _SEVERITIES[report.validity]
    rows = [Row((report.validity.value.upper(), _MEANINGS[report.validity]), severity)]
    rows += [Row(("because", one_line(reason)), severity) for reason in report.reasons]
    rows.append(Row(("health", health)))
    if report.ceiling_per_s is not None:
        ceiling = f"this machine can send {format_rate(report.ceiling_per_s)}/s with these workers"
        rows.append(Row(("ceiling", ceiling)))
    return Section("generator", tuple(rows))


def workers(report: LoadReport) -> Section:
    """One row for each load process."""
    return Section(
        "load processes",
        tuple(map(_worker, report.worker_health)),
        columns=("", "CPU", "RAM MB", "loop delay ms", "GC ms", "connections", "in flight"),
        notes=tuple(
            f"worker {worker.index} was lost: {one_line(worker.lost)}" for worker in report.worker_health if worker.lost
        ),
    )


def _worker(worker: WorkerHealth) -> Row:
    name = f"worker {worker.index}" + (f" on {one_line(worker.host)}" if worker.host else "")
    if worker.lost:
        return Row((f"{name} LOST", *[""] * 6), Severity.BAD)
    return Row(
        (
            name,
            format_percent(worker.cpu_ratio),
            f"{worker.memory_mb:.0f}",
            format_ms(worker.loop_delay_p99_ms),
            format_ms(worker.gc_pause_max_ms),
            format_count(worker.connections_opened),
            f"{format_count(worker.peak_in_flight)} of {format_count(worker.senders)}",
        )
    )


def machine(report: LoadReport) -> Section:
    """The machine that made the load."""
    machine = report.machine
    if machine == Machine():
        return Section("machine", ())
    packages = ", ".join(f"{one_line(name)} {one_line(version)}" for name, version in machine.packages.items())
    cores = format_count(machine.cores, "core")
    rows = [
        ("CPU", f"{cores}, {one_line(machine.cpu)}, {format_count(machine.memory_mb)} MB"),
        ("system", f"{one_line(machine.system)}, Python {one_line(machine.python)}"),
        ("packages", packages),
    ]
    if machine.same_host:
        rows.append(("shared", "the target runs on this machine and shares its cores"))
    if machine.steal_ratio:
        steal = format_percent(machine.steal_ratio)
        rows.append(("steal", f"{steal} of the CPU time went to other virtual machines of the host"))
    return Section("machine", tuple(Row(row) for row in rows if row[1]))
