"""A whole distribution of latencies, as a report holds it."""

import base64
import binascii
import math
import struct
import zlib
from collections.abc import Iterable

from hdrh.histogram import HdrHistogram

from createflow.schemas.error import UserError
from createflow.schemas.load_report import LoadReport

LARGEST_BYTES = 4 * 1024 * 1024
"""Three digits from 1 us to 1 h take a fraction of it; a file that says more is not one of ours."""

_HEAD = struct.Struct(">II")
_POINTS_A_DECADE = 24


class Distribution:
    """Latencies in milliseconds by their rank."""

    def __init__(self, histogram: HdrHistogram) -> None:
        self.count = int(histogram.total_count)
        self.max_ms = histogram.get_max_value() / 1000 if self.count else 0.0
        self.mean_ms = histogram.get_mean_value() / 1000 if self.count else 0.0
        self.deviation_ms = histogram.get_stddev() / 1000 if self.count else 0.0
        self.slots: list[tuple[int, float]] = []
        """How many requests were at most this slow, ascending."""
        seen = 0
        for index, slot in enumerate(histogram.counts[:] if self.count else ()):
            if slot:
                seen += slot
                value = histogram.get_highest_equivalent_value(histogram.get_value_from_index(index))
                self.slots.append((seen, value / 1000))

    def at(self, quantiles: Iterable[float]) -> list[tuple[float, int, float]]:
        """Each quantile, ascending, with the number of requests at most as slow as it, and its milliseconds."""
        found = []
        slots = iter(self.slots)
        seen, value_ms = next(slots, (0, 0.0))
        for quantile in quantiles:
            rank = max(1, math.ceil(quantile * self.count - 1e-9))
            while seen < rank:
                seen, value_ms = next(slots)
            found.append((quantile, seen, value_ms))
        return found

    def curve(self) -> list[tuple[float, float]]:
        """Points of the latency by percentile: 1 / (1 - q) for the quantile q, and its milliseconds.

        Evenly spaced where percentiles are usually drawn, by the number of nines; the last is the slowest request.
        """
        if not self.count:
            return []
        steps = math.ceil(math.log10(self.count) * _POINTS_A_DECADE)
        inverses = [10 ** (step / _POINTS_A_DECADE) for step in range(steps)]
        found = self.at(1 - 1 / inverse for inverse in inverses)
        points = [(inverse, value_ms) for inverse, (_, _, value_ms) in zip(inverses, found, strict=True)]
        return [*points, (float(self.count), self.max_ms)]


def distribution(report: LoadReport, name: str) -> Distribution:
    """``response``, ``service``, ``lag`` or ``connect``; empty where nothing was recorded.

    Raises:
        UserError: what the report holds is no histogram.
    """
    encoded = report.histograms.get(name, "")
    if not encoded:
        return Distribution(HdrHistogram(1, 3_600_000_000, 3))
    try:
        _check(base64.b64decode(encoded, validate=True))
        return Distribution(HdrHistogram.decode(encoded))
    except Exception as error:  # noqa: BLE001 - the library has no error of its own: it ends in what it runs into
        raise UserError(
            f"the report's histogram {name!r} cannot be read: {type(error).__name__}",
            hint="was the file changed, or cut off?",
        ) from None


def _check(raw: bytes) -> None:
    """Refuse what would unpack to far more than a histogram is."""
    _cookie, length = _HEAD.unpack_from(raw)
    if length != len(raw) - _HEAD.size:
        raise binascii.Error
    unpacked = zlib.decompressobj()
    unpacked.decompress(raw[_HEAD.size :], LARGEST_BYTES)
    if unpacked.unconsumed_tail:
        raise binascii.Error
