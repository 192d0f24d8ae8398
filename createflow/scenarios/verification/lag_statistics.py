"""The lags of sampled creates to each sink, for the live view, the charts and the summary."""

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

from createflow.schemas.load_finding import SinkLag


@dataclass(slots=True)
class _Samples:
    at_s: "array[float]" = field(default_factory=lambda: array("d"))
    lag_ms: "array[float]" = field(default_factory=lambda: array("d"))


class SinkLags:
    """The lags to each sink, 16 bytes a sample, so that a soak of a day stays small.

    Args:
        deadlines_ms: the deadline of each sink.
    """

    def __init__(self, deadlines_ms: Mapping[str, float]) -> None:
        self._deadlines_ms = dict(deadlines_ms)
        self._samples = {sink: _Samples() for sink in deadlines_ms}

    def add(self, sink: str, *, at_s: float, lag_ms: float) -> None:
        """Add a sample. ``lag_ms`` is infinite if the create did not arrive by the deadline."""
        samples = self._samples[sink]
        samples.at_s.append(at_s)
        samples.lag_ms.append(lag_ms)

    def latest(self) -> dict[str, float]:
        """The last lag of each sink that has samples, in milliseconds."""
        return {sink: samples.lag_ms[-1] for sink, samples in self._samples.items() if samples.lag_ms}

    def by_second(self, t0_s: float) -> dict[int, dict[str, float]]:
        """The longest lag of the creates of each second since ``t0_s``, by sink, in milliseconds."""
        found: dict[int, dict[str, float]] = {}
        for sink, samples in self._samples.items():
            for at_s, lag_ms in zip(samples.at_s, samples.lag_ms, strict=True):
                second = found.setdefault(math.floor(at_s - t0_s), {})
                second[sink] = max(lag_ms, second.get(sink, 0.0))
        return found

    def summaries(self) -> tuple[SinkLag, ...]:
        """The summary of each sink that has samples."""
        return tuple(
            self._summarize(sink, sorted(samples.lag_ms)) for sink, samples in self._samples.items() if samples.lag_ms
        )

    def _summarize(self, sink: str, ordered: list[float]) -> SinkLag:
        return SinkLag(
            sink=sink,
            samples=len(ordered),
            p50_ms=_nearest_rank(ordered, 0.50),
            p99_ms=_nearest_rank(ordered, 0.99),
            max_ms=ordered[-1],
            late=sum(math.isinf(lag_ms) for lag_ms in ordered),
            deadline_ms=self._deadlines_ms[sink],
        )


def _nearest_rank(ordered: list[float], ratio: float) -> float:
    """A quantile that is one of the values, never one between a number and infinity."""
    return ordered[max(0, math.ceil(ratio * len(ordered)) - 1)]
