"""The page: well-formed, complete and self-contained, whatever text a target returns."""

import base64
import hashlib
import re
from html.parser import HTMLParser

from createflow.scenarios.reports.conformance import as_html
from tests.scenarios.reports.conformance.made_report import report
from tests.scenarios.reports.hostile import HOSTILE, NASTY

PAGE = as_html.render(HOSTILE)
VOID = {"meta"}


class Reader(HTMLParser):
    """Keeps tags, attributes and visible text; every tag must be closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open it."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text."""
        if self.open[-1:] not in (["style"], ["script"]):
            self.text += data


READER = Reader()
READER.feed(PAGE)


def test_every_tag_is_closed_and_none_comes_from_the_target() -> None:
    """One script, one style, no attribute that runs anything."""
    assert READER.open == []
    names = [tag for tag, _ in READER.tags]
    assert (names.count("script"), names.count("style")) == (1, 1)
    assert not any(name.startswith("on") or name == "style" for _, attributes in READER.tags for name in attributes)


def test_nothing_is_fetched() -> None:
    """No address in any attribute, none in the style, and a policy that forbids the rest."""
    assert not any(name in {"src", "href", "action"} for _, attributes in READER.tags for name in attributes)
    assert "url(" not in PAGE
    assert "@import" not in PAGE
    policy = next(a["content"] or "" for _, a in READER.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    for tag in ("style", "script"):
        inside = re.search(rf"<{tag}>(.*?)</{tag}>", PAGE, re.DOTALL)
        assert inside
        digest = base64.b64encode(hashlib.sha256(inside[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_no_control_character_survives() -> None:
    """Lines stay lines, the rest is shown as an escape."""
    assert all(char.isprintable() or char == "\n" for char in PAGE)
    assert "<script>alert(1)</script>" in READER.text
    assert NASTY not in PAGE


def test_every_check_can_be_filtered_and_failures_are_open() -> None:
    """By outcome, tier and step."""
    folds = {a["id"]: a for tag, a in READER.tags if tag == "details"}
    assert set(folds) == {result.id for result in HOSTILE.results}
    first = [check_id for check_id, a in folds.items() if a["class"] in {"failed", "broken", "inconclusive"}]
    assert list(folds)[: len(first)] == first
    assert folds["replicate.passed"]["data-tier"] == "data"
    assert folds["replicate.passed"]["data-step"] == "replicate"
    assert {check_id for check_id, a in folds.items() if "open" in a} == {
        f"auth_check.{name}" for name in ("counts", "advice", "tolerated", "expired")
    }
    assert [a["name"] for tag, a in READER.tags if tag == "select"] == ["outcome", "tier", "step"]


def test_a_failure_shows_request_reply_and_curl() -> None:
    """And what could not be removed stands on the page."""
    for words in ("Bearer $TOKEN", "reply after 12 ms", "curl -i -X POST", "0a1b2c3d", "https://h/2", "ticket 7"):
        assert words in READER.text


def test_a_page_of_nothing_is_a_page() -> None:
    """No check, no error."""
    assert "INCONCLUSIVE" in as_html.render(report())


def test_what_a_passed_check_compared_is_told() -> None:
    """How rare a defect it would have seen, with what the target says escaped."""
    assert "compared" in READER.text
    assert "0 of 9 \\x00\\x1b[31m" in READER.text
