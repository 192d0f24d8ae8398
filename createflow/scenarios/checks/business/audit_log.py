"""Step 10: the audit trail says who did what, and when."""

from datetime import UTC, datetime
from functools import partial

from createflow.scenarios.bodies.markers import nonce
from createflow.scenarios.checks.support.copies import (
    compare_all,
    compare_spread,
    unless_never_written,
    unless_primarys_fault,
)
from createflow.scenarios.checks.support.fixtures import positive_controls, resource_in
from createflow.scenarios.checks.support.leftovers import is_success
from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_status
from createflow.scenarios.harness.write_sample import WriteSample
from createflow.scenarios.outcome import Inconclusive, NotDeclared, Prevented
from createflow.scenarios.sinks.copy_problem import CREATE_WORDS, Provenance, entry_problem, tells
from createflow.scenarios.sinks.field_equality import equal
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import AuditTrail, Primary, Row
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.write_record import Change, WriteRecord, Written
from createflow.scenarios.text.printable import cut
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_SKEW_S = 5.0
"""The target's clock may differ this much from ours."""
_APART_S = 0.1
"""No clock that shows fractions of a second stands still for so long."""
_CHANGE_WORDS = {
    Change.UPDATE: ("update", "modif", "put", "patch", "change", "edit", "replace", "write"),
    Change.DELETE: ("delete", "remove", "destroy", "erase"),
}
_LOST = "audit_log.one_entry_per_create"
_WRONG = "audit_log.entry_says_who_what_when"
_CHANGES = "audit_log.changes_are_recorded"


@check(
    step=Step.AUDIT_LOG,
    source="contract: audit-once",
    catches=("audit_lost", "audit_lost_one_in_ten", "audit_wrong_resource"),
)
async def one_entry_per_create(target: Target, sample: WriteSample, audit: AuditTrail, primary: Primary | None) -> str:
    """Every accepted create has exactly one audit entry of success."""
    comparison = Comparison("creates", "one audit entry of success of each create")

    async def problem(written: Written) -> str:
        return await unless_never_written(_count_problem(await _of_create(audit, written)), written, primary)

    await compare_all(await sample.all(), problem, comparison, within_s=target.deadlines.audit_s)
    return comparison.conclude()


@check(
    step=Step.AUDIT_LOG,
    source="contract: audit-once",
    catches=("audit_anonymous", "audit_wrong_time", "audit_wrong_request", "balancer_renames_request"),
)
async def entry_says_who_what_when(target: Target, sample: WriteSample, audit: AuditTrail) -> str:
    """The audit entry has the subject, the action, the resource, the time and the request id."""
    comparison = Comparison("entries", "who, what, when and the resource in each audit entry, as in the create")
    missing: set[str] = set()
    for written in await sample.created():
        entries = await _entries(target, audit, written.id)
        if entries:
            missing |= {name for name in ("actor", "action", "resource_id", "occurred_at") if name not in entries[0]}
            if not missing:
                comparison.add(_prefixed(written, _entry_problem(entries[0], written, target)), written.reply)
    if missing:
        raise Inconclusive(f"the audit query returns no column {', '.join(sorted(missing))}")
    try:
        return comparison.conclude()
    except Inconclusive:
        raise Prevented(_LOST, "no create has an audit entry") from None


@check(
    step=Step.AUDIT_LOG,
    source="contract: audit-once",
    needs=(Need.AUDITED_CHANGES,),
    catches=(
        "audit_lost_on_update",
        "audit_lost_on_delete",
        "audit_wrong_actor_on_update",
        "audit_delete_as_update",
        "audit_twice_on_update",
        "audit_rewritten",
        "audit_actor_cut",
        "audit_actor_lower",
        "audit_time_of_create",
        "audit_of_lost_update",
        "audit_once_a_request_id",
        "audit_request_of_create",
    ),
)
async def changes_are_recorded(target: Target, sample: WriteSample, audit: AuditTrail, primary: Primary | None) -> str:
    """Every accepted update and delete has exactly one audit entry of success, with subject, action and request id."""
    comparison = Comparison("changes", "one audit entry of success of each update and delete, with who and what")

    async def problem(written: Written) -> str:
        found = _changes_problem(await _successes(audit, written), written)
        return await unless_primarys_fault(found, written, primary, target.contract)

    if target.contract.update:
        updated = [*await sample.updated(), *await sample.updated_often()]
        await compare_all(updated, problem, comparison, within_s=target.deadlines.audit_s)
    if target.contract.delete:
        await compare_all(await sample.deleted(), problem, comparison, within_s=target.deadlines.audit_s)
    return comparison.conclude()


@check(
    step=Step.AUDIT_LOG,
    source="contract: audit-once",
    at_end=True,
    repeats=(
        _LOST,
        _WRONG,
        _CHANGES,
        "transaction.refused_create_leaves_nothing",
        "business_logic.unmet_condition_changes_nothing",
    ),
    limit_s=60.0,
    catches=("audit_of_refused_update", "audit_vanishes", "audit_actor_of_group"),
)
async def entries_match_writes_at_the_end(
    target: Target, sample: WriteSample, record: WriteRecord, audit: AuditTrail, primary: Primary | None
) -> str:
    """At the end of the run every write of it has its one audit entry still, and every entry of success its write.

    Each create has its own subject in it, also where several subjects created at once.
    """
    await sample.all()
    comparison = Comparison("writes", "one audit entry of success of each write, and none without a write")

    async def problem(written: Written) -> str:
        entries = await _successes(audit, written)
        creates = [entry for entry in entries if _tells_create(entry)]
        found = _count_problem(creates) or _actor_problem(creates[0], written)
        found = found or (_changes_problem(entries, written) if audit.has_changes else "")
        return await unless_primarys_fault(found, written, primary, target.contract)

    compare = partial(compare_all, problem=problem, comparison=comparison, within_s=target.deadlines.audit_s)
    await compare_spread(record, compare, comparison)
    try:
        for entry in await _unasked(audit, record, primary):
            text = f"{cut(str(entry.get('actor')))} has an entry of success about {cut(str(entry.get('resource_id')))}"
            comparison.add(f"{text}, and nobody created it")
    except NotDeclared as reason:
        comparison.note(f"entries without a write are not looked for: {reason}")
    return comparison.conclude()


@check(
    step=Step.AUDIT_LOG,
    level=Level.SHOULD,
    source="OWASP Logging Cheat Sheet; CWE-117",
    catches="audit_splits_lines",
)
async def forged_line_is_no_entry(target: Target, audit: AuditTrail) -> None:
    """A line break in a field adds no audit entry: the create has exactly one, with its own actor."""
    name = target.contract.fields.name
    async with positive_controls(target):
        text = f"{nonce()}\n2026-01-01 admin delete success"
        reply = await target.create(target.contract.document(**{name: text}))
        if not reply.accepted:
            expect_status(reply, 400, of=f"a {name} with a line break")
            return
        made = resource_in(target, reply, {name: text})
        entries = await _entries(target, audit, made.id)
        expect(len(entries) == 1, "one audit entry of success", str(len(entries)), reply)
        actor = entries[0].get("actor")
        sender = target.writer.subject
        expect(sender is None or equal(sender, actor), f"actor = {sender}", str(actor), reply)


async def _successes(audit: AuditTrail, written: Written) -> list[Row]:
    return [entry for entry in await audit.by_id(written.id) if is_success(entry)]


async def _of_create(audit: AuditTrail, written: Written) -> list[Row]:
    return [entry for entry in await _successes(audit, written) if _tells_create(entry)]


def _tells_create(entry: Row) -> bool:
    """Whether an entry is about a create; one without an action, or with one that says nothing, may be."""
    action = str(entry.get("action", "")).lower()
    return tells(action, CREATE_WORDS) or not any(tells(action, words) for words in _CHANGE_WORDS.values())


def _actor_problem(entry: Row, written: Written) -> str:
    """Whether an entry names another subject: writes of several may be recorded together."""
    subject, actor = written.who.subject, entry.get("actor")
    is_wrong = subject is not None and actor is not None and not equal(subject, actor)
    return f"has the actor {cut(str(actor))} instead of {subject}" if is_wrong else ""


def _count_problem(entries: list[Row]) -> str:
    return "" if len(entries) == 1 else f"has {len(entries) or 'no'} audit {'entries' if entries else 'entry'}"


def _changes_problem(entries: list[Row], written: Written) -> str:
    for change, words in _CHANGE_WORDS.items():
        wanted = written.count(change)
        about = [entry for entry in entries if tells(str(entry.get("action", "")).lower(), words)]
        about = [entry for entry in about if not tells(str(entry.get("action", "")).lower(), CREATE_WORDS[:4])]
        if len(about) != wanted:
            return f"has {len(about) or 'no'} audit entries of {wanted} {change}{'s' if wanted > 1 else ''}"
        actors = [one.actor for one in written.changes if one.change is change and one.reply is not None]
        seen = sorted(str(entry.get("actor", "")) for entry in about)
        if None not in actors and all("actor" in entry for entry in about) and seen != sorted(map(str, actors)):
            return f"has an entry of its {change} with actor {cut(', '.join(seen))} instead of {actors[0]}"
        asked = [one.reply.headers.get("x-request-id") for one in written.changes if one.change is change and one.reply]
        told = sorted(str(entry.get("request_id", "")) for entry in about)
        if all(asked) and all("request_id" in entry for entry in about) and told != sorted(map(str, asked)):
            return f"has an entry of its {change} with the request_id {cut(', '.join(told))} instead of {asked[0]}"
        if problem := _change_time_problem([one for one in entries if one not in about], about, written, change):
            return problem
    return ""


def _change_time_problem(others: list[Row], about: list[Row], written: Written, change: Change) -> str:
    """Whether an entry of a change has a time at which no change was asked for, or exactly that of the create."""
    asked = [one for one in written.changes if one.change is change and one.reply is not None]
    moments = [entry["occurred_at"] for entry in about if isinstance(entry.get("occurred_at"), datetime)]
    if not asked or not moments:
        return ""
    earliest_s, latest_s = min(one.sent_at for one in asked), max(one.received_at for one in asked)
    for moment in moments:
        stamp = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
        if not earliest_s - _SKEW_S <= stamp <= latest_s + _SKEW_S:
            return f"has an entry of its {change} at {moment}, not at the time of the request"
    # Where clocks differ this tells more: two moments so far apart are the same only if one was copied.
    if latest_s - written.reply.received_at > _APART_S and len(moments) == len(about):
        created_at = {one["occurred_at"] for one in others if _tells_create(one) and "occurred_at" in one}
        if all(moment.microsecond for moment in moments) and set(moments) <= created_at:
            return f"has an entry of its {change} at {moments[0]}, the time of its create"
    return ""


def _entry_problem(entry: Row, written: Written, target: Target) -> str:
    with_creator = {
        name: written.shown[name] for name in target.contract.fields.declared()[2:] if name in written.shown
    }
    who = written.who.subject or next((value for value in with_creator.values() if value == entry["actor"]), None)
    wrote = Provenance(
        actor=who,
        resource_id=written.id,
        request_id=written.reply.headers.get("x-request-id"),
        earliest_s=written.reply.sent_at - _SKEW_S,
        latest_s=written.reply.received_at + _SKEW_S,
    )
    return entry_problem(entry, wrote)


def _prefixed(written: Written, problem: str) -> str:
    return f"id {cut(written.id)} {problem}" if problem else ""


async def _unasked(audit: AuditTrail, record: WriteRecord, primary: Primary | None) -> list[Row]:
    """Entries of success by a subject of this run about a resource that no create of it was answered with.

    Raises:
        NotDeclared: they cannot be looked for.
    """
    if record.unanswered and primary is None:
        raise NotDeclared("some creates were not answered, and there is no primary to look them up in")
    unasked: list[Row] = []
    for subject in record.own_subjects():
        for entry in await audit.by_actor(subject):
            resource_id = str(entry.get("resource_id"))
            if is_success(entry) and resource_id not in record.resources:
                rows = await primary.by_id(resource_id) if primary is not None else []
                # A create that was not answered may have been carried out: then it has its row and its entry.
                if not (rows and record.unanswered):
                    unasked.append(entry)
    return unasked


async def _entries(target: Target, audit: AuditTrail, resource_id: str) -> list[Row]:
    async def read() -> list[Row]:
        return [entry for entry in await audit.by_id(resource_id) if is_success(entry)]

    entries, _ = await eventually(read, bool, within_s=target.deadlines.audit_s)
    return entries
