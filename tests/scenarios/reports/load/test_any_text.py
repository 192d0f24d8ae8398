"""Every format stays well-formed, whatever text a target, a sink or a worker returns."""

import csv
import io
import json
from unittest.mock import patch
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from rich.console import Console

from createflow.cli.bench_view import print_report
from createflow.scenarios.reports.github_actions import render_annotations
from createflow.scenarios.reports.load import as_csv, as_html, as_junit, as_markdown, vega
from createflow.scenarios.reports.saved import to_json
from createflow.schemas.load_report import LoadReport
from tests.scenarios.reports.conformance.test_any_text import TEXTS
from tests.scenarios.reports.conformance.test_as_html import Reader
from tests.scenarios.reports.hostile import NASTY
from tests.scenarios.reports.load.made_load_report import report_quoting


def _page(report: LoadReport) -> str:
    with patch.object(
        as_html, "build_bundle", lambda: ""
    ):  # making the library's bundle takes seconds, and is always the same
        return as_html.render(report)


def _drawn(report: LoadReport) -> str:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    print_report(console, report)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _tags(page: str) -> list[str]:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return [tag for tag, _ in reader.tags]


@settings(max_examples=20, deadline=None)
@given(TEXTS, TEXTS)
def test_every_format_survives(text: str, other: str) -> None:
    """Each parses, with as many elements and lines as with harmless text."""
    whole, plain = report_quoting(f"a{text}", f"b{other}"), report_quoting("a", "b")
    roots = [ET.fromstring(as_junit.render(report)) for report in (whole, plain)]  # noqa: S314 - our own rendering
    assert [element.tag for element in roots[0].iter()] == [element.tag for element in roots[1].iter()]
    assert LoadReport.model_validate_json(to_json(whole)) == whole
    assert _tags(_page(whole)) == _tags(_page(plain))
    tables = [list(csv.reader(io.StringIO(as_csv.render(report)))) for report in (whole, plain)]
    assert [len(row) for row in tables[0]] == [len(row) for row in tables[1]]
    for render in (render_annotations, as_markdown.render):
        assert len(render(whole).split("\n")) == len(render(plain).split("\n"))
        assert all(char.isprintable() or char == "\n" for char in render(whole))
    assert all(char.isprintable() or char == "\n" for char in _drawn(whole)), "no control reaches a terminal"


def test_the_numbers_in_the_page_cannot_end_their_element() -> None:
    """Names of sinks and statuses go into them."""
    page = _page(report_quoting(NASTY, NASTY))
    inside = page.partition('id="numbers">')[2].partition("</script>")[0]
    assert "<" not in inside
    assert json.loads(inside)["seconds"][0]["c0"] == 3
    assert "<script>alert(1)" not in page


def test_a_markdown_table_keeps_its_columns() -> None:
    """A bar in a name ends no cell, and nothing becomes a link, an image or a mention."""
    text = as_markdown.render(report_quoting("x | y", "[a](http://h) @all #1 <img src=x>"))
    rows = [line for line in text.splitlines() if r"x \| y" in line]
    assert rows
    assert all("`" in row for row in rows)
    assert "`[a](http://h) @all #1 <img src=x>`" in text


def test_the_library_cannot_end_its_element() -> None:
    """Even if a version of it holds these characters."""
    with patch("vl_convert.javascript_bundle", return_value='"</script><!--"'):
        assert vega.build_bundle() == r'"<\/script><\!--"'
