"""The slowest replies in a report."""

from createflow.scenarios.reports.load import as_html, as_markdown
from createflow.scenarios.reports.load.content import Severity
from createflow.scenarios.reports.load.sections import list_sections
from createflow.scenarios.reports.load.tail_sections import slowest, stalls, tail
from createflow.schemas.load_tail import SlowRequest, Stall, Tail, TailPart
from createflow.schemas.operation import Operation
from tests.scenarios.reports.load.made_load_report import load_report

TAIL = Tail(
    slow=300,
    slow_ratio=0.01,
    from_ms=80.0,
    slow_mean_ms=120.0,
    mean_ms=20.0,
    sampled=4000,
    has_server_timing=True,
    parts=(
        TailPart(name="commit", is_server=True, mean_ms=5.0, slow_mean_ms=95.0, excess_ratio=0.9),
        TailPart(name="rate_limit", is_server=True, mean_ms=5.0, slow_mean_ms=14.6, excess_ratio=0.096),
        TailPart(name="auth", is_server=True, mean_ms=1.0, slow_mean_ms=1.2, excess_ratio=0.002),
        TailPart(name="validation", is_server=True, mean_ms=1.0, slow_mean_ms=1.2, excess_ratio=0.002),
    ),
    slowest=(
        SlowRequest(at_s=3.25, operation=Operation.CREATE, status=201, took_ms=310.0, part="commit", part_ms=290.0,
                    trace_id="ab"),
    ),
    stall_count=7,
    stalls=tuple(
        Stall(at_s=float(at), length_ms=100.0 + at, requests=9, longest_ms=90.0, part="commit", part_ratio=0.8,
              meanwhile=("all CPUs busy (99%)", "5 MB written"))
        for at in range(7)
    ),
)  # fmt: skip


def test_the_parts_of_the_slowest_replies_are_shown() -> None:
    """What makes no difference is in one row; what makes half of it stands out."""
    section = tail(load_report(tail=TAIL))
    assert section.title == "slowest 1%"
    assert [row.cells for row in section.rows] == [
        ("all", "20.0", "120.0", ""),
        ("commit", "5.0", "95.0", "90%"),
        ("rate_limit", "5.0", "14.6", "10%"),
        ("2 others", "2.0", "2.4", "0%"),
    ]
    assert [row.severity for row in section.rows[1:3]] == [Severity.UNSURE, Severity.PLAIN]
    assert "The 300 slowest replies took 80.0 ms or more." in section.notes[0]


def test_what_is_not_known_is_said() -> None:
    """A target without the field, and one whose metrics overlap."""
    silent = TAIL.model_copy(update={"has_server_timing": False, "overlaps": True})
    assert ["no Server-Timing" in note for note in tail(load_report(tail=silent)).notes] == [False, True, False]
    assert "more than the whole" in tail(load_report(tail=silent)).notes[2]


def test_the_longest_stalls_are_shown_in_the_order_of_time() -> None:
    """And how many are not."""
    section = stalls(load_report(tail=TAIL))
    assert [row.cells[0] for row in section.rows] == [f"{at}.00 s" for at in range(2, 7)]
    assert section.rows[0].cells[1:] == ("commit (80%)", "all CPUs busy (99%); 5 MB written", "9", "102.0")
    assert section.notes[0].endswith("2 shorter ones not shown.")


def test_the_slowest_requests_have_their_trace() -> None:
    """To look for them in the target's own logs."""
    assert slowest(load_report(tail=TAIL)).rows[0].cells == ("3.25 s", "create, 201", "commit", "ab", "310.0")


def test_every_format_shows_them_and_a_report_without_them_is_shown() -> None:
    """Reports of earlier versions have none."""
    report = load_report(tail=TAIL)
    for text in (as_markdown.render(report), as_html.render(report)):
        assert "slowest requests" in text.lower()
        assert "rate" in text
    titles = {section.title for section in list_sections(load_report())}
    assert not titles & {"stalls", "slowest requests", "slowest replies"}
