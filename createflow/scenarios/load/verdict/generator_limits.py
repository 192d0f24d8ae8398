"""Signs that the generator, not the target, made the numbers: each a sentence that says what to do."""

import math

from createflow.scenarios.load.verdict.evidence import Signals
from createflow.schemas.load_report import WorkerHealth

_MAX_CPU_RATIO = 0.9
_MAX_LATE_MS = 10.0
_DOUBTFUL_LATE_MS = 5.0
_LATE_SHARE = 0.1
"""Of the tightest latency asked for."""
_MAX_STEAL_RATIO = 0.05
_MAX_CONNECTIONS_RATIO = 0.05


def faults(signals: Signals) -> list[str]:
    """What by itself makes the generator too slow for what was asked."""
    found = []
    busiest = max(signals.workers, key=lambda worker: worker.cpu_ratio, default=None)
    if busiest and busiest.cpu_ratio > _MAX_CPU_RATIO:
        found.append(f"{_name(busiest)} used {busiest.cpu_ratio:.0%} of a core: {_more_workers(signals)}")
    if _woke_too_late(signals):
        found.append(_late(signals))
    slowest = max(signals.workers, key=lambda worker: worker.loop_delay_p99_ms, default=None)
    if slowest and slowest.loop_delay_p99_ms > _MAX_LATE_MS:
        found.append(
            f"{_name(slowest)} served its own clock {slowest.loop_delay_p99_ms:.0f} ms late (p99): "
            "its core was busy with something else"
        )
    return found


def doubts(signals: Signals) -> list[str]:
    """What may have made the numbers worse than the target is."""
    found = []
    bearable_ms = min(_DOUBTFUL_LATE_MS, signals.tightest_ms * _LATE_SHARE)
    if signals.pacing_p99_ms > bearable_ms and not _woke_too_late(signals):
        found.append(_late(signals))
    if signals.machine.steal_ratio > _MAX_STEAL_RATIO:
        found.append(
            f"the hypervisor gave {signals.machine.steal_ratio:.0%} of this machine's CPU to others: "
            "use a machine of your own"
        )
    total = signals.total
    sent = total.scheduled - total.unsent
    opened = sum(worker.connections_opened for worker in signals.workers)
    if sent and opened / sent > _MAX_CONNECTIONS_RATIO:
        found.append(
            f"{opened} connections were opened for {sent} requests, each with a handshake: look at how long the "
            "target keeps idle connections, or use fewer --senders"
        )
    return found


def _woke_too_late(signals: Signals) -> bool:
    share_ms = signals.tightest_ms * _LATE_SHARE if math.isfinite(signals.tightest_ms) else 0.0
    return signals.pacing_p99_ms > max(_MAX_LATE_MS, share_ms)


def _late(signals: Signals) -> str:
    return (
        f"the generator woke up {signals.pacing_p99_ms:.0f} ms late (p99): this machine is short of CPU; "
        "leave it more, or lower --rate"
    )


def _more_workers(signals: Signals) -> str:
    if 0 < signals.machine.cores <= len(signals.workers):
        return "this machine has no more cores for --workers; add machines, or lower --rate"
    return f"use --workers {len(signals.workers) + 1}"


def _name(worker: WorkerHealth) -> str:
    place = f" on {worker.host}" if worker.host else ""
    return f"load worker {worker.index + 1}{place}"
