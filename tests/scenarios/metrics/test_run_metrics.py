"""Sums over the seconds of a run, from histories that overlap."""

from createflow.scenarios.metrics.run_metrics import RunSnapshot
from tests.scenarios.metrics.made_progress import moment, progress


def test_a_second_is_counted_once_however_often_it_is_shown() -> None:
    """And one between two snapshots is not lost."""
    seconds = [moment(float(second)) for second in range(6)]
    snapshot = RunSnapshot().after(progress(*seconds[:2])).after(progress(*seconds[:3])).after(progress(*seconds[1:]))
    assert (snapshot.offered, snapshot.sent) == (6 * 500, 6 * 490)
