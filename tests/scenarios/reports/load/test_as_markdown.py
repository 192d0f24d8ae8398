"""The step summary of a load."""

from createflow.scenarios.reports.load import as_markdown
from tests.scenarios.reports.load.made_load_report import ALL, lossy, stalled


def test_the_verdict_is_the_heading_and_all_facts_follow() -> None:
    """Verified writes are the first number."""
    text = as_markdown.render(lossy())
    assert text.startswith("# FAILED: primary: 2 altered; search: 8 missing; ")
    for line in (
        "| verified/s | accepted/s | sent/s | offered/s |",
        "| held | `p99<=100ms` | 60 ms |  |",
        "| FAILED | search | 10,980 | 8 | 0 | 0 | 0 | 30.0 |",
        "| UNKNOWN | audit |  |  |  |  |  |  |",
        "- search: arrival 1204 (resource 7f3c) was accepted and is not there",
    ):
        assert line in text.splitlines(), text


def test_the_difference_of_response_and_service_latency_is_explained() -> None:
    """Only when there is one."""
    assert "Response p99 is 1,800 ms, service p99 is 120.0 ms" in as_markdown.render(stalled())
    assert "Response p99 is" not in as_markdown.render(ALL["load_report"])


def test_every_row_has_as_many_cells_as_its_heading() -> None:
    """In every kind of report."""
    for report in ALL.values():
        width = 0
        for line in as_markdown.render(report).splitlines():
            cells = line.replace(r"\|", "").count("|")
            assert not line.startswith("|") or not width or cells == width, line
            width = cells if line.startswith("|") else 0
