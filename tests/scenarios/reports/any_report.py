"""Reports in which every text is hypothesis's choice, as in a file that somebody else wrote."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from hypothesis import strategies as st
from pydantic import BaseModel

from createflow.schemas.load_report import LoadReport
from createflow.schemas.report import RunReport
from tests.scenarios.reports.hostile import HOSTILE
from tests.scenarios.reports.load.made_load_report import ALL, report_quoting

Report = TypeVar("Report", bound=BaseModel)

PIECES = [
    *("</pre>", "</script>", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!--", "]]>", "&#0;", "'\""),
    *("::error::x", "::set-env name=PATH::x", "##[error]x", "##vso[task.setvariable]x", "%0A::error::x", "%"),
    *("[a](http://h)", "![a](//h/x.png)", "<http://h>", "www.h.de", "@all", "#1", "`", "```", "~~~", "|", "\n# x\n"),
    *("=cmd()", "+1", "-1", "@SUM(1)", ";=cmd()", "\t=cmd()", '",=cmd()', "{0}", "[bold red]", "[link=http://h]"),
    *("\n", "\r", "\r\n", "\t", "\x00", "\x1b[2J", "\x1b]0;x\x07", "\x9b31m", "\x7f", "\x85", "\u2028", "\ufeff"),
    *("\u202e", "\u2066", "\u200f", "\u061c", "\u200b", "\U000e0041", "\ufffe", "\ue000", "\\", "../", "//h/x", "~"),
]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=4).map("".join)
_RAW = {"histograms", "operator"}
"""Texts that a report is refused without: a file with any other is an error, not a report."""
_LOADS = {**ALL, "quoting": report_quoting("a", "b")}


def run_reports() -> st.SearchStrategy[RunReport]:
    """Reports of runs with every outcome."""
    return st.lists(TEXTS, min_size=8, max_size=8).map(lambda texts: with_texts(HOSTILE, texts))


def load_reports() -> st.SearchStrategy[LoadReport]:
    """Reports of loads of every kind."""
    kinds = st.sampled_from(sorted(_LOADS))
    drawn = st.tuples(kinds, st.lists(TEXTS, min_size=8, max_size=8))
    return drawn.map(lambda pair: with_texts(_LOADS[pair[0]], pair[1]))


def with_texts(report: Report, texts: list[str]) -> Report:
    """The report with every string, keys of tables included, replaced by one of the texts in turn."""
    source = _cycle(texts)
    return type(report).model_validate(_replaced(report.model_dump(), lambda: next(source)))


def _cycle(texts: list[str]) -> Iterator[str]:
    while True:
        yield from texts


def _replaced(value: Any, text: Callable[[], str]) -> Any:
    if type(value) is str:  # values of enumerations stay
        return text()
    if isinstance(value, dict):
        fields = all(type(name) is str and name.isidentifier() and name.islower() for name in value)
        return {
            name if fields else text(): item if name in _RAW else _replaced(item, text) for name, item in value.items()
        }
    return [_replaced(item, text) for item in value] if isinstance(value, (list, tuple)) else value
