"""One section of the page: a table, or labels with their texts."""

from html import escape

from createflow.scenarios.reports.load.section import Row, Section


def section(found: Section) -> str:
    """Headed, with what is said below it."""
    told = "".join(f"<p>{escape(line)}</p>" for line in found.told)
    inside = _table(found) if found.columns else _labels(found)
    return f"<section><h2>{escape(found.title)}</h2>{inside}{told}</section>\n"


def _table(found: Section) -> str:
    head = "".join(
        f'<th scope="col"{_side(number, found)}>{escape(name)}</th>' for number, name in enumerate(found.columns)
    )
    body = "".join(_row(row, found) for row in found.rows)
    # The fold scrolls by itself on a narrow screen, and so must be reachable by keyboard.
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(found.title)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Row, found: Section) -> str:
    cells = "".join(f"<td{_side(number, found)}>{escape(text)}</td>" for number, text in enumerate(row.cells))
    return f'<tr class="{row.mood}">{cells}</tr>'


def _side(number: int, found: Section) -> str:
    return "" if number < found.left else ' class="number"'


def _labels(found: Section) -> str:
    rows = "".join(
        f'<dt class="{row.mood}">{escape(row.cells[0])}</dt><dd>{escape(row.cells[1])}</dd>' for row in found.rows
    )
    return f"<dl>{rows}</dl>"
