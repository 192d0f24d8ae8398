"""The share of a lost worker is accounted for without it."""

import time

from createflow.scenarios.load.accounting.ledger import sum_counters
from createflow.scenarios.load.accounting.recorder import Recorder
from createflow.scenarios.load.accounting.series import Series
from createflow.scenarios.load.fleet.fleet import Fleet
from createflow.scenarios.load.fleet.merge_workers import merge_ledgers, merge_writes
from createflow.scenarios.load.plan.messages import NodeState
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.plan.plan import LoadPlan, make_plan
from createflow.scenarios.load.plan.schedule import Arrival
from createflow.scenarios.load.plan.write_log import Outcome
from createflow.schemas.profile import Profile


def _plan() -> LoadPlan:
    profile = Profile.model_validate({"target": {"base_url": "http://127.0.0.1:1"}})
    return make_plan(profile, LoadOptions(rate_per_s=10, duration_s=4, warmup_s=1, workers=2))


def _hear(fleet: Fleet, series: Series, plan: LoadPlan, index: int, *, until_s: float, kind: str) -> None:
    """The message of a worker that has a reply to everything due until then."""
    recorder = Recorder(warmup_s=1, end_s=5, node_count=2)
    for arrival in plan.schedule.share(index, 2):
        if arrival.due_s < until_s:
            recorder.record_due(arrival, arrival.due_s)
            recorder.record_reply(arrival, arrival.due_s, arrival.due_s, 201)
    node = fleet.nodes[index]
    node.outcomes.limit = len(recorder.outcomes)
    if kind == "final":
        for part in recorder.outcomes_to_wire():
            node.outcomes.add(part)
    warm = recorder.due_in_warmup
    state = NodeState(index, kind, 1, until_s, ledger=recorder.ledger.to_wire(), due_in_warmup=warm)  # type: ignore[arg-type]
    series.add(state)
    node.update(state)


def test_the_share_of_a_lost_worker_is_unknown_or_not_sent() -> None:
    """Last message at 2 s, lost at 3 s of 5: five arrivals are unknown, ten were not sent."""
    plan, series, fleet = _plan(), Series(), Fleet(2, lambda _: None)
    _hear(fleet, series, plan, 0, until_s=5, kind="final")
    _hear(fleet, series, plan, 1, until_s=2, kind="tick")
    fleet.nodes[1].mark_lost("killed")
    fleet.nodes[1].lost_s = time.monotonic()
    ledger = merge_ledgers(fleet, series, plan, t0=fleet.nodes[1].lost_s - 3.0, stopped_s=None)
    counters = sum_counters(ledger.measured.values())
    assert (counters.scheduled, counters.completed, counters.unfinished, counters.not_sent) == (40, 25, 5, 10)
    assert sum_counters(ledger.warmup.values()).completed == 10
    found = merge_writes(fleet, plan)
    assert found.outcomes[::2] == bytes([Outcome.ACCEPTED]) * 25
    assert found.outcomes[1::2] == bytes([Outcome.UNKNOWN]) * 25, "nobody can say which of them it was"
    assert (sum(found.measured), found.measured[:12]) == (40, bytes(10) + b"\1\1")


def test_a_lost_worker_of_a_closed_model_prevents_verification() -> None:
    """Without a schedule its share is not known, so its writes are neither missing nor phantoms."""
    profile = Profile.model_validate({"target": {"base_url": "http://127.0.0.1:1"}})
    plan = make_plan(profile, LoadOptions(shape="closed:4", duration_s=4, warmup_s=1))
    recorder = Recorder(warmup_s=1, end_s=5)
    for k in range(8):
        recorder.record_due(Arrival(k, k * 0.5), k * 0.5)
    series, fleet = Series(), Fleet(1, lambda _: None)
    state = NodeState(0, "tick", 1, 4.0, ledger=recorder.ledger.to_wire())
    series.add(state)
    fleet.nodes[0].update(state)
    assert not merge_writes(fleet, plan).not_searchable
    fleet.nodes[0].mark_lost("killed")
    assert "had sent" in merge_writes(fleet, plan).not_searchable
    ledger = merge_ledgers(fleet, series, plan, t0=time.monotonic(), stopped_s=None)
    assert sum_counters(ledger.measured.values()).unfinished == 6


def test_two_workers_share_the_arrivals_in_turn() -> None:
    """Each sends the outcomes of its own arrivals."""
    plan, series, fleet = _plan(), Series(), Fleet(2, lambda _: None)
    for index in (0, 1):
        _hear(fleet, series, plan, index, until_s=5, kind="final")
    assert merge_writes(fleet, plan).outcomes == bytes([Outcome.ACCEPTED]) * 50
    assert isinstance(next(plan.schedule.share(1, 2)), Arrival)
