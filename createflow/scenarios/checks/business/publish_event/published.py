"""Step 9: every write is published once, and its event equals the resource."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from createflow.scenarios.checks.support.copies import (
    compare_all,
    json_state_problem,
    settled,
    unless_never_written,
    unless_primarys_fault,
)
from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.write_sample import WriteSample
from createflow.scenarios.outcome import NotDeclared, Prevented
from createflow.scenarios.sinks import copy_problem
from createflow.scenarios.sinks.sink import Event, EventKind, EventLog, Primary
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.write_record import Change, WriteRecord, Written
from createflow.scenarios.text.in_json import in_json
from createflow.scenarios.text.printable import cut
from createflow.schemas.flow import Step

_SKEW_S = 5.0
"""The target's clock may differ this much from ours."""
_APART_S = 1.1
"""No clock that shows seconds stands still for so long."""
_LOST = "publish_event.every_create_has_an_event"
_TWICE = "publish_event.one_event_per_create"
_DIFFERENT = "publish_event.event_equals_resource"
_CHANGES = "publish_event.changes_are_published"


@check(
    step=Step.PUBLISH_EVENT,
    source="contract: event-once",
    catches=("event_lost", "event_lost_in_relay", "event_lost_one_in_fifty"),
)
async def every_create_has_an_event(
    target: Target, sample: WriteSample, events: EventLog, primary: Primary | None
) -> str:
    """Every accepted create is published within its deadline."""
    within_s = target.deadlines.event_s
    comparison = Comparison("creates", f"an event of each create within {within_s:g} s")

    async def problem(written: Written) -> str:
        return "" if _of_create(events, written) else await unless_never_written("has no event", written, primary)

    await compare_all(await sample.all(), problem, comparison, within_s=within_s)
    return comparison.conclude()


@check(
    step=Step.PUBLISH_EVENT,
    source="contract: event-once; CloudEvents 1.0, source and id",
    catches=("event_twice", "event_published_again"),
)
async def one_event_per_create(target: Target, sample: WriteSample, events: EventLog) -> str:
    """An accepted create is published exactly once; a redelivery of the same event id does not count."""
    comparison = Comparison("creates", "one event of each create")
    seen = await _with_event(target, await sample.all(), events)
    for written in seen:
        count = len(_of_create(events, written))
        comparison.add(f"id {written.id} has {count} events with different ids" if count > 1 else "", written.reply)
    return comparison.conclude()


@check(
    step=Step.PUBLISH_EVENT,
    source="contract: event-once",
    catches=(
        "event_wrong_actor",
        "event_values_as_text",
        "event_cuts_text",
        "event_without_request",
        "event_wrong_time",
        "event_numbers_of_32_bits",
        "event_without_emoji",
        "event_drops_empty",
        "event_snake_keys",
    ),
)
async def event_equals_resource(target: Target, sample: WriteSample, events: EventLog, primary: Primary | None) -> str:
    """The event shows the resource exactly as the reply does, and no other event has its id."""
    comparison = Comparison("events", "the resource in each event as in the reply to its create")
    seen = await _with_event(target, await sample.created(), events)
    owners: dict[str, str] = {}
    for written in seen:
        event = _of_create(events, written)[0]
        found = json_state_problem(written.shown, dict(event.resource), target.contract, whole=True)
        found = await unless_primarys_fault(found, written, primary, target.contract)
        found = found or envelope_problem(event, written, target)
        other = owners.setdefault(event.id, written.id)
        if not found and other != written.id:
            found = f"has the event id {event.id} of resource {other}"
        comparison.add(f"id {written.id} {found}" if found else "", written.reply)
    return comparison.conclude()


@check(
    step=Step.PUBLISH_EVENT,
    source="contract: event-once",
    catches=(
        "event_lost_on_update",
        "event_lost_on_delete",
        "equal_update_untold",
        "event_twice_on_delete",
        "event_update_as_create",
        "event_wrong_subject",
        "event_wrong_version",
        "event_lost_of_changed",
        "event_time_of_create",
        "events_coalesced",
        "event_once_a_request_id",
    ),
)
async def changes_are_published(target: Target, sample: WriteSample, events: EventLog, primary: Primary | None) -> str:
    """Every accepted update and delete is published exactly once within its deadline; the update's event equals it."""
    kinds = [kind for kind, declared in _changes(target) if declared and events.tells(kind)]
    if not kinds:
        raise NotDeclared(
            "`sinks.events` does not say how to know updates and deletes: by their types, or subjects of NATS"
        )
    within_s = target.deadlines.event_s
    comparison = Comparison("changes", f"one event of each update and delete within {within_s:g} s, equal to it")
    for kind in kinds:
        changed = await (sample.updated() if kind == "updated" else sample.deleted())

        async def problem(written: Written, kind: EventKind = kind) -> str:
            found = _change_problem(events, written, kind, target)
            return await unless_primarys_fault(found, written, primary, target.contract)

        await compare_all(changed, problem, comparison, within_s=within_s)

    async def miscount(written: Written) -> str:
        found = _count_problem(events, written) or _same_time_problem(events, written)
        return await unless_primarys_fault(found, written, primary, target.contract)

    often = await sample.updated_often() if "updated" in kinds else []
    await compare_all(often, miscount, comparison, within_s=within_s)
    return comparison.conclude()


@check(
    step=Step.PUBLISH_EVENT,
    source="contract: event-once",
    at_end=True,
    repeats=(
        _LOST,
        _TWICE,
        _DIFFERENT,
        _CHANGES,
        "transaction.refused_create_leaves_nothing",
        "business_logic.unmet_condition_changes_nothing",
    ),
    limit_s=60.0,
    catches=("event_of_refused_update", "event_of_nothing", "event_actor_of_group"),
)
async def events_match_writes_at_the_end(
    target: Target, sample: WriteSample, record: WriteRecord, events: EventLog, primary: Primary | None
) -> str:
    """At the end of the run every write of it has its one event still, and every event about it has its write."""
    await sample.all()
    within_s = target.deadlines.event_s
    comparison = Comparison("writes", "one event of each write, and none that nothing was written for")

    async def problem(written: Written) -> str:
        found = _count_problem(events, written) or _actor_problem(events, written)
        return await unless_primarys_fault(found, written, primary, target.contract)

    await compare_all(record.certain(), problem, comparison, within_s=within_s)
    for event in _unasked(events, record, target.contract.fields.id):
        comparison.add(f"{event.resource.get(target.contract.fields.id)} has an event, and nobody created it")
    return comparison.conclude()


def _changes(target: Target) -> list[tuple[EventKind, bool]]:
    return [("updated", target.contract.update), ("deleted", target.contract.delete)]


def _of_create(events: EventLog, written: Written) -> Sequence[Event]:
    """The events about a create: where kinds cannot be told and the resource was changed, only the first."""
    about = events.of(written.id)
    if events.tells("created"):
        return [event for event in about if event.kind == "created"]
    return about[:1] if written.changes else about


async def _with_event(target: Target, sample: Sequence[Written], events: EventLog) -> list[Written]:
    """Those whose create has an event, once the deadline of all has passed or all have one.

    Raises:
        Prevented: none has.
    """

    async def problem(written: Written) -> str:
        return "" if _of_create(events, written) else "none"

    ended = await settled(sample, problem, within_s=target.deadlines.event_s)
    seen = [written for written, found in ended if not found]
    if not seen:
        raise Prevented(_LOST, "no create has an event")
    return seen


def _change_problem(events: EventLog, written: Written, kind: EventKind, target: Target) -> str:
    about = [event for event in events.of(written.id) if event.kind == kind]
    if len(about) != 1:
        return f"has {len(about) or 'no'} {'events' if len(about) > 1 else 'event'} of being {kind}"
    if not written.changes:
        return ""  # its Location led to another resource, which the checks of Location tell
    write = written.changes[-1]
    changed = replace(written, reply=write.reply or written.reply)
    if problem := envelope_problem(about[0], changed, target, write.actor):
        return problem
    state = written.states()[-1]
    contract = target.contract
    whole = contract.is_promised
    return "" if state is None else json_state_problem(state, dict(about[0].resource), contract, whole=whole)


def envelope_problem(event: Event, written: Written, target: Target, actor: str | None = None) -> str:
    """What the envelope of an event tells otherwise than its write; empty when nothing, or nothing is declared."""
    shown_id = written.shown.get(target.contract.fields.id)
    wrote = copy_problem.Provenance(
        actor=actor or written.who.subject,
        resource_id=shown_id,
        request_id=written.reply.headers.get("x-request-id"),
        version=written.reply.headers.get("etag", "").removeprefix("W/").strip('"') or None,
        earliest_s=written.reply.sent_at - _SKEW_S,
        latest_s=written.last_write_at + _SKEW_S,
    )
    return copy_problem.envelope_problem(event.envelope, wrote)


def _actor_problem(events: EventLog, written: Written) -> str:
    """Whether the event of a create names another subject: writes of several may be published together."""
    told = _of_create(events, written)
    actor, subject = told[0].envelope.get("actor") if told else None, written.who.subject
    is_wrong = actor is not None and subject is not None and actor != subject
    return f"has an event whose actor is {cut(in_json(actor))} instead of {subject}" if is_wrong else ""


def _same_time_problem(events: EventLog, written: Written) -> str:
    """Whether the last update's event has the time of the create's, though a while lay between them."""
    told = {kind: [one for one in events.of(written.id) if one.kind == kind] for kind in ("created", "updated")}
    waited_s = max((one.sent_at for one in written.changes), default=0.0) - written.reply.received_at
    if waited_s < _APART_S or not all(told.values()) or written.is_deleted:
        return ""
    times = [told[kind][-1].envelope.get("time") for kind in ("created", "updated")]
    if times[0] is None or times[0] != times[1]:
        return ""
    return f"has an event of an update with the time of its create, {times[0]}"


def _count_problem(events: EventLog, written: Written) -> str:
    about = events.of(written.id)
    wanted: Mapping[EventKind, int] = {
        "created": 1,
        "updated": written.count(Change.UPDATE),
        "deleted": written.count(Change.DELETE),
    }
    for kind, count in wanted.items():
        if events.tells(kind):
            seen = sum(event.kind == kind for event in about)
            if seen != count:
                return f"has {seen} events of being {kind}, for {count}"
    most = sum(wanted.values())
    if not events.tells("created") and not 1 <= len(about) <= most:
        return f"has {len(about)} events for {most} writes"
    return ""


def _unasked(events: EventLog, record: WriteRecord, id_field: str) -> list[Event]:
    """Events with a word of this run about a resource that no create of it was answered with."""
    unanswered = set(chain.from_iterable(one.nonces for one in record.unanswered))

    def is_unasked(event: Event) -> bool:
        subject: Any = event.resource.get(id_field)
        if subject is None or str(subject) in record.resources or not record.knows(event.text):
            return False
        return not any(word in event.text for word in unanswered)

    return [event for event in events.all() if is_unasked(event)]
