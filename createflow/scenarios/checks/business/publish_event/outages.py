"""Step 9 under faults: no event is lost because a commit was late, or because the broker was killed."""

from createflow.scenarios.checks.support.fixtures import rows_of
from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.in_flight import Sent, creating
from createflow.scenarios.harness.outage import Outage
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import EventLog, Primary
from createflow.scenarios.target.probes import Faults, Target
from createflow.scenarios.text.printable import cut
from createflow.schemas.flow import Step

_LATE_CREATES = 48


@check(
    step=Step.PUBLISH_EVENT,
    source="contract: event-once",
    needs=(Need.LATE_COMMITS,),
    disturbs=True,
    limit_s=60.0,
    catches=("relay_skips_late_commits", "relay_skips_late_transactions"),
)
async def late_commits_are_published(target: Target, faults: Faults, events: EventLog, primary: Primary | None) -> str:
    """A create whose transaction is committed later than one that began after it is published as well.

    Why: who reads an outbox or a log of changes by a growing number passes what gets its number first and is committed
    last, and never looks at it again.
    """
    async with faults.injected("late_commits"), creating(target) as sent:

        async def enough() -> int:
            return len(sent)

        await eventually(enough, lambda count: count >= _LATE_CREATES, within_s=target.deadlines.recovery_s)
    return await _all_published(target, sent, events, primary)


@check(
    step=Step.PUBLISH_EVENT,
    source="contract: event-once; contract: atomic",
    needs=(Need.EVENTS_DOWN,),
    disturbs=True,
    limit_s=60.0,
    catches="relay_marks_early",
)
async def killed_broker_loses_no_event(
    target: Target, outage: Outage, faults: Faults, events: EventLog, primary: Primary | None
) -> str:
    """Every create that was carried out while the broker was killed is published once it is back.

    How: a create without an answer counts if the primary has its row. Why: an event that was sent is not published
    before the broker has said so.
    """
    sent = (await outage.survivors(faults)).in_flight
    return await _all_published(target, sent, events, primary)


async def _all_published(target: Target, sent: list[Sent], events: EventLog, primary: Primary | None) -> str:
    """Require an event of each create that was carried out, some time after the fault was healed."""
    within_s = target.deadlines.recovery_s + target.deadlines.event_s
    comparison = Comparison("creates during the fault", f"an event of each within {within_s:g} s")
    carried_out: dict[str, Sent] = {}
    for one in sent:
        shown = one.reply.document if one.is_accepted and one.reply is not None else None
        rows = [shown] if shown is not None else await rows_of(target, one.body, primary) or []
        carried_out |= {str(row.get(target.contract.fields.id)): one for row in rows}

    async def missing() -> list[str]:
        return [resource_id for resource_id in carried_out if not events.of(resource_id)]

    lost, _ = await eventually(missing, lambda found: not found, within_s=within_s)
    comparison.count(len(carried_out) - len(lost))
    for resource_id in lost:
        one = carried_out[resource_id]
        comparison.add(f"id {cut(resource_id)}, whose create {one.answer}, has no event", *one.replies)
    unanswered = sum(not one.is_accepted for one in sent)
    if unanswered and primary is None:
        comparison.note(f"{unanswered} creates were not accepted, and without `sinks.primary` nobody knows of them")
    return comparison.conclude()
