"""The books of a run as ``judge`` and ``believe`` want them."""

from dataclasses import dataclass

from createflow.scenarios.load import judge as judging
from createflow.scenarios.load import validity
from createflow.scenarios.load.recorder import Recorder
from createflow.scenarios.load.signals import Signals
from createflow.scenarios.load.span import Outcomes, Span
from createflow.schemas.load_report import Machine, Operation, SloVerdict, Validity, WorkerHealth
from createflow.schemas.profile import Slo

_MAX_PACING_MS = 10.0
_MIN_SAMPLES_FOR_P99 = 1000


@dataclass(frozen=True, slots=True)
class Belief:
    """Whether the numbers say something about the target."""

    validity: Validity
    reason: str = ""


def judge(books: Recorder, slo: Slo, *, rate_per_s: float, duration_s: float) -> tuple[SloVerdict, ...]:
    """The targets, each judged over every arrival of the measured window."""
    return judging.judge(slo.targets, _whole(books, duration_s or books.measured.scheduled / rate_per_s), ())


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
    """Whether a missed target is the target's own miss."""
    belief = validity.believe(
        Signals(
            targets=slo.targets,
            slos=slos,
            whole=_whole(books, books.measured.scheduled / rate_per_s),
            service={Operation.CREATE: books.measured.histogram("service")},
            pacing=books.pacing,
            peak_offered_per_s=rate_per_s,
            workers=(WorkerHealth(index=0, cpu_ratio=cpu_ratio, senders=senders, peak_in_flight=peak_in_flight),),
            machine=Machine(),
        )
    )
    return Belief(belief.validity, "; ".join(belief.reasons))


def _whole(books: Recorder, duration_s: float) -> Span:
    measured = books.measured
    accepted = measured.merged(outcomes="2")
    outcomes = Outcomes(
        scheduled=measured.scheduled,
        bad=measured.scheduled - accepted.count,
        unsent=measured.not_sent,
        refused_by_limit=measured.statuses["429"],
        unavailable=measured.statuses["503"],
        accepted=accepted,
        accepted_in_span=books.accepted_in_window,
    )
    return Span(0.0, duration_s, {Operation.CREATE: outcomes})


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
