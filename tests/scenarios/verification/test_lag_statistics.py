"""Lags and their summaries."""

import math

from createflow.scenarios.verification.lag_statistics import SinkLags


def test_late_samples_are_infinite() -> None:
    """A percentile among them is infinite, and never a value in between."""
    lags = SinkLags({"events": 2000.0, "search": 5000.0})
    for k in range(98):
        lags.add("events", at_s=k, lag_ms=float(k + 1))
    lags.add("events", at_s=98, lag_ms=math.inf)
    lags.add("events", at_s=99, lag_ms=math.inf)
    (lag,) = lags.summaries()
    assert (lag.sink, lag.samples, lag.late, lag.deadline_ms) == ("events", 100, 2, 2000.0)
    assert (lag.p50_ms, lag.p99_ms, lag.max_ms) == (50.0, math.inf, math.inf)


def test_a_second_shows_its_longest_lag() -> None:
    """By when the create had its reply, in seconds of the run."""
    lags = SinkLags({"events": 2000.0, "search": 5000.0})
    lags.add("events", at_s=100.2, lag_ms=5.0)
    lags.add("events", at_s=100.7, lag_ms=3.0)
    lags.add("search", at_s=100.7, lag_ms=80.0)
    lags.add("events", at_s=101.1, lag_ms=math.inf)
    assert lags.by_second(100.0) == {0: {"events": 5.0, "search": 80.0}, 1: {"events": math.inf}}
    assert lags.latest() == {"events": math.inf, "search": 80.0}
