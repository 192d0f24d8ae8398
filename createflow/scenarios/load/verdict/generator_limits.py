"""Limits of the load generator: messages that say what limited it and what to do.

Whether there were enough senders follows from Little's law: requests in flight = rate x time of each request.
"""

import math

from createflow.scenarios.load.verdict.evidence import Evidence
from createflow.schemas.load_report import WorkerHealth

_MAX_CPU_RATIO = 0.9
_MAX_LATE_MS = 10.0
_SUSPECT_LATE_MS = 5.0
_LATE_RATIO = 0.1
"""Of the tightest latency target."""
_MAX_STEAL_RATIO = 0.05
_MAX_CONNECTIONS_RATIO = 0.05
_MAX_BUSY_RATIO = 0.8
"""Of the senders, busy on average. Above it, arrivals that come unevenly find no free sender."""
_SENDERS_PER_BUSY = 2
"""Senders to plan for each one that is busy on average."""


def find_exceeded_limits(evidence: Evidence) -> list[str]:
    """Limits that the generator exceeded, so that it was too slow for the requested load."""
    found = []
    busiest = max(evidence.workers, key=lambda worker: worker.cpu_ratio, default=None)
    if busiest and busiest.cpu_ratio > _MAX_CPU_RATIO:
        found.append(f"{_name(busiest)} used {busiest.cpu_ratio:.0%} of a core: {_more_workers(evidence)}")
    if _is_too_late(evidence):
        found.append(_lateness(evidence))
    slowest = max(evidence.workers, key=lambda worker: worker.loop_delay_p99_ms, default=None)
    if slowest and slowest.loop_delay_p99_ms > _MAX_LATE_MS:
        found.append(
            f"the event loop of {_name(slowest)} was {slowest.loop_delay_p99_ms:.0f} ms late (p99): "
            "another process used its core"
        )
    return found


def find_arrivals_not_sent(evidence: Evidence) -> list[str]:
    """That arrivals were given up because all senders were busy until they were too old. Else nothing."""
    total = evidence.total
    if not total.unsent or not _is_exhausted(evidence):
        return []
    advice = f"use --senders {math.ceil(_needed(evidence) * _SENDERS_PER_BUSY)}, or more --workers"
    return [
        f"{total.unsent:,} of {total.scheduled:,} arrivals were not sent, because {_busy_senders(evidence)}: {advice}"
    ]


def find_distortions(evidence: Evidence) -> list[str]:
    """What may have made the numbers worse than the target is."""
    found = []
    tolerated_ms = min(_SUSPECT_LATE_MS, evidence.tightest_ms * _LATE_RATIO)
    if evidence.pacing_p99_ms > tolerated_ms and not _is_too_late(evidence):
        found.append(_lateness(evidence))
    if evidence.machine.steal_ratio > _MAX_STEAL_RATIO:
        found.append(
            f"the hypervisor gave {evidence.machine.steal_ratio:.0%} of this machine's CPU to other machines: "
            "use a dedicated machine"
        )
    total = evidence.total
    sent = total.scheduled - total.unsent
    opened = sum(worker.connections_opened for worker in evidence.workers)
    if sent and opened / sent > _MAX_CONNECTIONS_RATIO:
        found.append(
            f"{opened} connections were opened for {sent} requests, each with a handshake: "
            "check the target's keep-alive timeout, or use fewer --senders"
        )
    return found


def check_senders(evidence: Evidence) -> list[str]:
    """That there were too few senders for a target that replies in time, and how many to use. Else nothing."""
    if not (_is_exhausted(evidence) and _is_below_need(evidence)):
        return []
    return [f"{_busy_senders(evidence)}: use --senders {math.ceil(_needed(evidence) * _SENDERS_PER_BUSY)}"]


def explain_busy_senders(evidence: Evidence) -> list[str]:
    """That all senders were busy because the target, which is known to be too slow, held them. Else nothing."""
    if not _is_exhausted(evidence):
        return []
    if _is_below_need(evidence):
        return [f"{_busy_senders(evidence)}: the target's slow replies kept them busy"]
    return find_stalls(evidence)


def find_stalls(evidence: Evidence) -> list[str]:
    """That all senders were busy at once although there were enough on average: the target stalled. Else nothing."""
    if not _is_exhausted(evidence) or _is_below_need(evidence):
        return []
    needed = max(1, math.ceil(_needed(evidence)))
    return [
        (
            f"all {_senders(evidence)} senders were busy at once, although {needed} are enough on average "
            "(Little's law): the target stalled, or replied in bursts"
        )
    ]


def _busy_senders(evidence: Evidence) -> str:
    mean_ms = evidence.service_of(None).mean_ms
    return (
        f"all {_senders(evidence)} senders were busy: {evidence.peak_offered_per_s:.4g}/s x {mean_ms:.3g} ms "
        f"keep {math.ceil(_needed(evidence))} busy on average (Little's law)"
    )


def _is_exhausted(evidence: Evidence) -> bool:
    """A worker had no free sender at some time. In a closed model all clients are always busy."""
    return not evidence.whole.is_closed and any(
        0 < worker.senders <= worker.peak_in_flight for worker in evidence.workers
    )


def _is_below_need(evidence: Evidence) -> bool:
    return _needed(evidence) > _MAX_BUSY_RATIO * _senders(evidence)


def _needed(evidence: Evidence) -> float:
    return evidence.peak_offered_per_s * evidence.service_of(None).mean_ms / 1000


def _senders(evidence: Evidence) -> int:
    return sum(worker.senders for worker in evidence.workers)


def _is_too_late(evidence: Evidence) -> bool:
    tolerated_ms = evidence.tightest_ms * _LATE_RATIO if math.isfinite(evidence.tightest_ms) else 0.0
    return evidence.pacing_p99_ms > max(_MAX_LATE_MS, tolerated_ms)


def _lateness(evidence: Evidence) -> str:
    return (
        f"the generator woke up {evidence.pacing_p99_ms:.0f} ms late (p99): this machine has too little CPU; "
        "run less beside the load, or lower --rate"
    )


def _more_workers(evidence: Evidence) -> str:
    if 0 < evidence.machine.cores <= len(evidence.workers):
        return "this machine has no core for another worker; add machines, or lower --rate"
    return f"use --workers {len(evidence.workers) + 1}"


def _name(worker: WorkerHealth) -> str:
    host = f" on {worker.host}" if worker.host else ""
    return f"load worker {worker.index + 1}{host}"
