"""Three significant digits, percentiles by nearest rank, merging without loss."""

import math

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from createflow.scenarios.load.accounting.histogram import Histogram
from createflow.scenarios.load.verdict.report import summarize

seconds = st.lists(st.floats(min_value=0.0, max_value=100.0), min_size=1, max_size=200)


def _of(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


@settings(deadline=None, max_examples=40)
@given(values=seconds, ratio=st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999]))
def test_a_percentile_is_the_sample_of_that_rank(values: list[float], ratio: float) -> None:
    """The smallest sample that at least this share does not exceed, to three digits, never rounded down."""
    exact_ms = sorted(values)[math.ceil(ratio * len(values) - 1e-9) - 1] * 1000
    (seen_ms,) = _of(values).percentiles_ms(ratio)
    assert exact_ms - 0.001 <= seen_ms <= exact_ms * 1.001 + 0.001


@settings(deadline=None, max_examples=20)
@given(first=seconds, second=seconds)
def test_merged_histograms_equal_the_histogram_of_all_samples(first: list[float], second: list[float]) -> None:
    """Two workers together give the same as one worker with all samples."""
    merged = Histogram()
    merged.add_list(_of(first).to_list())
    merged.add_list(_of(second).to_list())
    ratios = (0.5, 0.9, 0.99)
    assert merged.count == len(first) + len(second)
    assert merged.percentiles_ms(*ratios) == _of(first + second).percentiles_ms(*ratios)


def test_104_9_ms_is_not_reported_as_100() -> None:
    """Rounding to two digits would let a missed target pass."""
    (p95,) = _of([0.05] * 94 + [0.1049] * 6).percentiles_ms(0.95)
    assert p95 == pytest.approx(104.9, rel=0.001)


def test_values_out_of_range_are_counted_at_the_border() -> None:
    """The library alone would drop them silently."""
    histogram = _of([-1.0, 2 * 3600.0])
    assert (histogram.count, histogram.clamped) == (2, 2)
    assert histogram.percentiles_ms(1.0)[0] == pytest.approx(3_600_000, rel=0.001)


def test_percentiles_among_the_failures_are_infinite() -> None:
    """With two failures in a hundred p99 is infinite and p98 is a number."""
    histogram = _of([0.01] * 98)
    p98, p99 = histogram.percentiles_ms(0.98, 0.99, worse=2)
    assert p98 == pytest.approx(10, rel=0.001)
    assert math.isinf(p99)
    assert math.isinf(Histogram().percentiles_ms(0.5, worse=1)[0])


@settings(deadline=None, max_examples=20)
@given(first=seconds, second=seconds)
def test_since_is_the_difference_of_two_states(first: list[float], second: list[float]) -> None:
    """Seconds of a run are differences of cumulative states."""
    before = _of(first)
    after = before.copy()
    for value in second:
        after.record(value)
    assert dict(after.since(before).counts) == dict(_of(second).counts)


@settings(deadline=None, max_examples=20)
@given(values=seconds)
def test_the_library_reads_the_encoded_form(values: list[float]) -> None:
    """Other tools of HdrHistogram see the same distribution, because every bucket is one of theirs."""
    histogram = _of(values)
    theirs = HdrHistogram.decode(histogram.encode())
    assert theirs.get_total_count() == len(values)
    assert theirs.get_max_value() / 1000 == pytest.approx(summarize(histogram).max_ms, abs=0.001)


def test_the_summary_of_an_empty_histogram_is_zero() -> None:
    """A report without a reply is still a report."""
    assert summarize(Histogram()).model_dump() == dict.fromkeys(
        ("count", "mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms"), 0
    )
