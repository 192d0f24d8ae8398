"""Markdown: for a job's summary or a comment. What a target says stands in code, where nothing is markup."""

from createflow.scenarios.reports.format.markdown_text import code
from createflow.scenarios.reports.load.headline import asked, rates, where
from createflow.scenarios.reports.load.section import Row, Section
from createflow.scenarios.reports.load.sections import sections
from createflow.scenarios.reports.load.verdict import sentence
from createflow.schemas.load_report import LoadReport


def render(report: LoadReport) -> str:
    """The whole report: verdict, rates, and every section as a table."""
    numbers = rates(report)
    lines = [
        f"# {_words(sentence(report))}",
        "",
        code(where(report)),
        "",
        code(asked(report)),
        "",
        f"| {' | '.join(f'{label}/s' for label, _ in numbers)} |",
        f"|{'--:|' * len(numbers)}",
        f"| {' | '.join(number for _, number in numbers)} |",
    ]
    for section in sections(report):
        lines += ["", f"## {_words(section.title)}", "", *_table(section)]
        if section.told:
            lines += ["", *(f"- {_words(line)}" for line in section.told)]
    return "\n".join(lines) + "\n"


def _table(section: Section) -> list[str]:
    columns = section.columns or ("", "")
    left = section.left if section.columns else len(columns)
    rule = "|" + "---|" * left + "--:|" * (len(columns) - left)
    return [f"| {' | '.join(columns)} |", rule, *(_row(row, left) for row in section.rows)]


def _row(row: Row, left: int) -> str:
    cells = [_cell(text) if number < left else text for number, text in enumerate(row.cells)]
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    # A bar ends a cell even inside code.
    return _words(text).replace("|", r"\|")


def _words(text: str) -> str:
    """As it is when nothing in it can be markup, else as code."""
    harmless = all(char.isalnum() or char in " ,.;:=+%/()'-" for char in text) and not any(
        start in text for start in ("://", "www.")
    )
    return text if harmless else code(text)
