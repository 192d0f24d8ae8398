"""Whatever texts are in a report: every format parses, has our structure only, and shows no control character."""

import csv
import io
import json
import re
import unicodedata
from unittest.mock import patch
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from markdown_it import MarkdownIt
from rich.console import Console

from createflow.cli import bench_view, run_view
from createflow.scenarios.reports.conformance.renderers import RENDERERS as RUN_RENDERERS
from createflow.scenarios.reports.github_actions import render_annotations, render_summary
from createflow.scenarios.reports.load import as_html
from createflow.scenarios.reports.load.renderers import RENDERERS as LOAD_RENDERERS
from createflow.scenarios.reports.saved import to_json
from createflow.schemas.load_report import LoadReport
from createflow.schemas.report import Outcome, RunReport
from tests.scenarios.reports.any_report import load_reports, run_reports
from tests.scenarios.reports.conformance.made_report import report as made_report
from tests.scenarios.reports.conformance.made_report import result
from tests.scenarios.reports.conformance.test_as_html import Reader

MARKDOWN = MarkdownIt("commonmark").enable(["table"])
OUR_MARKUP = {
    *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text", "code_inline", "fence"),
    *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
    *(f"{part}_{end}" for part in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")),
}
COMMAND = re.compile(r"\s*::[A-Za-z][\w-]*( .*?)?::")
LOGGING_COMMAND = re.compile(r"##\w*\[")
ANNOTATION = re.compile(r"::(error|warning) (file=[^:,]*,line=\d+,)?title=[^:,]*::")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking: a whole report is too large for that, and its texts are short anyway."""
OUR_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
"""Colours of the terminal."""

fuzzed = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], phases=_PHASES)


def no_control(text: str) -> bool:
    """Whether a reader sees every character; lines end with a newline."""
    return all(char in " \n" or unicodedata.category(char)[0] not in "CZ" for char in text)


def rendered(report: RunReport | LoadReport) -> dict[str, str]:
    """Every format by its name. The charting library is left out: it takes seconds and is always the same."""
    with patch.object(as_html, "build_bundle", return_value=""):
        if isinstance(report, LoadReport):
            return {name: render(report) for name, render in LOAD_RENDERERS.items()}
        return {name: render(report) for name, render in RUN_RENDERERS.items()}


def shown(report: RunReport | LoadReport, *, terminal: bool, width: int = 60) -> str:
    """What the terminal or the log of a job gets."""
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system="auto")
    if isinstance(report, LoadReport):
        bench_view.print_report(console, report)
    else:
        run_view.print_report(console, report)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def require_our_markdown(text: str) -> None:
    """No link, image, HTML, emphasis or heading of others; nothing that GitHub makes a link of."""
    tokens = MARKDOWN.parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in [*tokens, *inline]} <= OUR_MARKUP
    plain = " ".join(child.content for child in inline if child.type == "text")
    assert not re.search(r"@\w|(?<!\w)#\d|https?://|www\.|<\w", plain)


def require_our_log(text: str) -> None:
    """No control, and no command of a CI system."""
    assert no_control(text)
    for line in text.split("\n"):
        assert not COMMAND.match(line)
        assert not LOGGING_COMMAND.search(line)


def require_well_formed(report: RunReport | LoadReport) -> None:
    """Each format by a parser that is not ours."""
    files = rendered(report)
    for name, text in files.items():
        assert no_control(text), name
        assert text.encode()
    ET.fromstring(files["junit"])  # noqa: S314 - our own rendering
    assert type(report).model_validate_json(files["json"]) == report
    require_our_markdown(files["markdown"])
    require_our_markdown(render_summary(report))
    reader = Reader()
    reader.feed(files["html"])
    assert reader.open == []
    assert not [tag for tag, _ in reader.tags if tag in {"img", "a", "iframe", "link", "object", "embed", "base"}]
    assert not [name for _, attributes in reader.tags for name in attributes if name.startswith("on") or name == "href"]
    for line in render_annotations(report).splitlines():
        assert ANNOTATION.match(line)
        assert no_control(line)


@fuzzed
@given(run_reports())
def test_a_report_of_a_run_is_only_data(report: RunReport) -> None:
    """In every format."""
    require_well_formed(report)
    files = rendered(report)
    require_our_log(files["text"])
    sarif = json.loads(files["sarif"])["runs"][0]
    messages = [result["message"]["text"] for result in sarif["results"]]
    messages += [note["message"]["text"] for note in sarif["invocations"][0]["toolExecutionNotifications"]]
    messages += [rule["help"]["text"] for rule in sarif["tool"]["driver"]["rules"]]
    assert not [text for text in messages if re.search(r"(?<!\\)\]\(", text)]
    for found in sarif["results"]:
        place = found["locations"][0]["physicalLocation"]
        assert re.fullmatch(r"(?!//)[A-Za-z0-9_.~/%-]+", place["artifactLocation"]["uri"])
        assert 1 <= place["region"]["startLine"] < 2**31
    assert len({rule["id"] for rule in sarif["tool"]["driver"]["rules"]}) == len(sarif["tool"]["driver"]["rules"])


@fuzzed
@given(load_reports())
def test_a_report_of_a_load_is_only_data(report: LoadReport) -> None:
    """In every format; no cell of the table is a formula, however it is split."""
    require_well_formed(report)
    rows = list(csv.reader(io.StringIO(rendered(report)["csv"])))
    assert len({len(row) for row in rows}) == 1
    for row in rows:
        for cell in row:
            assert not [part for part in re.split(r"[,;|\t'\"]", cell) if part.startswith(FORMULA)]


@fuzzed
@given(run_reports())
def test_a_run_cannot_command_the_terminal_or_the_log(report: RunReport) -> None:
    """Nor does its markup become ours: the colours are the only control characters."""
    require_our_log(shown(report, terminal=False))
    require_our_log(OUR_ESCAPES.sub("", shown(report, terminal=True)))


@fuzzed
@given(load_reports())
def test_a_load_cannot_command_the_terminal_or_the_log(report: LoadReport) -> None:
    """The same."""
    require_our_log(shown(report, terminal=False))
    require_our_log(OUR_ESCAPES.sub("", shown(report, terminal=True)))


@pytest.mark.parametrize("text", ["[a](http://h)", "<b>x</b>", "*a*", "@all"])
def test_the_markdown_rule_finds_what_it_looks_for(text: str) -> None:
    """Text that was not escaped."""
    with pytest.raises(AssertionError):
        require_our_markdown(f"{text}\n")


def test_the_saved_file_is_readable_by_others_parsers() -> None:
    """Letters stay as they are; only what does not print is escaped."""
    made = made_report(result("a", Outcome.SKIPPED, reason="é 日本 😀 \x7f \x9b \u202e \U000e0041 \u2028"))
    text = to_json(made)
    assert r"é 日本 😀 \u007f \u009b \u202e \udb40\udc41 \u2028" in text
    assert json.loads(text)["results"][0]["reason"] == made.results[0].reason
