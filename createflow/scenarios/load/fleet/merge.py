"""One set of books and of outcomes from those of all nodes, those of lost nodes included."""

import base64
import zlib

from createflow.scenarios.load.accounting.ledger import Books, Tallies
from createflow.scenarios.load.accounting.series import Series
from createflow.scenarios.load.accounting.tally import Tally
from createflow.scenarios.load.fleet.fleet import Fleet, Node
from createflow.scenarios.load.plan.mix import in_pattern
from createflow.scenarios.load.plan.plan import LoadPlan
from createflow.scenarios.load.plan.write_log import Outcome, Writes
from createflow.schemas.operation import Operation


def final_books(fleet: Fleet, series: Series, plan: LoadPlan, *, t0: float, stopped_s: float | None) -> Books:
    """The merged books with every arrival in one class.

    A lost node cannot say what became of what it had sent since its last message: whatever was due until it was lost
    may have been sent, so its outcome is unknown; the rest of its share was not sent.

    Args:
        fleet: its nodes are done or lost.
        series: what they said.
        plan: what they were told.
        t0: the start of the run on the clock of ``time.monotonic``.
        stopped_s: when the user ended the run, seconds from the start.
    """
    books = series.books
    end_s = plan.schedule.duration_s if stopped_s is None else stopped_s
    for node in fleet.lost:
        lost_s = max(0.0, (node.lost_s or t0) - t0)
        said = series.books_of(node.index)
        for tallies, of_node, window in (
            (books.warmup, said.warmup, (0.0, min(plan.warmup_s, end_s))),
            (books.measured, said.measured, (min(plan.warmup_s, end_s), end_s)),
        ):
            _settle(tallies, of_node, node, plan, window=window, lost_s=lost_s)
    books.assert_balanced()
    return books


def _settle(
    tallies: Tallies, said: Tallies, node: Node, plan: LoadPlan, *, window: tuple[float, float], lost_s: float
) -> None:
    start_s, end_s = window
    due, owed = dict.fromkeys(Operation, 0), dict.fromkeys(Operation, 0)
    for arrival in in_pattern(plan.schedule.share(node.index, node.of), plan.mix.letters):
        if start_s <= arrival.due_s < end_s:
            owed[arrival.operation] += 1
            due[arrival.operation] += arrival.due_s < lost_s
    for operation, tally in tallies.items():
        _close(tally, said[operation], due=due[operation], owed=owed[operation])


def _close(tally: Tally, said: Tally, *, due: int, owed: int) -> None:
    owed, due = max(owed, said.scheduled), max(due, said.scheduled)
    tally.scheduled += owed - said.scheduled
    tally.unfinished += due - said.settled
    tally.not_sent += owed - due


def writes(fleet: Fleet, plan: LoadPlan) -> Writes:
    """What became of every arrival; those of a lost node may have had any effect."""
    shares = [_share(node, plan) for node in fleet.nodes]
    length = max((len(outcomes) for outcomes, _ in shares), default=0) * len(shares)
    merged, measured = bytearray(length), bytearray(length)
    for index, (outcomes, in_warmup) in enumerate(shares):
        end = index + len(outcomes) * len(shares)
        merged[index : end : len(shares)] = outcomes
        measured[index : end : len(shares)] = bytes(in_warmup) + b"\1" * (len(outcomes) - in_warmup)
    unmarked = "" if plan.is_marked else "the bodies have no room for a name by which they are found again"
    if plan.is_closed and fleet.lost:
        unmarked = "a load worker was lost, and without a schedule nobody else knows what it had sent"
    return Writes(plan.run_id, bytes(merged), bytes(measured), unmarked)


def _share(node: Node, plan: LoadPlan) -> tuple[bytes, int]:
    """The outcomes of one node's arrivals, and how many of them belong to the warm-up."""
    if node.state is not None and node.state.outcomes:
        packed = node.state.outcomes
        return zlib.decompress(base64.b64decode(packed["outcomes"])), int(packed["due_in_warmup"])
    outcomes, in_warmup = bytearray(), 0
    for arrival in in_pattern(plan.schedule.share(node.index, node.of), plan.mix.letters):
        outcomes.append(Outcome.UNKNOWN if arrival.operation is Operation.CREATE else Outcome.OTHER)
        in_warmup += arrival.due_s < plan.warmup_s
    return bytes(outcomes), in_warmup
