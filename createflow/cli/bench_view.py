"""A load report, and the generator's ceiling, on a terminal of 80 columns. The verdict is the last line."""

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from createflow.cli.messages import print_message
from createflow.scenarios.reports.load.content import Section, Severity, describe_load, describe_run, list_rates
from createflow.scenarios.reports.load.sections import list_sections
from createflow.scenarios.reports.load.verdict import severity_of, summarize
from createflow.scenarios.text.printable import foldable
from createflow.schemas.load_report import LoadReport

if TYPE_CHECKING:
    from createflow.scenarios.load.capacity.generator_ceiling import Ceiling

_STYLES = {Severity.PLAIN: "", Severity.GOOD: "green", Severity.BAD: "bold red", Severity.UNSURE: "yellow"}
_LABEL_WIDTH = 10


def print_report(console: Console, report: LoadReport) -> None:
    """Print the whole report."""
    console.print(Text(foldable(describe_run(report))), soft_wrap=True)
    console.print(Text(foldable(describe_load(report))))
    console.print()
    console.print(_headline(report))
    for section in list_sections(report):
        console.print()
        console.print(_render(section))
    console.print()
    verdict = _text(summarize(report))
    if console.is_terminal:
        console.print(Panel(verdict, box=box.HEAVY, style=_STYLES[severity_of(report)] or "bold", expand=False))
    else:
        console.print(verdict, soft_wrap=True)  # one line, so that it can be found in a log


def _text(text: str) -> Text:
    return Text(foldable(text))


def _headline(report: LoadReport) -> Text:
    first, *rest = list_rates(report)
    text = Text()
    text.append(f"{first[0].upper()} {first[1]}/s", "bold")
    for label, number in rest:
        text.append(f"   {label} {number}/s")
    return text


def _render(section: Section) -> RenderableType:
    parts: list[RenderableType] = [_table(section) if section.columns else _labels(section)]
    parts += [Padding(Text(foldable(line), "dim"), (0, 0, 0, 2)) for line in section.notes]
    return Group(*parts)


def _table(section: Section) -> Table:
    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        title=Text(foldable(section.title)),
        title_justify="left",
        title_style="bold",
    )
    for number, heading in enumerate(section.columns):
        is_text = number < section.text_columns
        table.add_column(
            heading, justify="left" if is_text else "right", overflow="fold", header_style="dim", no_wrap=not is_text
        )
    for row in section.rows:
        table.add_row(*map(_text, row.cells), style=_STYLES[row.severity] or None)
    return table


def _labels(section: Section) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.title, table.title_justify, table.title_style = Text(foldable(section.title)), "left", "bold"
    table.add_column(min_width=_LABEL_WIDTH, style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for row in section.rows:
        label, text = row.cells
        style = _STYLES[row.severity]
        table.add_row(Text(foldable(label), style or "dim"), _text(text))
    return table


def print_ceiling(console: Console, ceiling: "Ceiling") -> None:
    """Print the highest rate that the generator can send, and the runs that showed it."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("offered/s", "sent/s", "busiest worker", "stub", "late ms (p99)"):
        table.add_column(heading, justify="right")
    for run in ceiling.runs:
        table.add_row(
            f"{run.offered_per_s:,.0f}",
            f"{run.sent_per_s:,.0f}",
            f"{run.busiest_ratio:.0%}",
            f"{run.stub_ratio:.0%}",
            f"{run.pacing_p99_ms:.1f}",
        )
    console.print(table)
    print_message(console, ceiling.summary)
