"""Latencies with three significant digits from 1 us to 1 h, mergeable without loss.

The buckets are those of HdrHistogram (Gil Tene): every value below 2,048 us has its own, and above that each power of
two is divided into 1,024. Ours is a dictionary of the buckets in use, because counting one value in it costs a third of
what the library's own needs, and a node counts four for every request. The library writes the format that others read.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Self

LOWEST_US = 1
HIGHEST_US = 3_600_000_000
_DIGITS = 3
_EXACT_US = 2048
_EXACT_BITS = 11


class Histogram:
    """A distribution of durations: microseconds inside, seconds in, milliseconds out."""

    __slots__ = ("clamped", "counts")

    def __init__(self) -> None:
        self.counts: defaultdict[int, int] = defaultdict(int)
        """How many values each bucket holds, by its lowest value in microseconds."""
        self.clamped = 0
        """Values that were out of range and stand at the border."""

    @classmethod
    def from_counts(cls, counts: Iterable[tuple[int, int]]) -> Self:
        """A histogram with these buckets."""
        histogram = cls()
        histogram.counts.update(counts)
        return histogram

    @property
    def count(self) -> int:
        """Values recorded."""
        return sum(self.counts.values())

    @property
    def mean_ms(self) -> float:
        """The mean, each value in the middle of its bucket; 0 when there is none."""
        total_us = sum((value_us + _highest_us(value_us)) / 2 * count for value_us, count in self.counts.items())
        return total_us / count / 1000 if (count := self.count) else 0.0

    def record(self, seconds: float) -> None:
        """Count one duration."""
        value_us = int(seconds * 1e6)
        if value_us >= _EXACT_US:
            if value_us > HIGHEST_US:
                value_us = HIGHEST_US
                self.clamped += 1
            shift = value_us.bit_length() - _EXACT_BITS
            value_us = value_us >> shift << shift
        elif value_us < 0:
            value_us = 0
            self.clamped += 1
        self.counts[value_us] += 1

    def add(self, other: "Histogram") -> None:
        """Add another histogram."""
        counts = self.counts
        for value_us, count in other.counts.items():
            counts[value_us] += count
        self.clamped += other.clamped

    def since(self, earlier: "Histogram") -> "Histogram":
        """What has been counted since an earlier state of the same histogram."""
        before = earlier.counts
        return Histogram.from_counts(
            (value_us, count - before.get(value_us, 0))
            for value_us, count in self.counts.items()
            if count != before.get(value_us, 0)
        )

    def copy(self) -> "Histogram":
        """The state of now, to compare with later."""
        twin = Histogram.from_counts(self.counts.items())
        twin.clamped = self.clamped
        return twin

    def to_list(self) -> list[int]:
        """For the wire: clamped, then bucket, count, bucket, count."""
        return [self.clamped, *(number for pair in self.counts.items() for number in pair)]

    def add_list(self, numbers: Sequence[int]) -> None:
        """Add what ``to_list`` of another histogram gave."""
        self.clamped += numbers[0]
        for value_us, count in zip(numbers[1::2], numbers[2::2], strict=True):
            self.counts[value_us] += count

    def percentiles_ms(self, *ratios: float, worse: int = 0) -> tuple[float, ...]:
        """The smallest recorded values that at least these shares of all values do not exceed.

        Args:
            ratios: 0..1 each, ascending.
            worse: this many more values lie above everything recorded; a rank among them is infinite.
        """
        total = self.count + worse
        ranks = [max(1, math.ceil(ratio * total - 1e-9)) for ratio in ratios]
        found: list[float] = []
        seen = 0
        for value_us in sorted(self.counts):
            seen += self.counts[value_us]
            while len(found) < len(ranks) and ranks[len(found)] <= seen:
                found.append(_highest_us(value_us) / 1000)
        return (*found, *[math.inf if total else 0.0] * (len(ranks) - len(found)))

    def encode(self) -> str:
        """HdrHistogram V2, compressed, base64: what other tools read."""
        from hdrh.histogram import HdrHistogram

        hdr = HdrHistogram(LOWEST_US, HIGHEST_US, _DIGITS)
        for value_us, count in self.counts.items():
            hdr.record_value(value_us, count)
        return str(hdr.encode(), "ascii")


def _highest_us(lowest_us: int) -> int:
    """The highest value of the bucket that begins here."""
    shift = max(0, lowest_us.bit_length() - _EXACT_BITS)
    return lowest_us + (1 << shift) - 1
