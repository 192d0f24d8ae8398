"""Whether the numbers of a run say something about the target, or only about the generator.

Latency counts from the intended time and what never left counts as worst, so a slow generator makes every number worse
and never better: a target that is held is held. One that is missed is put to the target's account when it would have
been missed with a perfect generator too; only else is the generator looked at.
"""

from dataclasses import dataclass

from createflow.scenarios.load.verdict.attribution import missed_by_target
from createflow.scenarios.load.verdict.evidence import Signals
from createflow.scenarios.load.verdict.generator_limits import doubts, faults
from createflow.scenarios.load.verdict.littles_law import kept_by_target, stalled, too_few_senders
from createflow.scenarios.load.verdict.sample_size import too_few
from createflow.schemas.load_report import Validity

_MIN_SENT_RATIO = 0.99
_MAX_LIMITED_RATIO = 0.01


@dataclass(frozen=True, slots=True)
class Belief:
    """How far a run can be believed."""

    validity: Validity
    reasons: tuple[str, ...] = ()
    """Why it is suspect or invalid, and what to do about it."""
    notes: tuple[str, ...] = ()
    """What a reader should know besides."""


def believe(signals: Signals) -> Belief:
    """Judge the run itself."""
    notes = _notes(signals)
    if worthless := _worthless(signals):
        return Belief(Validity.INVALID, worthless, notes)
    either_way = (*too_few(signals), *_limited(signals))
    worse = [*faults(signals), *filter(None, [too_few_senders(signals)]), *doubts(signals)]
    if _all_held(signals):
        return _belief(either_way, (*_softened(worse), *notes))
    if _missed_anyway(signals):
        worse = [*faults(signals), *doubts(signals)]
        return _belief(either_way, (*filter(None, [kept_by_target(signals)]), *_softened(worse), *notes))
    too_slow = [*faults(signals), *filter(None, [too_few_senders(signals)])]
    if too_slow and (signals.targets or _held_back(signals)):
        return Belief(Validity.INVALID, tuple(too_slow), (*doubts(signals), *either_way, *notes))
    return _belief((*worse, *either_way), (*filter(None, [stalled(signals)]), *notes))


def _worthless(signals: Signals) -> tuple[str, ...]:
    """Why there is nothing to judge."""
    if not signals.total.scheduled:
        return ("nothing was measured",)
    if lost := [worker for worker in signals.workers if worker.lost]:
        return tuple(f"the results are incomplete: load worker {worker.index + 1}: {worker.lost}" for worker in lost)
    if signals.whole.closed and any(target.is_latency for target in signals.targets):
        return ("a closed model cannot say how long users wait: leave the latency targets out, or use --rate",)
    return ()


def _belief(reasons: tuple[str, ...], notes: tuple[str, ...]) -> Belief:
    return Belief(Validity.SUSPECT if reasons else Validity.VALID, reasons, notes)


def _all_held(signals: Signals) -> bool:
    return bool(signals.slos) and all(verdict.held for verdict in signals.slos)


def _missed_anyway(signals: Signals) -> bool:
    pairs = zip(signals.targets, signals.slos, strict=True)
    return any(not verdict.held and missed_by_target(target, signals) for target, verdict in pairs)


def _held_back(signals: Signals) -> bool:
    """The generator did not send what was due."""
    return signals.total.unsent > (1 - _MIN_SENT_RATIO) * signals.total.scheduled


def _limited(signals: Signals) -> list[str]:
    total = signals.total
    if total.refused_by_limit <= _MAX_LIMITED_RATIO * total.scheduled:
        return []
    told = f"{total.refused_by_limit} replies were 429: the rate limiter was measured, not the write path"
    return [f"{told}; use more --users, or raise the limit"]


def _softened(signs: list[str]) -> list[str]:
    return [f"the target itself may be better than these numbers: {sign}" for sign in signs]


def _notes(signals: Signals) -> tuple[str, ...]:
    notes = []
    total, machine = signals.total, signals.machine
    if signals.whole.closed:
        notes.append(
            "coordinated omission: each client waited for its reply before it asked again, so a target that stalls was "
            "asked less, and these latencies are better than those of users, who do not wait for each other"
        )
    if total.refused_by_limit and not _limited(signals):
        notes.append(f"{total.refused_by_limit} replies were 429: refused by the rate limiter")
    if machine.same_host:
        cores = f"{machine.cores} cores" if machine.cores else "CPU"
        notes.append(f"the target runs on this machine and shares its {cores} with the load")
    return tuple(notes)
