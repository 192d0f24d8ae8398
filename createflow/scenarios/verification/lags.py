"""How long sampled creates took to reach each sink: for the live view, the charts, and the summary."""

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

from createflow.schemas.load_finding import SinkLag


@dataclass(slots=True)
class _Lags:
    at_s: "array[float]" = field(default_factory=lambda: array("d"))
    lag_ms: "array[float]" = field(default_factory=lambda: array("d"))


class LagBook:
    """16 bytes a sample and sink, so that a soak of a day stays small."""

    def __init__(self, deadlines_ms: Mapping[str, float]) -> None:
        self._deadlines_ms = dict(deadlines_ms)
        self._lags = {sink: _Lags() for sink in deadlines_ms}

    def add(self, sink: str, *, at_s: float, lag_ms: float) -> None:
        """Enter a sample; infinite when it was not there by the deadline."""
        lags = self._lags[sink]
        lags.at_s.append(at_s)
        lags.lag_ms.append(lag_ms)

    def latest(self) -> dict[str, float]:
        """The last lag of each sink that has one, in milliseconds."""
        return {sink: lags.lag_ms[-1] for sink, lags in self._lags.items() if lags.lag_ms}

    def by_second(self, t0_s: float) -> dict[int, dict[str, float]]:
        """The longest lag of the creates of each second since ``t0_s``, by sink, in milliseconds."""
        found: dict[int, dict[str, float]] = {}
        for sink, lags in self._lags.items():
            for at_s, lag_ms in zip(lags.at_s, lags.lag_ms, strict=True):
                second = found.setdefault(math.floor(at_s - t0_s), {})
                second[sink] = max(lag_ms, second.get(sink, 0.0))
        return found

    def summaries(self) -> tuple[SinkLag, ...]:
        """One for each sink that was seen, or missed, at least once."""
        return tuple(self._summary(sink, sorted(lags.lag_ms)) for sink, lags in self._lags.items() if lags.lag_ms)

    def _summary(self, sink: str, ordered: list[float]) -> SinkLag:
        return SinkLag(
            sink=sink,
            samples=len(ordered),
            p50_ms=_at(ordered, 0.50),
            p99_ms=_at(ordered, 0.99),
            max_ms=ordered[-1],
            late=sum(math.isinf(lag_ms) for lag_ms in ordered),
            deadline_ms=self._deadlines_ms[sink],
        )


def _at(ordered: list[float], ratio: float) -> float:
    """The nearest rank: a value that was seen, never one between a number and infinity."""
    return ordered[max(0, math.ceil(ratio * len(ordered)) - 1)]
