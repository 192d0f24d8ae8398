"""Text in Markdown, set in code, where nothing is markup."""

import re

from createflow.scenarios.reports.format.one_line import one_line


def fenced(text: str) -> list[str]:
    """The text as lines of a block of code."""
    fence = "`" * max(3, 1 + _longest_run(text))
    return [f"{fence}text", text, fence]


def code(text: str) -> str:
    """The text as code inside a line."""
    fence = "`" * (1 + _longest_run(text))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{one_line(text)}{space}{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
