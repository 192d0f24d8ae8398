"""Progress of a run, made by hand."""

import math

from createflow.scenarios.load.fleet.progress import Progress
from createflow.schemas.load_report import Moment


def moment(second: float, **changes: object) -> Moment:
    """One second at 500/s."""
    made = Moment(
        t_s=second,
        offered=500,
        sent=490,
        statuses={"2xx": 480, "503": 10},
        p50_ms=8,
        p90_ms=20,
        p95_ms=30,
        p99_ms=60,
        max_ms=90,
        service_p99_ms=55,
        in_flight=12,
        backlog=3,
        pacing_p99_ms=0.5,
        cpu_ratio=0.2,
        sink_lag_ms={"search": 120, "audit": math.inf},
    )
    return Moment.model_validate(made.model_dump() | changes)


def progress(*history: Moment, **changes: object) -> Progress:
    """Progress that ends with this history."""
    values: dict[str, object] = {
        "phase": "measuring",
        "elapsed_s": 12.0,
        "total_s": 22.0,
        "history": history or (moment(0.0),),
        "p50_ms": 9.0,
        "p95_ms": 22.0,
        "p99_ms": 61.0,
        "statuses": {"201": 9000, "503": 100},
        "failed": 7,
        "not_sent": 4,
    }
    return Progress(**(values | changes))  # type: ignore[arg-type] # each of its own type
