"""All that a load report tells, in the order in which it is told; formats for people draw the same."""

from createflow.scenarios.reports.format.one_line import one_line
from createflow.scenarios.reports.load import generator_section, latency_section, target_section, write_section
from createflow.scenarios.reports.load.section import Mood, Row, Section
from createflow.schemas.load_report import LoadReport


def sections(report: LoadReport) -> tuple[Section, ...]:
    """Those that have something to say."""
    found = (
        target_section.targets(report),
        write_section.arrivals(report),
        latency_section.latencies(report),
        write_section.sinks(report),
        latency_section.operations(report),
        write_section.lags(report),
        target_section.comparison(report),
        generator_section.generator(report),
        generator_section.workers(report),
        generator_section.machine(report),
        _notes(report),
    )
    return tuple(section for section in found if section.rows)


def _notes(report: LoadReport) -> Section:
    return Section("notes", tuple(Row(("note", one_line(note)), Mood.PLAIN) for note in report.notes))
