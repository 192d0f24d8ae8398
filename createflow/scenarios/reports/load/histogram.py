"""The latency histograms of a report, decoded."""

import base64
import binascii
import math
import struct
import zlib
from collections.abc import Iterable

from hdrh.histogram import HdrHistogram

from createflow.schemas.error import UserError
from createflow.schemas.load_report import LoadReport

MAX_BYTES = 4 * 1024 * 1024
"""Three digits from 1 us to 1 h need only a fraction of this. Anything larger is not a histogram of ours."""

_HEADER = struct.Struct(">II")
_POINTS_A_DECADE = 24


class Distribution:
    """Latencies in milliseconds by rank."""

    def __init__(self, histogram: HdrHistogram) -> None:
        self.count = int(histogram.total_count)
        self.max_ms = histogram.get_max_value() / 1000 if self.count else 0.0
        self.mean_ms = histogram.get_mean_value() / 1000 if self.count else 0.0
        self.deviation_ms = histogram.get_stddev() / 1000 if self.count else 0.0
        self._ranks: list[tuple[int, float]] = []
        """Pairs, ascending: a number of requests, and the latency that none of them exceeds."""
        seen = 0
        for index, count in enumerate(histogram.counts[:] if self.count else ()):
            if count:
                seen += count
                value = histogram.get_highest_equivalent_value(histogram.get_value_from_index(index))
                self._ranks.append((seen, value / 1000))

    def quantiles(self, quantiles: Iterable[float]) -> list[tuple[float, int, float]]:
        """For each quantile, ascending: the quantile, the number of requests up to it, and its milliseconds."""
        found = []
        ranks = iter(self._ranks)
        seen, value_ms = next(ranks, (0, 0.0))
        for quantile in quantiles:
            rank = max(1, math.ceil(quantile * self.count - 1e-9))
            while seen < rank:
                seen, value_ms = next(ranks)
            found.append((quantile, seen, value_ms))
        return found

    def curve(self) -> list[tuple[float, float]]:
        """Points of latency by percentile: 1 / (1 - q) for the quantile q, and its milliseconds.

        Evenly spaced on a logarithmic axis (the number of nines). The last point is the slowest request.
        """
        if not self.count:
            return []
        steps = math.ceil(math.log10(self.count) * _POINTS_A_DECADE)
        inverses = [10 ** (step / _POINTS_A_DECADE) for step in range(steps)]
        found = self.quantiles(1 - 1 / inverse for inverse in inverses)
        points = [(inverse, value_ms) for inverse, (_, _, value_ms) in zip(inverses, found, strict=True)]
        return [*points, (float(self.count), self.max_ms)]


def read_distribution(report: LoadReport, name: str) -> Distribution:
    """Decode a histogram of a report. It is empty when nothing was recorded.

    Args:
        report: the report.
        name: ``response``, ``service``, ``lag`` or ``connect``.

    Raises:
        UserError: the report holds something else than a histogram.
    """
    encoded = report.histograms.get(name, "")
    if not encoded:
        return Distribution(HdrHistogram(1, 3_600_000_000, 3))
    try:
        _require_small(base64.b64decode(encoded, validate=True))
        return Distribution(HdrHistogram.decode(encoded))
    except Exception as error:  # noqa: BLE001 - the library has no error class of its own and raises whatever it runs into
        raise UserError(
            f"the report's histogram {name!r} cannot be read: {type(error).__name__}",
            hint="the file may have been changed or cut off",
        ) from None


def _require_small(raw: bytes) -> None:
    """Refuse data that would unpack to far more than a histogram."""
    _cookie, length = _HEADER.unpack_from(raw)
    if length != len(raw) - _HEADER.size:
        raise binascii.Error
    unpacked = zlib.decompressobj()
    unpacked.decompress(raw[_HEADER.size :], MAX_BYTES)
    if unpacked.unconsumed_tail:
        raise binascii.Error
