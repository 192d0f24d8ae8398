"""The numbers behind the charts: nothing hidden by thinning, nothing drawn that was not there."""

import json

from createflow.scenarios.reports.load.series import MAX_POINTS, series_of
from createflow.schemas.load_report import Moment
from tests.scenarios.reports.load.made_load_report import load_report, stalled


def _moment(second: int, **changes: object) -> dict[str, object]:
    return Moment(t_s=second, offered=10, p99_ms=5).model_dump() | changes


def test_the_worst_second_of_a_long_run_stays() -> None:
    """Of ten thousand seconds one is bad: its latency is drawn; rates are means."""
    series = [_moment(second) for second in range(10_000)]
    series[7_000] |= {"p99_ms": 900.0, "offered": 27}
    found = series_of(load_report(series=series))
    assert len(found.points) <= MAX_POINTS
    assert max(row["p99"] or 0 for row in found.points) == 900.0
    assert max(row["offered"] or 0 for row in found.points) == 11.0
    assert found.step_s == 17


def test_a_second_without_replies_has_no_latency() -> None:
    """A latency of zero would be the best of all."""
    found = series_of(load_report(series=[_moment(0, p99_ms=0.0)]))
    assert (found.points[0]["p99"], found.points[0]["offered"]) == (None, 10)


def test_what_came_too_late_is_marked_and_not_infinite() -> None:
    """JSON has no infinity, and an axis neither."""
    found = series_of(stalled())
    assert found.sinks == ("replica 1", "search")
    assert (found.points[12]["k1"], found.points[12]["late1"], found.points[12]["late0"]) == (None, 1, None)
    json.dumps(found.points, allow_nan=False)


def test_columns_have_names_of_ours() -> None:
    """Whatever a status class or a sink is called."""
    series = [_moment(0, statuses={"datum['x']": 1}, sink_lag_ms={"t": 3.0})]
    found = series_of(load_report(series=series))
    assert (found.statuses, found.points[0]["c0"], found.points[0]["k0"], found.points[0]["t"]) == (
        ("datum['x']",),
        1,
        3.0,
        0,
    )
