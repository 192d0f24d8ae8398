"""Every format stays well-formed, whatever text a target returns."""

import json
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from createflow.scenarios.reports.conformance import as_html, as_junit, as_markdown, as_sarif, as_text
from createflow.scenarios.reports.github_actions import render_annotations
from createflow.scenarios.reports.saved import to_json
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.report import Exchange, Finding, Outcome, RunReport
from tests.scenarios.reports.conformance.made_report import report, result
from tests.scenarios.reports.conformance.test_as_html import Reader

PIECES = [
    "</pre>",
    "<script>",
    "]]>",
    "::error::",
    "`",
    "\n",
    "\r",
    "\x00",
    "\x1b[2J",
    "\ud800",
    "&",
    '"',
    "'",
    "%",
    "|",
]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=6).map(
    lambda pieces: "x" + "".join(pieces)
)


def made(text: str, other: str) -> RunReport:
    """A report that quotes these texts of the target everywhere."""
    exchange = Exchange(
        method="POST",
        url=text,
        request_headers={text: other},
        request_body=other,
        status=200,
        response_headers={other: text},
        response_body=text,
    )
    finding = Finding(
        promised="p", expected=text, seen=other, source="s", exchanges=(exchange,), curl=text, replay_id="0"
    )
    failed = result("a", Outcome.FAILED).model_copy(update={"finding": finding})
    broken = result("b", Outcome.BROKEN, reason=other).model_copy(update={"traceback": text})
    others = (result("c", Outcome.SKIPPED, reason=text), result("d", Outcome.PASSED, power=text))
    return Mask().record(report(failed, broken, *others, left_behind=(other,)))


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS)
def test_every_format_survives(text: str, other: str) -> None:
    """Each parses, with as many elements and lines as with harmless text."""
    whole, plain = made(text, other), made("x", "x")
    root = ET.fromstring(as_junit.render(whole))  # noqa: S314 - our own rendering
    assert [element.tag for element in root.iter()] == [
        element.tag
        for element in ET.fromstring(as_junit.render(plain)).iter()  # noqa: S314 - as above
    ]
    assert json.loads(as_sarif.render(whole))["runs"][0]["results"][0]["ruleId"] == "auth_check.a"
    assert RunReport.model_validate_json(to_json(whole)) == whole
    reader, plain_reader = Reader(), Reader()
    reader.feed(as_html.render(whole))
    plain_reader.feed(as_html.render(plain))
    assert [tag for tag, _ in reader.tags] == [tag for tag, _ in plain_reader.tags]
    for render in (as_text.render, render_annotations):
        assert len(render(whole).split("\n")) == len(render(plain).split("\n"))
    for render in (
        as_junit.render,
        as_sarif.render,
        as_html.render,
        as_markdown.render,
        as_text.render,
        render_annotations,
    ):
        assert render(whole).encode()
