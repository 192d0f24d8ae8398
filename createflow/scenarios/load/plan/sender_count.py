"""How many senders a run has: as many on each node, and no more than a node can hold."""

import math

from createflow.scenarios.load.plan.options import Asked
from createflow.scenarios.load.plan.shapes import clients_of

MAX_PER_NODE = 900
_LEAST = 50
_PER_RATE = 0.5
"""Enough for replies that take half a second each."""


def sender_count(asked: Asked, *, peak_per_s: float) -> tuple[int, list[str]]:
    """Senders over all nodes, a multiple of them, and what to say where that is not what was asked.

    Args:
        asked: senders or, in a closed model, clients, if any.
        peak_per_s: the highest rate of the schedule.
    """
    wanted = clients_of(asked.shape) or asked.senders
    planned = wanted or max(_LEAST, math.ceil(peak_per_s * _PER_RATE))
    per_node = min(MAX_PER_NODE, math.ceil(planned / asked.workers))
    senders = per_node * asked.workers
    if wanted and senders < wanted:
        return senders, [f"{senders} senders instead of {wanted}: {MAX_PER_NODE} a worker is the most"]
    if wanted and senders > wanted:
        return senders, [f"{senders} senders instead of {wanted}: each worker has as many"]
    return senders, []
