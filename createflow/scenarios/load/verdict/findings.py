"""Everything that is found out about a measured load: targets held or missed, and how far it can be believed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from createflow.scenarios.load.fleet.run import Measured
from createflow.scenarios.load.plan.options import Asked
from createflow.scenarios.load.verdict.evidence import Signals
from createflow.scenarios.load.verdict.report import Findings, worker_health
from createflow.scenarios.load.verdict.slo_verdict import judge
from createflow.scenarios.load.verdict.validity import believe
from createflow.scenarios.load.verdict.windows import seconds, whole
from createflow.schemas.load_finding import Verification
from createflow.schemas.load_report import Machine
from createflow.schemas.profile import Profile
from createflow.schemas.slo import SloTarget, parse_target

_SOAK_WINDOW_S = 60


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known of a run beside what its nodes counted."""

    machine: Machine
    lags: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    verification: Verification | None = None
    ceiling_per_s: float | None = None
    notes: tuple[str, ...] = ()


def targets_of(profile: Profile, asked: Asked) -> tuple[SloTarget, ...]:
    """What the run is judged by; a soak also in every minute.

    Raises:
        UserError: an expression is none.
    """
    targets = tuple(parse_target(text) for text in asked.targets) or profile.slo.targets
    if asked.shape != "soak":
        return targets
    return (*targets, *(replace(target, window_s=_SOAK_WINDOW_S) for target in targets if target.window_s is None))


def findings_of(measured: Measured, targets: tuple[SloTarget, ...], beside: Beside) -> Findings:
    """The verdicts."""
    verified = _verified(beside.verification)
    span = whole(measured, verified=verified)
    slos = judge(targets, span, seconds(measured))
    belief = believe(
        Signals(
            targets=targets,
            slos=slos,
            whole=span,
            service={operation: tally.service for operation, tally in measured.books.measured.items()},
            pacing=measured.books.pacing,
            peak_offered_per_s=measured.plan.schedule.peak_per_s,
            workers=worker_health(measured),
            machine=beside.machine,
        )
    )
    return Findings(
        slos=slos,
        validity=belief.validity,
        reasons=belief.reasons,
        notes=(*measured.plan.notes, *beside.notes, *_notes(measured), *belief.notes),
        machine=beside.machine,
        lags=beside.lags,
        verification=beside.verification,
        verified_in_window=verified,
        ceiling_per_s=beside.ceiling_per_s,
    )


def _verified(verification: Verification | None) -> int | None:
    """Creates of the measured window proved present; ``None`` unless every declared sink could be asked."""
    if verification is None or any(sink.error for sink in verification.sinks):
        return None
    return verification.verified_measured


def _notes(measured: Measured) -> tuple[str, ...]:
    """What a reader of the numbers should know that no target asks for."""
    notes = [f"a load worker on {host} came when all places were taken, and was sent away" for host in measured.late]
    warmup = measured.books.warmup.values()
    if bad := sum(tally.scheduled - tally.accepted for tally in warmup):
        kinds: dict[str, int] = {}
        for tally in warmup:
            for status, count in tally.statuses.items():
                if not 200 <= status < 300:
                    kinds[str(status)] = kinds.get(str(status), 0) + count
            for kind, count in tally.errors.items():
                kinds[kind] = kinds.get(kind, 0) + count
        seen = ", ".join(f"{count} x {kind}" for kind, count in kinds.items())
        notes.append(f"{bad} requests of the warm-up were not accepted" + (f": {seen}" if seen else ""))
    clamped = sum(tally.clamped for tally in measured.books.measured.values())
    if clamped:
        notes.append(f"{clamped} durations were outside 1 us to 1 h and stand at that border")
    return tuple(notes)
