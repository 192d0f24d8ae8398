"""What the numbers mean: targets held or missed, and whether the generator can be believed."""

import math
from dataclasses import dataclass

from createflow.scenarios.load.recorder import Recorder
from createflow.schemas.load_report import SloVerdict, Validity
from createflow.schemas.profile import Slo

_RATE_SHARE = 0.99
_MAX_ERRORS_RATIO = 0.001
_MAX_CPU_RATIO = 0.9
_MAX_PACING_MS = 10.0
_MIN_SAMPLES_FOR_P99 = 1000


@dataclass(frozen=True, slots=True)
class Belief:
    """Whether the numbers say something about the target."""

    validity: Validity
    reason: str = ""


def judge(books: Recorder, slo: Slo, *, rate_per_s: float, duration_s: float) -> tuple[SloVerdict, ...]:
    """The targets, each judged over every arrival of the measured window.

    A request that failed, was refused or never left counts as slower than anything: fast failures never improve p99.
    """
    measured = books.measured
    accepted = measured.merged(outcomes="2")
    bad = measured.scheduled - accepted.count
    (p99_ms,) = accepted.percentiles_ms(0.99, worse=bad)
    least_per_s = min(slo.rate_per_s, rate_per_s) * _RATE_SHARE
    accepted_per_s = books.accepted_in_window / duration_s if duration_s else 0.0
    errors_ratio = bad / measured.scheduled if measured.scheduled else 1.0
    return (
        SloVerdict(target=f"p99_ms <= {slo.p99_ms:g}", seen=p99_ms, held=p99_ms <= slo.p99_ms and accepted.count > 0),
        SloVerdict(
            target=f"accepted_per_s >= {least_per_s:g}", seen=accepted_per_s, held=accepted_per_s >= least_per_s
        ),
        SloVerdict(
            target=f"errors_ratio < {_MAX_ERRORS_RATIO:g}", seen=errors_ratio, held=errors_ratio < _MAX_ERRORS_RATIO
        ),
    )


def believe(
    books: Recorder,
    slo: Slo,
    slos: tuple[SloVerdict, ...],
    *,
    rate_per_s: float,
    senders: int,
    peak_in_flight: int,
    cpu_ratio: float,
) -> Belief:
    """Whether a missed target is the target's own miss.

    Latency counts from the intended time, so a slow generator makes it worse, never better: a target that is held is
    held. One that is missed is the generator's fault when the replies themselves were fast enough.
    """
    measured = books.measured
    service = measured.histogram("service")
    (service_p99_ms,) = service.percentiles_ms(0.99)
    if not measured.scheduled:
        return Belief(Validity.INVALID, "nothing was measured")
    (pacing_p99_ms,) = books.pacing.percentiles_ms(0.99)
    # A reply is timed when its sender wakes up, which can be as late as the pacer was.
    slow = service_p99_ms - pacing_p99_ms > slo.p99_ms
    if all(verdict.held for verdict in slos) or slow or _refused(books):
        return Belief(Validity.VALID)
    reason = ""
    if cpu_ratio > _MAX_CPU_RATIO:
        reason = f"a load worker used {cpu_ratio:.0%} of a core: use more --workers"
    elif peak_in_flight >= senders:
        # Little's law: what the rate keeps in flight at the replies' own pace.
        needed = math.ceil(rate_per_s * service.summary().mean_ms / 1000)
        reason = f"all {senders} senders were busy where {needed} were needed on average: use more --senders"
    elif pacing_p99_ms > max(_MAX_PACING_MS, slo.p99_ms / 10):
        reason = f"the generator woke up {pacing_p99_ms:.0f} ms late (p99): it lacked CPU"
    return Belief(Validity.INVALID if reason else Validity.VALID, reason)


def remarks(books: Recorder) -> list[str]:
    """What a reader of the numbers should know."""
    found = []
    warmup = books.warmup
    if bad := warmup.scheduled - warmup.accepted:
        kinds = {status: count for status, count in warmup.statuses.items() if not status.startswith("2")}
        seen = ", ".join(f"{count} x {kind}" for kind, count in (kinds | dict(warmup.errors)).items())
        found.append(f"{bad} requests of the warm-up were not accepted" + (f": {seen}" if seen else ""))
    limited = books.measured.statuses["429"]
    if limited:
        found.append(f"{limited} replies were 429: the rate limiter was measured, not the write path")
    if 0 < books.measured.scheduled < _MIN_SAMPLES_FOR_P99:
        found.append(f"p99 from {books.measured.scheduled} samples only; {_MIN_SAMPLES_FOR_P99} make it steady")
    (pacing_p99_ms,) = books.pacing.percentiles_ms(0.99)
    if pacing_p99_ms > _MAX_PACING_MS:
        found.append(f"the generator woke up {pacing_p99_ms:.0f} ms late (p99): this machine is short of CPU")
    if books.measured.clamped:
        found.append(f"{books.measured.clamped} durations were outside 1 us to 1 h and stand at that border")
    return found


def _refused(books: Recorder) -> bool:
    """The target itself refused, failed or lost more than the share that is allowed."""
    measured = books.measured
    lost = measured.completed - measured.accepted + measured.transport_errors + measured.timeouts + measured.unfinished
    return lost >= measured.scheduled * _MAX_ERRORS_RATIO
