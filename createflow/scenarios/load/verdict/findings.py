"""Evaluates a finished load: its targets, its validity, and notes for the reader."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from createflow.scenarios.load.fleet.run import LoadResult
from createflow.scenarios.load.host.machine_watch import MachineWatch
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.verdict.evidence import Evidence
from createflow.scenarios.load.verdict.report import Findings, collect_worker_health
from createflow.scenarios.load.verdict.slo_verdict import evaluate_targets
from createflow.scenarios.load.verdict.tail import find_tail
from createflow.scenarios.load.verdict.validity import assess_validity
from createflow.scenarios.load.verdict.windows import make_seconds, make_window
from createflow.scenarios.text import trace_context
from createflow.schemas.load_finding import Verification
from createflow.schemas.load_report import Machine, Validity
from createflow.schemas.load_tail import Tail
from createflow.schemas.operation import Operation
from createflow.schemas.slo import SloTarget, parse_target

OF_THE_OPTION = "--slo"
OF_THE_PROFILE = "[slo] of the profile"
OF_THE_BUNDLED_STACK = "default of the bundled stack"
NOBODY = "no objective was given: judged by errors and verification only"
"""The sources of objectives."""
_ERRORS_ONLY = "errors<0.1%"
_SOAK_WINDOW_S = 60
_UNUSABLE = {
    "malformed": "is not a URI reference (RFC 9110 section 10.2.2)",
    "elsewhere": "names another origin than the target's",
}


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """What is known about a run besides what its load workers counted."""

    machine: Machine
    lags: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    """By second, the lag of the sampled create to each sink, in milliseconds."""
    verification: Verification | None = None
    unverified: str = ""
    """Why no write was verified; empty if writes were."""
    ceiling_per_s: float | None = None
    """The generator ceiling, if it was measured."""
    notes: tuple[str, ...] = ()
    watch: MachineWatch | None = None
    """What the machine did meanwhile."""


@dataclass(frozen=True, slots=True)
class Objectives:
    """What a run is judged by."""

    targets: tuple[SloTarget, ...]
    source: str
    """Who set them, for the report."""


def select_objectives(
    declared: tuple[SloTarget, ...], options: LoadOptions, *, declared_by: str = OF_THE_PROFILE
) -> Objectives:
    """The objectives of a run: those of the options, or else of the profile. A soak must hold them in every minute too.

    Where nobody set one, nothing is said about latency and rate: only requests that fail count against the target.

    Raises:
        UserError: an expression is not valid.
    """
    targets, source = declared, declared_by
    if options.targets:
        targets, source = tuple(map(parse_target, options.targets)), OF_THE_OPTION
    elif not declared:
        targets, source = (parse_target(_ERRORS_ONLY),), NOBODY
    if options.shape == "soak":
        in_windows = (replace(target, window_s=_SOAK_WINDOW_S) for target in targets if target.window_s is None)
        targets = (*targets, *in_windows)
    return Objectives(targets, source)


def evaluate(result: LoadResult, objectives: Objectives, context: EvaluationContext) -> Findings:
    """Evaluate a load."""
    targets = objectives.targets
    verified = _count_verified(result, context.verification)
    whole = make_window(result, verified=verified)
    slos = evaluate_targets(targets, whole, make_seconds(result))
    verdict = assess_validity(
        Evidence(
            targets=targets,
            slos=slos,
            whole=whole,
            service={operation: counters.service for operation, counters in result.ledger.measured.items()},
            pacing=result.ledger.pacing,
            peak_offered_per_s=result.plan.schedule.peak_per_s,
            workers=collect_worker_health(result),
            machine=context.machine,
        )
    )
    unmeasured = (*_without_resource(result), *_without_creates(result))
    return Findings(
        slos=slos,
        slo_source=objectives.source,
        validity=Validity.INVALID if unmeasured else verdict.validity,
        reasons=(*unmeasured, *verdict.reasons),
        notes=(*result.plan.notes, *context.notes, *_notes(result), *verdict.notes),
        machine=context.machine,
        lags=context.lags,
        verification=context.verification,
        unverified=context.unverified,
        verified_in_window=verified,
        ceiling_per_s=context.ceiling_per_s,
        tail=_find_tail(result, context.watch),
    )


def _find_tail(result: LoadResult, watch: MachineWatch | None) -> Tail | None:
    headers = result.plan.profile.target.headers
    return find_tail(
        result.kept,
        replies=sum(counters.completed for counters in result.ledger.measured.values()),
        run_id=result.plan.run_id,
        is_traced=all(name.lower() != trace_context.HEADER for name in headers),
        t0_s=result.t0_s,
        watch=watch,
    )


def _count_verified(result: LoadResult, verification: Verification | None) -> int | None:
    """Verified creates of the measured window; None if a declared sink could not be read, or only a sample was."""
    if verification is None or verification.is_sample or any(sink.error for sink in verification.sinks):
        return None
    return min(verification.verified_measured, result.ledger.measured[Operation.CREATE].in_window.accepted)


def _without_resource(result: LoadResult) -> tuple[str, ...]:
    """Why part of the mix was not measured."""
    count = sum(state.without_resource for state in result.states)
    if not count:
        return ()
    return (f"{count} reads and updates were not sent: no reply to a create named a resource on the target",)


def _without_creates(result: LoadResult) -> tuple[str, ...]:
    """Why nothing can be said about creates: no reply names one."""
    creates = result.ledger.measured[Operation.CREATE]
    if not creates.nameless.count or creates.accepted:
        return ()
    return (
        (
            f"all {creates.nameless.count:,} accepted creates have neither a Location nor an id, so nothing says that "
            "they created something: check [target.fields] id, self_link and read_path"
        ),
    )


def _unusable_locations(result: LoadResult) -> list[str]:
    """A note for each reason why Locations were not used."""
    counts = Counter[str]()
    for state in result.states:
        counts.update(state.unusable_locations)
    return [
        f"{counts[kind]} accepted creates have a Location that was not used for reads and updates: it {reason}"
        for kind, reason in _UNUSABLE.items()
        if counts[kind]
    ]


def _notes(result: LoadResult) -> tuple[str, ...]:
    notes = [
        f"a load worker on {host} joined when there were enough already, and was sent away"
        for host in result.rejected_hosts
    ]
    notes += _unusable_locations(result)
    warmup = result.ledger.warmup.values()
    if not_accepted := sum(counters.scheduled - counters.accepted for counters in warmup):
        kinds: dict[str, int] = {}
        for counters in warmup:
            for status, count in counters.statuses.items():
                if not 200 <= status < 300:
                    kinds[str(status)] = kinds.get(str(status), 0) + count
            for kind, count in counters.errors.items():
                kinds[kind] = kinds.get(kind, 0) + count
        counts = ", ".join(f"{count} x {kind}" for kind, count in kinds.items())
        notes.append(f"{not_accepted} requests of the warm-up were not accepted" + (f": {counts}" if counts else ""))
    clamped = sum(counters.clamped for counters in result.ledger.measured.values())
    if clamped:
        notes.append(f"{clamped} durations were outside 1 us to 1 h and are counted at that limit")
    return tuple(notes)
