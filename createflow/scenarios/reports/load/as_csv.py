"""CSV for spreadsheets and data frames: the time series, one line for each second, warm-up included."""

import csv
import io
import re

from createflow.scenarios.reports.format.text import one_line
from createflow.schemas.load_report import LoadReport, Moment

_SEPARATOR = re.compile(r"[,;|'\"]")

STATUSES = ("2xx", "3xx", "4xx", "429", "5xx", "503")
"""The status classes that always have a column, so that columns keep their position. Other classes follow them."""


def render(report: LoadReport) -> str:
    """The whole table, with a header. ``docs/bench-reports.md`` describes each column."""
    seen = {status for moment in report.series for status in moment.statuses}
    statuses = (*STATUSES, *sorted(seen - set(STATUSES)))
    sinks = sorted({sink for moment in report.series for sink in moment.sink_lag_ms})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            *("t_s", "phase", "offered", "sent"),
            *(f"replies_{_name(status)}" for status in statuses),
            *("failed", "dropped", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms", "service_p99_ms"),
            *("in_flight", "backlog", "pacing_p99_ms", "cpu_ratio"),
            *(f"lag_ms_{_name(sink)}" for sink in sinks),
        ]
    )
    for moment in report.series:
        writer.writerow(_row(moment, report.warmup_s, statuses, sinks))
    return text.getvalue()


def _name(text: str) -> str:
    """A part of a heading.

    Separators are escaped too: a spreadsheet that splits at another one than the comma would find a formula in what
    follows it.
    """
    return _SEPARATOR.sub(lambda found: f"\\x{ord(found[0]):02x}", one_line(text))


def _row(moment: Moment, warmup_s: float, statuses: tuple[str, ...], sinks: list[str]) -> list[object]:
    latencies = (moment.p50_ms, moment.p90_ms, moment.p95_ms, moment.p99_ms, moment.max_ms, moment.service_p99_ms)
    return [
        f"{moment.t_s:g}",
        "warm-up" if moment.t_s < warmup_s else "measured",
        *(moment.offered, moment.sent),
        *(moment.statuses.get(status, 0) for status in statuses),
        *(moment.failed, moment.dropped),
        *(f"{value:.3f}" for value in latencies),
        *(moment.in_flight, moment.backlog, f"{moment.pacing_p99_ms:.3f}", f"{moment.cpu_ratio:.4f}"),
        *(f"{moment.sink_lag_ms[sink]:.3f}" if sink in moment.sink_lag_ms else "" for sink in sinks),
    ]
