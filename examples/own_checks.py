"""Two checks of a team's own, for ``createflow run --checks own_checks.py``."""

from createflow.checks_api import (
    Event,
    EventLog,
    Inconclusive,
    Step,
    Target,
    check,
    created,
    eventually,
    expect,
    expect_header,
)


@check(step=Step.RESPONSE, group="shop", source="our API guide, section 4")
async def location_ends_with_the_id(target: Target) -> None:
    """The Location of a create ends with the id in its body.

    Why: our mobile app takes the id from it.
    """
    made = await created(target)
    location = expect_header(made.reply, "location")
    expect(location.endswith(f"/{made.id}"), f"a Location that ends with /{made.id}", location, made.reply)


@check(step=Step.PUBLISH_EVENT, group="shop", source="our event catalogue")
async def event_names_the_creator(target: Target, events: EventLog) -> str:
    """The event of a create names the same creator as the reply."""
    field = target.contract.fields.created_by
    made = await created(target)
    if field not in made.shown:
        raise Inconclusive(f"the reply shows no {field}")

    async def found() -> list[Event]:
        return list(events.of(made.id))

    of_it, is_there = await eventually(found, bool, within_s=target.deadlines.event_s)
    expect(is_there, f"an event within {target.deadlines.event_s:g} s", "none", made.reply)
    named = of_it[0].resource.get(field)
    expect(named == made.shown[field], f"{field} = {made.shown[field]} in the event", str(named), made.reply)
    return "1 event compared"
