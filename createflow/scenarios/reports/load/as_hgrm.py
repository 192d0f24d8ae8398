"""HdrHistogram's percentile distribution in milliseconds, for its plotters. A file holds one distribution.

Why not the library's own writer: it prints the mean in milliseconds and the deviation in microseconds.
"""

import math
from collections.abc import Iterator

from createflow.scenarios.reports.load.histogram import read_distribution
from createflow.schemas.load_report import LoadReport

_TICKS_PER_HALF_DISTANCE = 5
"""Lines for each halving of the distance to 100 %: HdrHistogram's default."""


def render(report: LoadReport) -> str:
    """The distribution of the response latency, from the intended send time."""
    return _text(report, "response")


def render_service(report: LoadReport) -> str:
    """The distribution of the service latency, from the actual send time."""
    return _text(report, "service")


def _text(report: LoadReport, name: str) -> str:
    latencies = read_distribution(report, name)
    lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}", ""]
    for quantile, count, value_ms in latencies.quantiles(_quantiles(latencies.count)):
        lines.append(f"{value_ms:12.3f} {quantile:2.12f} {count:10d} {1 / (1 - quantile):14.2f}")
    if latencies.count:
        lines.append(f"{latencies.max_ms:12.3f} {1:2.12f} {latencies.count:10d}")
    lines += [
        f"#[Mean    = {latencies.mean_ms:12.3f}, StdDeviation   = {latencies.deviation_ms:12.3f}]",
        f"#[Max     = {latencies.max_ms:12.3f}, Total count    = {latencies.count:12d}]",
        "#[Buckets = 22, SubBuckets     = 2048]",
    ]
    return "\n".join(lines) + "\n"


def _quantiles(count: int) -> Iterator[float]:
    """From 0 towards 1, ever closer, until only the slowest request is beyond."""
    quantile = 0.0
    while count and (1 - quantile) * count > 1:
        yield quantile
        halvings = math.floor(math.log2(1 / (1 - quantile))) + 1
        quantile += 1 / (_TICKS_PER_HALF_DISTANCE * 2**halvings)
