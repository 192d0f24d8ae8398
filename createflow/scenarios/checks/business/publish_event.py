"""Step 9: every create is published once, and the event equals the resource."""

from collections.abc import Sequence

from createflow.scenarios.checks.support.fixtures import Resource, created
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.expect import expect, expect_same_fields
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import Event, EventLog
from createflow.scenarios.target.probes import Target
from createflow.schemas.flow import Step

_CREATES = 5


@check(step=Step.PUBLISH_EVENT, source="contract: event-once", catches="event_lost")
async def every_create_has_an_event(target: Target, events: EventLog) -> None:
    """Every accepted create is published within its deadline."""
    for made in [await created(target) for _ in range(_CREATES)]:
        seen = await _heard(events, made, target.deadlines.event_s)
        expect(bool(seen), f"an event within {target.deadlines.event_s:g} s", "none", made.reply)


@check(step=Step.PUBLISH_EVENT, source="contract: event-once; CloudEvents 1.0, source and id", catches="event_twice")
async def one_event_per_create(target: Target, events: EventLog) -> None:
    """An accepted create is published exactly once; a redelivery of the same event id does not count."""
    made = [await created(target) for _ in range(_CREATES)]
    for resource in made:
        if not await _heard(events, resource, target.deadlines.event_s):
            raise Inconclusive("a create has no event at all; see every_create_has_an_event")
    # Events come in order: whatever came of the first creates is here when a later one's event is.
    later = await created(target)
    if not await _heard(events, later, target.deadlines.event_s):
        raise Inconclusive("a later create has no event")
    for resource in made:
        count = len(events.of(resource.id))
        expect(count == 1, "one event for one create", f"{count} with different ids", resource.reply)


@check(step=Step.PUBLISH_EVENT, source="contract: event-once", catches="event_wrong_actor")
async def event_equals_resource(target: Target, events: EventLog) -> None:
    """The event shows the resource exactly as the reply does."""
    made = await created(target)
    seen = await _heard(events, made, target.deadlines.event_s)
    if not seen:
        raise Inconclusive("the create has no event; see every_create_has_an_event")
    expect_same_fields(made.shown, seen[0].resource, made.reply, where="the event")


async def _heard(events: EventLog, made: Resource, within_s: float) -> Sequence[Event]:
    async def read() -> Sequence[Event]:
        return events.of(made.id)

    seen, _ = await eventually(read, bool, within_s=within_s)
    return seen
