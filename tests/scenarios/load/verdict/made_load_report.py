"""Load reports with a synthetic series, as runs of the same or of different builds have."""

import math
import random
from functools import cache

from createflow.schemas.load_report import Ledger, LoadReport, Machine, Moment, Percentiles, Validity

MACHINE = Machine(cpu="A CPU", cores=2, memory_mb=8000, python="3.11.7", same_host=True)


@cache
def load_report(seed: int, *, seconds: int = 30, slower_ms: float = 0.0, lost_ratio: float = 0.0) -> LoadReport:
    """A run at 200/s: log-normal latencies around 30 ms, seconds that differ, some of them bad.

    Args:
        seed: of its chance.
        seconds: the measured window; two more of warm-up come before it, slow as a start is.
        slower_ms: added to every request.
        lost_ratio: share of the requests that are refused with 503.
    """
    dice = random.Random(seed)  # noqa: S311 - a simulation
    whole: list[float] = []
    series = []
    accepted = 0
    pace = 1.0
    for t in range(seconds + 2):
        pace = 0.7 * pace + 0.3 * dice.uniform(0.85, 1.15)  # seconds hang together
        stall = dice.random() < 0.05
        values = [
            0.03 * pace * dice.lognormvariate(0, 0.4) + slower_ms / 1000 + (dice.random() * 0.1 if stall else 0)
            for _ in range(200)
        ]
        if t < 2:
            values = [value * 5 for value in values]
        refused = sum(dice.random() < lost_ratio for _ in values)
        series.append(_moment(float(t), values, refused))
        if t >= 2:
            accepted += len(values) - refused
            whole += values
    return LoadReport(
        createflow_version="0",
        run_id=f"run{seed}",
        started_at="2026-11-01T00:00:00Z",
        target="https://h/api/resources",
        profile="p",
        shape="200/s",
        rate_per_s=200,
        duration_s=seconds,
        warmup_s=2,
        senders=100,
        principals=100,
        config_hash="abc",
        accepted_per_s=accepted / seconds,
        ledger=Ledger(),
        statuses={},
        response=_percentiles(whole),
        service=Percentiles(),
        lag=Percentiles(),
        series=tuple(series),
        machine=MACHINE,
        validity=Validity.VALID,
    )


def _moment(t_s: float, values: list[float], refused: int) -> Moment:
    of = _percentiles(values)
    return Moment(
        t_s=t_s,
        offered=len(values),
        sent=len(values),
        statuses={"2xx": len(values) - refused, "503": refused},
        p50_ms=of.p50_ms,
        p90_ms=of.p90_ms,
        p95_ms=of.p95_ms,
        p99_ms=of.p99_ms,
        max_ms=of.max_ms,
    )


def _percentiles(values: list[float]) -> Percentiles:
    ordered = sorted(1000 * value for value in values)
    at = {ratio: ordered[math.ceil(ratio * len(ordered)) - 1] for ratio in (0.5, 0.9, 0.95, 0.99, 0.999)}
    return Percentiles(
        count=len(ordered),
        mean_ms=sum(ordered) / len(ordered),
        p50_ms=at[0.5],
        p90_ms=at[0.9],
        p95_ms=at[0.95],
        p99_ms=at[0.99],
        p999_ms=at[0.999],
        max_ms=ordered[-1],
    )
