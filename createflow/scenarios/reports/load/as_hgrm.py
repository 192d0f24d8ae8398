"""HdrHistogram's percentile distribution, in milliseconds, for its plotters: a file holds one distribution.

Written here: the library's own writer leaves the deviation in microseconds beside a mean in milliseconds.
"""

import math
from collections.abc import Iterator

from createflow.scenarios.reports.load.distribution import distribution
from createflow.schemas.load_report import LoadReport

_TICKS_A_HALVING = 5
"""Lines from one halving of what is still slower to the next: what HdrHistogram writes by default."""


def render(report: LoadReport) -> str:
    """The response latency, from the intended send time."""
    return _text(report, "response")


def render_service(report: LoadReport) -> str:
    """The service latency, from the true send time: plotted beside the other, the gap is what was waited."""
    return _text(report, "service")


def _text(report: LoadReport, name: str) -> str:
    found = distribution(report, name)
    lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}", ""]
    for quantile, seen, value_ms in found.at(_quantiles(found.count)):
        lines.append(f"{value_ms:12.3f} {quantile:2.12f} {seen:10d} {1 / (1 - quantile):14.2f}")
    if found.count:
        lines.append(f"{found.max_ms:12.3f} {1:2.12f} {found.count:10d}")
    lines += [
        f"#[Mean    = {found.mean_ms:12.3f}, StdDeviation   = {found.deviation_ms:12.3f}]",
        f"#[Max     = {found.max_ms:12.3f}, Total count    = {found.count:12d}]",
        "#[Buckets = 22, SubBuckets     = 2048]",
    ]
    return "\n".join(lines) + "\n"


def _quantiles(count: int) -> Iterator[float]:
    """From 0 on, ever closer, until only the slowest request is beyond."""
    quantile = 0.0
    while count and (1 - quantile) * count > 1:
        yield quantile
        halvings = math.floor(math.log2(1 / (1 - quantile))) + 1
        quantile += 1 / (_TICKS_A_HALVING * 2**halvings)
