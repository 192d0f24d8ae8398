"""Merges the ledgers and outcomes of all load workers, and accounts for the share of those that were lost."""

from createflow.scenarios.load.accounting.ledger import Counters, CountersByOperation, Ledger
from createflow.scenarios.load.accounting.series import Series
from createflow.scenarios.load.fleet.fleet import Fleet
from createflow.scenarios.load.fleet.node import Node
from createflow.scenarios.load.plan.mix import assign_operations
from createflow.scenarios.load.plan.plan import LoadPlan
from createflow.scenarios.load.plan.write_log import Outcome, Writes
from createflow.schemas.operation import Operation

_WITHOUT_TIME = bytes(Outcome.ACCEPTED if value == Outcome.ACCEPTED_OUTSIDE else value for value in range(256))
_ACCEPTED_INSIDE = bytes(value == Outcome.ACCEPTED for value in range(256))
_ACCEPTED_OUTSIDE = bytes(value == Outcome.ACCEPTED_OUTSIDE for value in range(256))


def merge_ledgers(fleet: Fleet, series: Series, plan: LoadPlan, *, t0: float, stopped_s: float | None) -> Ledger:
    """The ledger of the whole run, in which every arrival has an outcome.

    A lost worker cannot say what happened to the requests after its last message. Those due before it was lost may have
    been sent, so their outcome is unknown; the rest of its share was not sent.

    Args:
        fleet: its workers are done or lost.
        series: their messages.
        plan: the run.
        t0: start of the run on ``time.monotonic``.
        stopped_s: when the user stopped the run, in seconds from the start, if so.
    """
    ledger = series.ledger
    end_s = plan.schedule.duration_s if stopped_s is None else stopped_s
    for node in fleet.lost:
        lost_s = max(0.0, (node.lost_s or t0) - t0)
        sent = series.ledger_of(node.index)
        for merged, of_node, window in (
            (ledger.warmup, sent.warmup, (0.0, min(plan.warmup_s, end_s))),
            (ledger.measured, sent.measured, (min(plan.warmup_s, end_s), end_s)),
        ):
            _add_lost_share(merged, of_node, node, plan, window_s=window, lost_s=lost_s)
    ledger.assert_balanced()
    return ledger


def _add_lost_share(
    merged: CountersByOperation,
    of_node: CountersByOperation,
    node: Node,
    plan: LoadPlan,
    *,
    window_s: tuple[float, float],
    lost_s: float,
) -> None:
    start_s, end_s = window_s
    planned, due = dict.fromkeys(Operation, 0), dict.fromkeys(Operation, 0)
    for arrival in assign_operations(plan.schedule.share(node.index, node.node_count), plan.mix.letters):
        if start_s <= arrival.due_s < end_s:
            planned[arrival.operation] += 1
            due[arrival.operation] += arrival.due_s < lost_s
    for operation, counters in merged.items():
        _add_lost(counters, of_node[operation], planned=planned[operation], due=due[operation])


def _add_lost(counters: Counters, of_node: Counters, *, planned: int, due: int) -> None:
    planned, due = max(planned, of_node.scheduled), max(due, of_node.scheduled)
    counters.scheduled += planned - of_node.scheduled
    counters.unfinished += due - of_node.settled
    counters.not_sent += planned - due


def merge_writes(fleet: Fleet, plan: LoadPlan) -> Writes:
    """The outcome of every arrival. Those of a lost worker are unknown."""
    shares = [_outcomes_of(node, plan) for node in fleet.nodes]
    length = max((len(outcomes) for outcomes, _ in shares), default=0) * len(shares)
    merged, measured = bytearray(length), bytearray(length)
    for index, (outcomes, in_warmup) in enumerate(shares):
        end = index + len(outcomes) * len(shares)
        merged[index : end : len(shares)] = outcomes.translate(_WITHOUT_TIME)
        measured[index : end : len(shares)] = _measured(outcomes, in_warmup)
    not_searchable = "" if plan.has_searchable_names else "the name field is too short for a name to search for"
    if plan.is_closed and fleet.lost:
        not_searchable = "a load worker was lost, and a closed model has no schedule that says what it had sent"
    return Writes(plan.run_id, bytes(merged), bytes(measured), not_searchable, plan.name_style or "words")


def _measured(outcomes: bytes, in_warmup: int) -> bytes:
    """Which arrivals of one worker count for the measured window; see ``Writes``."""
    due = bytes(in_warmup) + b"\1" * (len(outcomes) - in_warmup)
    inside = int.from_bytes(outcomes.translate(_ACCEPTED_INSIDE), "little")
    outside = int.from_bytes(outcomes.translate(_ACCEPTED_OUTSIDE), "little")
    return ((int.from_bytes(due, "little") | inside) & ~outside).to_bytes(len(outcomes), "little")


def _outcomes_of(node: Node, plan: LoadPlan) -> tuple[bytes, int]:
    """The outcomes of one worker's arrivals, and how many of them belong to the warm-up."""
    if node.state is not None and node.state.kind == "final":
        return bytes(node.outcomes.values), node.state.due_in_warmup
    outcomes, in_warmup = bytearray(), 0
    for arrival in assign_operations(plan.schedule.share(node.index, node.node_count), plan.mix.letters):
        outcomes.append(Outcome.UNKNOWN if arrival.operation is Operation.CREATE else Outcome.OTHER)
        in_warmup += arrival.due_s < plan.warmup_s
    return bytes(outcomes), in_warmup
