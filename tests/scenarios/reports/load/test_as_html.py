"""The page of a load: complete, self-contained, below three megabytes; a missing library is an early error."""

import importlib.util
import json
import re
from unittest.mock import patch

import pytest

from createflow.scenarios.reports.load import as_html
from createflow.scenarios.reports.load.renderers import require_renderable
from createflow.schemas.error import UserError
from tests.scenarios.reports.conformance.test_as_html import Reader
from tests.scenarios.reports.load.made_load_report import ALL, interrupted, load_report, lossy, series, stalled

LARGEST_BYTES = 3 * 1024 * 1024


@pytest.fixture(scope="module")
def page() -> str:
    """Of a run in which a target was missed."""
    return as_html.render(stalled())


def _numbers(text: str) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(text.partition('id="numbers">')[2].partition("</script>")[0])
    return found


def test_it_holds_everything_and_fetches_nothing(page: str) -> None:
    """No address in any attribute, and a policy that forbids connections and evaluation."""
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    assert not any(name in {"src", "href", "action", "style"} for _, attributes in reader.tags for name in attributes)
    policy = next(a["content"] or "" for _, a in reader.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "url(" not in page.partition("<style>")[2].partition("</style>")[0]


def test_it_shows_what_the_terminal_shows(page: str) -> None:
    """Verdict, rates, both latencies, ledger, machine."""
    reader = Reader()
    reader.feed(page)
    for words in (
        "MISSED: 3 of 3 targets",
        "1,740 ms",
        "12 to 14 s",
        "Response p99 is 1,800 ms",
        "10,000 due =",
        "2 cores",
    ):
        assert words in reader.text


def test_a_long_run_stays_small() -> None:
    """Twelve hours, every second of them."""
    many = tuple(moment.model_copy(update={"t_s": float(n)}) for n, moment in enumerate(series(12 * 3600)))
    assert len(as_html.render(load_report(series=many)).encode()) < LARGEST_BYTES


def test_targets_warm_up_and_the_worst_window_are_drawn() -> None:
    """At their place in seconds and milliseconds."""
    with patch.object(as_html, "build_bundle", lambda: ""):
        spec = json.dumps(_numbers(as_html.render(stalled()))["charts"]["latency"])
    assert '{"at": 100.0, "label": "p99 target"}' in spec
    assert '{"from": 0, "to": 2.0}' in spec
    assert '{"from": 12.0, "to": 14.0}' in spec


@pytest.mark.parametrize("name", ALL)
def test_every_kind_of_run_is_a_page(name: str) -> None:
    """With every chart that it has numbers for, and a description beside each."""
    with patch.object(as_html, "build_bundle", lambda: ""):
        text = as_html.render(ALL[name])
    charts = set(_numbers(text)["charts"])
    assert (
        charts
        == set(re.findall(r'<figure id="(\w+)"', text))
        == set(re.findall(r'<figcaption id="(\w+)-caption"', text))
    )
    assert bool(charts) == (name != "interrupted")


def test_a_page_without_a_time_series_shows_the_rest() -> None:
    """An interrupted run has no charts."""
    with patch.object(as_html, "build_bundle", lambda: ""):
        assert "INTERRUPTED" in as_html.render(interrupted())
        assert "8 missing" in as_html.render(lossy())


def test_a_missing_library_is_an_error_before_the_load() -> None:
    """With the name of the extra, and only when the format is html."""
    with patch.object(importlib.util, "find_spec", return_value=None):
        with pytest.raises(UserError) as caught:
            require_renderable(["json", "html"])
        require_renderable(["json", "csv"])
    assert "createflow[charts]" in caught.value.hint
