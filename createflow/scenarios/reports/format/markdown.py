"""Markdown in which the text of a target cannot become markup."""

import re
from collections.abc import Iterable, Sequence

from createflow.scenarios.reports.format.text import one_line, printable_lines

_PLAIN = frozenset(" ,.;:=+%/()'-?!§\"")
"""Punctuation that is no markup inside a sentence."""
_NUMBERS = re.compile(r"(?:[0-9.,%+/: ()-]|[a-z]{1,12}(?![a-z.@])|[<>]=?(?=[ 0-9]))*", re.IGNORECASE)
"""Numbers and words, where nothing can be a link. At the start of a cell no sign begins a list."""
_STARTS_BLOCK = re.compile(r"\s|[^\w(]|\d+[.)]")
"""At the start of a line it could be a list, a heading's rule or a quotation."""


def escape(text: str) -> str:
    """The text itself when nothing in it can be markup, otherwise as inline code."""
    # An underscore between letters, as in a name, marks no emphasis.
    is_plain = all(char.isalnum() or char in _PLAIN for char in re.sub(r"(?<=[^\W_])_(?=[^\W_])", "", text))
    is_link = any(start in text for start in ("://", "www."))
    return text if is_plain and not is_link and not _STARTS_BLOCK.match(text) else code(text)


def code(text: str) -> str:
    """The text as inline code, on one line. An empty one is a space: two backticks alone would open a longer span."""
    text = one_line(text) or " "
    fence = "`" * (1 + _longest_run(text))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def code_block(text: str) -> list[str]:
    """The lines of a fenced code block."""
    text = printable_lines(text)
    fence = "`" * max(3, 1 + _longest_run(text))
    return [f"{fence}text", text, fence]


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, align: str) -> list[str]:
    """The lines of a table.

    Args:
        columns: the headings.
        rows: the cells of each row. They are escaped; numbers with a unit and a comparison stay as they are.
        align: ``<`` or ``>`` for each column.
    """
    rule = "".join("---|" if side == "<" else "--:|" for side in align)
    return [f"| {' | '.join(columns)} |", f"|{rule}", *(_row(row, align) for row in rows)]


def _row(cells: Sequence[str], align: str) -> str:
    # A bar ends a cell even inside code.
    shown = (
        cell if side == ">" and _NUMBERS.fullmatch(cell) else escape(cell).replace("|", r"\|")
        for cell, side in zip(cells, align, strict=True)
    )
    return f"| {' | '.join(shown)} |"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
