"""The comparison of two runs: real differences are found, and chance is not called worse."""

import random
from typing import Any

import pytest

from createflow.scenarios.load.verdict import bootstrap
from createflow.scenarios.load.verdict.comparison import compare
from createflow.schemas.load_finding import Change, Comparison
from createflow.schemas.load_report import LoadReport, Machine, Moment, Validity
from tests.scenarios.load.verdict.made_load_report import MACHINE, load_report

PAIRS = 20


def is_worse(comparison: Comparison) -> bool:
    """A number is worse."""
    return any(number.change is Change.WORSE for number in comparison.numbers)


def changes(comparison: Comparison) -> dict[str, Change]:
    """The change of each number."""
    return {number.name: number.change for number in comparison.numbers}


def test_the_same_build_raises_one_false_alarm_in_twenty_at_most() -> None:
    """Runs differ by chance; their seconds depend on each other and sometimes stall."""
    alarms = [is_worse(compare(load_report(seed), load_report(1000 + seed))) for seed in range(PAIRS)]
    assert sum(alarms) <= 1


def test_fifteen_milliseconds_more_are_caught_nineteen_times_in_twenty() -> None:
    """Added to each request of 30 ms."""
    caught = [is_worse(compare(load_report(seed), load_report(1000 + seed, slower_ms=15))) for seed in range(PAIRS)]
    assert sum(caught) >= 19


def test_fifteen_milliseconds_less_are_better_and_no_regression() -> None:
    """The reverse case."""
    comparison = compare(load_report(1, slower_ms=15), load_report(2))
    assert changes(comparison)["p50"] is Change.BETTER
    assert not is_worse(comparison)


def test_fewer_accepted_are_worse_though_the_fast_refusals_are_fast() -> None:
    """For a rate, less is worse; the interval is that of the difference shown."""
    comparison = compare(load_report(1), load_report(2, lost_ratio=0.1))
    accepted = comparison.numbers[3]
    assert (accepted.name, accepted.unit, accepted.change) == ("accepted", "/s", Change.WORSE)
    assert accepted.low < accepted.now - accepted.before < accepted.high < 0
    assert is_worse(comparison)
    assert changes(compare(load_report(1, lost_ratio=0.1), load_report(2)))["accepted"] is Change.BETTER


def test_a_small_certain_difference_is_the_same() -> None:
    """Two of thirty milliseconds are not chance, but below both thresholds."""
    steady, slower = (_steady(0.0), _steady(2.0))
    comparison = compare(steady, slower)
    assert comparison.numbers[0].low > 0, "beyond chance"
    assert set(changes(comparison).values()) == {Change.SAME}
    assert changes(compare(steady, _steady(4.0)))["p50"] is Change.WORSE


def test_a_big_difference_that_may_be_chance_is_the_same() -> None:
    """One bad block raises p99 of the whole run; without it there is no difference."""
    stalled = _steady(0.0)
    bad = stalled.series[5].model_copy(update={"p95_ms": 900.0, "p99_ms": 1000.0, "max_ms": 1000.0})
    series = (*stalled.series[:5], bad, *stalled.series[6:])
    response = stalled.response.model_copy(update={"p99_ms": 400.0})
    comparison = compare(_steady(0.0), stalled.model_copy(update={"series": series, "response": response}))
    p99 = comparison.numbers[2]
    assert p99.now - p99.before > 300
    assert (p99.low <= 0, p99.change) == (True, Change.SAME)


def test_verified_is_compared_when_both_runs_were_verified() -> None:
    """All accepted writes then, nine of ten now."""
    before = load_report(1).model_copy(update={"verified_per_s": 200.0})
    now = load_report(2).model_copy(update={"verified_per_s": 180.0})
    comparison = compare(before, now)
    assert changes(comparison)["verified"] is Change.WORSE
    assert comparison.numbers[4].high == pytest.approx(-20, abs=0.1)
    assert "verified" not in changes(compare(before, load_report(2)))


def test_the_same_reports_compare_the_same_every_time() -> None:
    """The random numbers have a fixed seed."""
    assert compare(load_report(1), load_report(2)) == compare(load_report(1), load_report(2))


def test_the_interval_contains_the_difference() -> None:
    """The resampled seconds have nearly the percentiles of the whole run."""
    for number in compare(load_report(3), load_report(4, slower_ms=15)).numbers:
        assert number.low <= number.now - number.before <= number.high


def test_another_machine_is_refused_with_every_reason() -> None:
    """Its numbers would look like a regression or hide one."""
    other = Machine(cpu="Another CPU", cores=8, python="3.12.1", same_host=False)
    comparison = compare(load_report(1), load_report(2).model_copy(update={"machine": other}))
    assert comparison.refused == (
        "another machine: 'A CPU' then, 'Another CPU' now",
        "2 cores then, 8 now",
        "Python 3.11.7 then, 3.12.1 now",
        "the target ran on the machine of the load then, and runs on another machine now",
    )
    assert (comparison.numbers, is_worse(comparison)) == ((), False)


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"machine": Machine()}, "does not name its CPU"),
        ({"shape": "400/s"}, "another load: '200/s' then, '400/s' now"),
        ({"config_hash": "def"}, "another configuration"),
        ({"config_hash": ""}, "another configuration"),
        ({"validity": Validity.INVALID, "reasons": ("a worker was lost",)}, "this run is invalid: a worker was lost"),
        ({"interrupted": True}, "this run was interrupted"),
        ({"duration_s": 9.9}, "this run has 9 measured seconds, but a comparison needs 10"),
        ({"series": ()}, "this run has 0 measured seconds"),
    ],
)
def test_what_cannot_be_compared_is_refused(update: dict[str, Any], words: str) -> None:
    """In both directions."""
    other = load_report(2).model_copy(update=update)
    assert any(words in reason for reason in compare(load_report(1), other).refused)
    assert compare(other, load_report(1)).refused


def test_a_patch_release_of_python_is_the_same_machine() -> None:
    """So is another kernel."""
    patched = MACHINE.model_copy(update={"python": "3.11.9", "system": "Linux 7"})
    assert not compare(load_report(1), load_report(2).model_copy(update={"machine": patched})).refused


def test_seconds_without_a_reply_have_no_latency_and_count_as_nothing_accepted() -> None:
    """As of a target that hung for a while."""
    silent = tuple(Moment(t_s=float(t)) for t in range(12))
    (draw, *_) = bootstrap.resample(silent, random.Random(1))  # noqa: S311 - repeatable, and no secret
    assert draw == bootstrap.Resample(0.0, (0.0, 0.0, 0.0))


def test_a_second_counts_by_its_replies() -> None:
    """One slow reply in a quiet second has less weight than two hundred fast ones in a busy one."""
    busy = _steady(0.0).series[2:12]
    slow = {"p50_ms": 900.0, "p90_ms": 900.0, "p95_ms": 900.0, "p99_ms": 900.0, "max_ms": 900.0}
    quiet = busy[0].model_copy(update={"statuses": {"2xx": 1}, **slow})
    drawn = bootstrap.resample((*busy, quiet), random.Random(1))  # noqa: S311 - repeatable, and no secret
    assert max(draw.percentiles_ms[1] for draw in drawn) < 60


def test_a_long_run_is_drawn_in_as_many_blocks_as_a_short_one() -> None:
    """An hour must not take a minute; the merged blocks show the same as the seconds."""
    series = _steady(0.0).series * 120
    drawn = bootstrap.resample(series, random.Random(1))  # noqa: S311 - repeatable, and no secret
    assert drawn[0].percentiles_ms == pytest.approx((30, 50, 60), rel=0.05)
    assert drawn[0].accepted_per_s == 200


def _steady(slower_ms: float) -> LoadReport:
    """A run with equal seconds."""
    report = load_report(1)
    values = {"p50_ms": 30.0, "p90_ms": 45.0, "p95_ms": 50.0, "p99_ms": 60.0, "max_ms": 70.0}
    update = {name: value + slower_ms for name, value in values.items()}
    return report.model_copy(
        update={
            "series": tuple(moment.model_copy(update=update) for moment in report.series),
            "response": report.response.model_copy(update=update),
        }
    )
