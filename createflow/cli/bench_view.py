"""A finished LoadReport, drawn within 80 columns; the verdict stands last, where a terminal ends."""

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from createflow.scenarios.reports.load.headline import asked, rates, where
from createflow.scenarios.reports.load.section import Mood, Section
from createflow.scenarios.reports.load.sections import sections
from createflow.scenarios.reports.load.verdict import mood, sentence
from createflow.schemas.load_report import LoadReport

_STYLES = {Mood.PLAIN: "", Mood.GOOD: "green", Mood.BAD: "bold red", Mood.UNSURE: "yellow"}
_LABEL_WIDTH = 10


def print_report(console: Console, report: LoadReport) -> None:
    """Print all of it."""
    console.print(Text(where(report)), soft_wrap=True)
    console.print(Text(asked(report)))
    console.print()
    console.print(_headline(report))
    for section in sections(report):
        console.print()
        console.print(_drawn(section))
    console.print()
    verdict = Text(sentence(report))
    if console.is_terminal:
        console.print(Panel(verdict, box=box.HEAVY, style=_STYLES[mood(report)] or "bold", expand=False))
    else:
        console.print(verdict, soft_wrap=True)  # one line: a log is searched


def _headline(report: LoadReport) -> Text:
    first, *rest = rates(report)
    text = Text()
    text.append(f"{first[0].upper()} {first[1]}/s", "bold")
    for label, number in rest:
        text.append(f"   {label} {number}/s")
    return text


def _drawn(section: Section) -> RenderableType:
    parts: list[RenderableType] = [_table(section) if section.columns else _labels(section)]
    parts += [Padding(Text(line, "dim"), (0, 0, 0, 2)) for line in section.told]
    return Group(*parts)


def _table(section: Section) -> Table:
    table = Table(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), title=section.title, title_justify="left", title_style="bold"
    )
    for number, heading in enumerate(section.columns):
        words = number < section.left
        table.add_column(
            heading, justify="left" if words else "right", overflow="fold", header_style="dim", no_wrap=not words
        )
    for row in section.rows:
        table.add_row(*map(Text, row.cells), style=_STYLES[row.mood] or None)
    return table


def _labels(section: Section) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.title, table.title_justify, table.title_style = section.title, "left", "bold"
    table.add_column(min_width=_LABEL_WIDTH, style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for row in section.rows:
        label, text = row.cells
        style = _STYLES[row.mood]
        table.add_row(Text(label, style or "dim"), Text(text))
    return table
