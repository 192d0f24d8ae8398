"""A latency histogram with three significant digits from 1 us to 1 h, which merges without loss.

The buckets are those of HdrHistogram (Gil Tene): every value below 2,048 us has its own bucket, and above that each
power of two is divided into 1,024 buckets. This one is a dictionary of the buckets in use: counting a value costs a
third of what the library needs, and a load worker counts four values for every request. The library encodes the result.
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
    """A distribution of durations: recorded in seconds, counted in microseconds, read in milliseconds."""

    __slots__ = ("clamped", "counts")

    def __init__(self) -> None:
        self.counts: defaultdict[int, int] = defaultdict(int)
        """Number of values by bucket; the key is the lowest value of the bucket in microseconds."""
        self.clamped = 0
        """Values outside the range; they are counted at its border."""

    @classmethod
    def from_counts(cls, counts: Iterable[tuple[int, int]]) -> Self:
        """A histogram from pairs of bucket and count."""
        histogram = cls()
        histogram.counts.update(counts)
        return histogram

    @property
    def count(self) -> int:
        """Number of recorded values."""
        return sum(self.counts.values())

    @property
    def mean_ms(self) -> float:
        """The mean, with each value in the middle of its bucket; 0 without values."""
        total_us = sum((value_us + _highest_us(value_us)) / 2 * count for value_us, count in self.counts.items())
        return total_us / count / 1000 if (count := self.count) else 0.0

    @property
    def is_valid(self) -> bool:
        """Whether buckets and counts are numbers that recording can give; another process may have sent others."""
        return all(
            type(value_us) is int and 0 <= value_us <= HIGHEST_US and type(count) is int and count > 0
            for value_us, count in ((0, self.clamped + 1), *self.counts.items())
        )

    def record(self, seconds: float) -> None:
        """Record one duration."""
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
        """Add the values of another histogram."""
        counts = self.counts
        for value_us, count in other.counts.items():
            counts[value_us] += count
        self.clamped += other.clamped

    def since(self, earlier: "Histogram") -> "Histogram":
        """The difference from an earlier state of the same histogram."""
        before = earlier.counts
        return Histogram.from_counts(
            (value_us, count - before.get(value_us, 0))
            for value_us, count in self.counts.items()
            if count != before.get(value_us, 0)
        )

    def copy(self) -> "Histogram":
        """A copy of the current state."""
        copied = Histogram.from_counts(self.counts.items())
        copied.clamped = self.clamped
        return copied

    def to_list(self) -> list[int]:
        """For another process: ``clamped``, then bucket, count, bucket, count and so on."""
        return [self.clamped, *(number for pair in self.counts.items() for number in pair)]

    def add_list(self, numbers: Sequence[int]) -> None:
        """Add the histogram that ``to_list`` gave."""
        self.clamped += numbers[0]
        for value_us, count in zip(numbers[1::2], numbers[2::2], strict=True):
            self.counts[value_us] += count

    def percentiles_ms(self, *ratios: float, worse: int = 0) -> tuple[float, ...]:
        """Percentiles by nearest rank, in milliseconds.

        Args:
            ratios: 0..1 each, in ascending order.
            worse: number of further values above all recorded ones. A percentile among them is infinite.
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
        """In the compressed format V2 of HdrHistogram, as base64, for other tools."""
        from hdrh.histogram import HdrHistogram

        hdr = HdrHistogram(LOWEST_US, HIGHEST_US, _DIGITS)
        for value_us, count in self.counts.items():
            hdr.record_value(value_us, count)
        return str(hdr.encode(), "ascii")


def _highest_us(lowest_us: int) -> int:
    """The highest value of the bucket with this lowest value."""
    shift = max(0, lowest_us.bit_length() - _EXACT_BITS)
    return lowest_us + (1 << shift) - 1
