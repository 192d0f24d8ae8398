"""What every format shows: a headline, and sections of rows, each row with a severity."""

import math
from dataclasses import dataclass
from enum import StrEnum

from createflow.scenarios.reports.format.text import format_count, format_rate, one_line
from createflow.schemas.load_report import LoadReport, SloVerdict


class Severity(StrEnum):
    """How a line is meant. The text must say it too: colour alone does not reach everybody."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table. Every cell is one line of printable text."""

    cells: tuple[str, ...]
    severity: Severity = Severity.PLAIN

    def __post_init__(self) -> None:
        """Escape what does not print: some cells quote the target or a saved report."""
        object.__setattr__(self, "cells", tuple(map(one_line, self.cells)))


@dataclass(frozen=True, slots=True)
class Section:
    """A table with a title. Without columns, the rows are pairs of a label and a text."""

    title: str
    rows: tuple[Row, ...]
    columns: tuple[str, ...] = ()
    text_columns: int = 1
    """This many columns, from the left, hold text; the others hold numbers."""
    notes: tuple[str, ...] = ()
    """Lines below the table."""

    def __post_init__(self) -> None:
        """As for the cells."""
        object.__setattr__(self, "title", one_line(self.title))
        object.__setattr__(self, "notes", tuple(map(one_line, self.notes)))


def list_rates(report: LoadReport) -> list[tuple[str, str]]:
    """Label and rate per second, the most important first: verified writes where writes were verified."""
    label = "read back" if report.verification is not None and report.verification.is_read_back else "verified"
    verified = [(label, format_rate(report.verified_per_s))] if report.verified_per_s is not None else []
    return [
        *verified,
        ("accepted", format_rate(report.accepted_per_s)),
        ("sent", format_rate(report.sent_per_s)),
        ("offered", format_rate(report.offered_per_s)),
    ]


def describe_load(report: LoadReport) -> str:
    """The requested load, in one line."""
    parts = [
        f"{one_line(report.shape)} after {report.warmup_s:g} s of warm-up",
        *([f"Poisson (seed {report.seed})"] if report.poisson else []),
        format_count(report.principals, "user"),
        format_count(report.workers, "worker"),
        f"at most {format_count(report.senders)} in flight" + (", the rest dropped" if report.drop else ""),
    ]
    return ", ".join(parts)


def describe_run(report: LoadReport) -> str:
    """Target, profile and run, in one line."""
    return f"{one_line(report.target)} ({one_line(report.profile)}, run {one_line(report.run_id)})"


def format_seen(slo: SloVerdict) -> str:
    """The observed value with the unit of its target."""
    if math.isinf(slo.seen):
        return "inf: too many failed"
    number = f"{slo.seen:,.0f}" if abs(slo.seen) >= 1000 else f"{slo.seen:.4g}"
    return f"{number}{' ' if slo.unit in {'ms', 's'} else ''}{one_line(slo.unit)}"
