"""One set of books from those of all nodes, those of lost nodes included."""

from createflow.scenarios.load.fleet import Fleet, Node
from createflow.scenarios.load.plan import LoadPlan
from createflow.scenarios.load.recorder import Recorder
from createflow.scenarios.load.schedule import stripe_size
from createflow.scenarios.load.tally import Tally


def merged_books(fleet: Fleet, plan: LoadPlan) -> Recorder:
    """The sum of what each node last said. Cumulative, so a repeated message changes nothing."""
    books = Recorder(warmup_s=plan.warmup_s, end_s=plan.warmup_s + plan.duration_s)
    for state in fleet.states():
        if state.books is not None:
            books.add_json(state.books)
    return books


def final_books(fleet: Fleet, plan: LoadPlan, *, t0: float, stopped_s: float | None) -> Recorder:
    """The merged books with every arrival in one class.

    A lost node cannot say what became of what it had sent since its last message: whatever was due until it was lost
    may have been sent, so its outcome is unknown; the rest of its share was not sent.

    Args:
        fleet: its nodes are done or lost.
        plan: what they were told.
        t0: the start of the run on the clock of ``time.monotonic``.
        stopped_s: when the user ended the run, seconds from the start.
    """
    books = merged_books(fleet, plan)
    end_s = plan.warmup_s + plan.duration_s if stopped_s is None else stopped_s
    for node in fleet.lost:
        lost_s = max(0.0, (node.lost_s or t0) - t0)
        said = Recorder(warmup_s=plan.warmup_s, end_s=end_s)
        if node.state is not None and node.state.books is not None:
            said.add_json(node.state.books)
        warmup_end_s = min(plan.warmup_s, end_s)
        _settle(books.warmup, said.warmup, node, plan, window=(0.0, warmup_end_s), lost_s=lost_s)
        _settle(books.measured, said.measured, node, plan, window=(warmup_end_s, end_s), lost_s=lost_s)
    books.assert_balanced()
    return books


def _settle(
    tally: Tally, said: Tally, node: Node, plan: LoadPlan, *, window: tuple[float, float], lost_s: float
) -> None:
    start_s, end_s = window
    index, of = node.config.index, node.config.of
    owed = max(stripe_size(plan.schedule, index, of, start_s=start_s, end_s=end_s), said.scheduled)
    until_s = min(max(lost_s, start_s), end_s)
    due = max(stripe_size(plan.schedule, index, of, start_s=start_s, end_s=until_s), said.scheduled)
    tally.scheduled += owed - said.scheduled
    tally.unfinished += due - said.settled
    tally.not_sent += owed - due
