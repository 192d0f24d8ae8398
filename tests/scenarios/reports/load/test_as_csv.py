"""The series as a table with columns that stay where they are."""

import csv
import io

from createflow.scenarios.reports.load import as_csv
from createflow.schemas.load_report import LoadReport
from tests.scenarios.reports.load.made_load_report import interrupted, load_report, stalled

COLUMNS = [
    *("t_s", "phase", "offered", "sent"),
    *("replies_2xx", "replies_3xx", "replies_4xx", "replies_429", "replies_5xx", "replies_503", "failed", "dropped"),
    *("p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms", "service_p99_ms"),
    *("in_flight", "backlog", "pacing_p99_ms", "cpu_ratio"),
]


def _rows(report: LoadReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_csv.render(report))))


def test_one_line_a_second_with_all_that_is_known() -> None:
    """The warm-up is marked, and what came too late is infinite."""
    rows = _rows(stalled())
    assert list(rows[0])[: len(COLUMNS)] == COLUMNS
    assert list(rows[0])[len(COLUMNS) :] == ["lag_ms_replica 1", "lag_ms_search"]
    assert [row["t_s"] for row in rows] == [str(second) for second in range(22)]
    assert [row["phase"] for row in rows[:3]] == ["warm-up", "warm-up", "measured"]
    assert (rows[12]["replies_2xx"], rows[12]["replies_503"], rows[12]["p99_ms"]) == ("120", "4", "1900.000")
    assert rows[12]["lag_ms_search"] == "inf"


def test_a_class_that_is_new_comes_last() -> None:
    """So that a script that counts columns goes on working."""
    series = [moment.model_dump() | {"statuses": {"1xx": 1}, "sink_lag_ms": {}} for moment in load_report().series[:1]]
    assert list(_rows(load_report(series=series))[0])[:11] == [*COLUMNS[:10], "replies_1xx"]


def test_a_run_without_seconds_is_a_heading() -> None:
    """The same columns."""
    assert as_csv.render(interrupted()) == ",".join(COLUMNS) + "\n"
