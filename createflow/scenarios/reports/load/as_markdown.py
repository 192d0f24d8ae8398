"""Markdown for the summary of a CI job or a comment."""

from createflow.scenarios.reports.format.markdown import code, escape, table
from createflow.scenarios.reports.load.content import Section, describe_load, describe_run, list_rates
from createflow.scenarios.reports.load.sections import list_sections
from createflow.scenarios.reports.load.verdict import summarize
from createflow.schemas.load_report import LoadReport


def render(report: LoadReport) -> str:
    """The verdict, the rates, and every section as a table."""
    rates = list_rates(report)
    lines = [
        f"# {escape(summarize(report))}",
        "",
        code(describe_run(report)),
        "",
        code(describe_load(report)),
        "",
        *table([f"{label}/s" for label, _ in rates], [[number for _, number in rates]], align=">" * len(rates)),
    ]
    for section in list_sections(report):
        lines += ["", f"## {escape(section.title)}", "", *_table(section)]
        if section.notes:
            lines += ["", *(f"- {escape(note)}" for note in section.notes)]
    return "\n".join(lines) + "\n"


def _table(section: Section) -> list[str]:
    columns = section.columns or ("", "")
    text_columns = section.text_columns if section.columns else len(columns)
    align = "<" * text_columns + ">" * (len(columns) - text_columns)
    return table(columns, [row.cells for row in section.rows], align=align)
