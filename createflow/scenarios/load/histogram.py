"""Latencies with three significant digits from 1 us to 1 h, mergeable without loss."""

import math

from hdrh.histogram import HdrHistogram

from createflow.schemas.load_report import Percentiles

LOWEST_US = 1
HIGHEST_US = 3_600_000_000
_DIGITS = 3


class Histogram:
    """An HDR histogram of durations, in microseconds inside, seconds in and milliseconds out.

    Percentiles are our own: the library's rank rounds half up where the definition asks for the ceiling, and its
    search walks all slots in Python for each one asked.
    """

    def __init__(self) -> None:
        self._hdr = HdrHistogram(LOWEST_US, HIGHEST_US, _DIGITS)
        self.clamped = 0

    @property
    def count(self) -> int:
        """Values recorded."""
        return int(self._hdr.total_count)

    def record(self, seconds: float) -> None:
        """Count one duration. What is out of range is counted at the border, since the library would drop it."""
        value_us = int(seconds * 1e6)
        if value_us < 0:
            value_us = 0
            self.clamped += 1
        elif value_us > HIGHEST_US:
            value_us = HIGHEST_US
            self.clamped += 1
        self._hdr.record_value(value_us)

    def encode(self) -> str:
        """HDR V2, compressed, base64: what other HDR tools read too."""
        return str(self._hdr.encode(), "ascii")

    def add_encoded(self, encoded: str) -> None:
        """Add what another histogram encoded."""
        self._hdr.add(HdrHistogram.decode(encoded))

    def add(self, other: "Histogram") -> None:
        """Add another histogram."""
        self._hdr.add(other._hdr)  # noqa: SLF001 - of the same class
        self.clamped += other.clamped

    def percentiles_ms(self, *ratios: float, worse: int = 0) -> tuple[float, ...]:
        """The smallest recorded values that at least these shares of all values do not exceed.

        Args:
            ratios: 0..1 each, ascending.
            worse: this many more values lie above everything recorded; a rank among them is infinite.
        """
        total = self.count + worse
        ranks = [max(1, math.ceil(ratio * total - 1e-9)) for ratio in ratios]
        found = self._values_us(ranks, beyond=math.inf if total else 0.0)
        return tuple(value / 1000 for value in found)

    def _values_us(self, ranks: list[int], *, beyond: float) -> list[float]:
        found: list[float] = []
        seen = 0
        for index, slot in enumerate(self._hdr.counts[:]):
            if not slot:
                continue
            seen += slot
            while len(found) < len(ranks) and ranks[len(found)] <= seen:
                lowest = self._hdr.get_value_from_index(index)
                found.append(float(self._hdr.get_highest_equivalent_value(lowest)))
        return found + [beyond] * (len(ranks) - len(found))

    def summary(self) -> Percentiles:
        """The distribution as it stands in a report."""
        p50, p90, p95, p99, p999 = self.percentiles_ms(0.5, 0.9, 0.95, 0.99, 0.999)
        return Percentiles(
            count=self.count,
            mean_ms=self._hdr.get_mean_value() / 1000,
            p50_ms=p50,
            p90_ms=p90,
            p95_ms=p95,
            p99_ms=p99,
            p999_ms=p999,
            max_ms=self._hdr.get_max_value() / 1000,
        )
