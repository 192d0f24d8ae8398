"""Outcomes and windows for tests."""

from collections.abc import Iterable

from createflow.scenarios.load.accounting.histogram import Histogram
from createflow.scenarios.load.verdict.windows import Outcomes, Window
from createflow.schemas.operation import Operation


def histogram(latencies_s: Iterable[float]) -> Histogram:
    """A histogram of these latencies."""
    made = Histogram()
    for latency_s in latencies_s:
        made.record(latency_s)
    return made


def outcomes(
    good: int = 1000,
    latency_s: float = 0.01,
    *,
    bad: int = 0,
    unsent: int = 0,
    limited: int = 0,
    unavailable: int = 0,
    in_window: int | None = None,
    verified: int | None = None,
) -> Outcomes:
    """Arrivals of which ``good`` were accepted after this latency, and ``bad`` were not."""
    return Outcomes(
        scheduled=good + bad,
        not_accepted=bad,
        unsent=unsent,
        rate_limited=limited,
        unavailable=unavailable,
        accepted=histogram([latency_s] * good),
        accepted_in_window=good if in_window is None else in_window,
        verified_in_window=verified,
    )


def window(of: Outcomes, *, start_s: float = 2.0, duration_s: float = 1.0, reads: Outcomes | None = None) -> Window:
    """A window with creates, and with reads if given."""
    by_operation = {Operation.CREATE: of} | ({Operation.READ: reads} if reads else {})
    return Window(start_s, duration_s, by_operation)
