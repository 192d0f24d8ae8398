"""Sums over the seconds of a run, from looks that overlap."""

from createflow.scenarios.metrics.seen import Seen
from tests.scenarios.metrics.made_progress import moment, progress


def test_a_second_is_counted_once_however_often_it_is_seen() -> None:
    """And one that was between two looks is not lost."""
    seconds = [moment(float(second)) for second in range(6)]
    seen = Seen().after(progress(*seconds[:2])).after(progress(*seconds[:3])).after(progress(*seconds[1:]))
    assert (seen.offered, seen.sent) == (6 * 500, 6 * 490)
