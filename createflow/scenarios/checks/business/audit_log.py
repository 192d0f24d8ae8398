"""Step 10: the audit trail says who did what, and when."""

from contextlib import suppress
from datetime import UTC, datetime

from createflow.scenarios.checks.support.fixtures import Resource, created, positive_controls, resource_in
from createflow.scenarios.checks.support.leftovers import is_success
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.expect import expect, expect_status
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.field_equality import equal
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import AuditTrail, Row
from createflow.scenarios.target.contract import nonce
from createflow.scenarios.target.probes import Target
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_CREATES = 5
_SKEW_S = 5.0
"""The target's clock may differ this much from ours."""
_WORDS = ("create", "insert", "post", "add", "write")


@check(step=Step.AUDIT_LOG, source="contract: audit-once", catches="audit_lost")
async def one_entry_per_create(target: Target, audit: AuditTrail) -> None:
    """Every accepted create has exactly one audit entry of success."""
    for made in [await created(target) for _ in range(_CREATES)]:
        entries = await _entries(target, audit, made)
        expect(len(entries) == 1, "one audit entry of success", str(len(entries)), made.reply)


@check(step=Step.AUDIT_LOG, source="contract: audit-once", catches="audit_anonymous")
async def entry_says_who_what_when(target: Target, audit: AuditTrail) -> None:
    """The audit entry has the subject, the action, the resource, the time and the request id."""
    made = await created(target)
    entries = await _entries(target, audit, made)
    if not entries:
        raise Inconclusive("the create has no audit entry; see one_entry_per_create")
    entry = entries[0]
    missing = [name for name in ("actor", "action", "resource_id", "occurred_at") if name not in entry]
    if missing:
        raise Inconclusive(f"the audit query returns no column {', '.join(missing)}")
    who = target.writer.subject or made.shown.get(target.contract.fields.created_by)
    expect(bool(entry["actor"]), "the entry's actor", "none", made.reply)
    expect(who is None or equal(who, entry["actor"]), f"actor = {who}", str(entry["actor"]), made.reply)
    action = str(entry["action"]).lower()
    expect(any(word in action for word in _WORDS), "an action that says create", repr(entry["action"]), made.reply)
    expect(equal(made.id, entry["resource_id"]), f"resource_id = {made.id}", str(entry["resource_id"]), made.reply)
    _happened_then(entry, made)
    request_id = made.reply.headers.get("x-request-id")
    if request_id and "request_id" in entry:
        seen = entry["request_id"]
        expect(equal(request_id, seen), f"request_id = {request_id}, as the reply says", str(seen), made.reply)


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
        entries = await _entries(target, audit, made)
        expect(len(entries) == 1, "one audit entry of success", str(len(entries)), reply)
        actor = entries[0].get("actor")
        sender = target.writer.subject
        expect(sender is None or equal(sender, actor), f"actor = {sender}", str(actor), reply)


def _happened_then(entry: Row, made: Resource) -> None:
    moment = entry["occurred_at"]
    if isinstance(moment, str):
        with suppress(ValueError):
            moment = datetime.fromisoformat(moment)
    if not isinstance(moment, datetime):
        raise Inconclusive(f"occurred_at is no time: {moment!r}")
    stamp = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    within = made.reply.sent_at - _SKEW_S <= stamp <= made.reply.received_at + _SKEW_S
    expect(within, "occurred_at at the time of the request", str(moment), made.reply)


async def _entries(target: Target, audit: AuditTrail, made: Resource) -> list[Row]:
    async def read() -> list[Row]:
        return [entry for entry in await audit.by_id(made.id) if is_success(entry)]

    entries, _ = await eventually(read, bool, within_s=target.deadlines.audit_s)
    return entries
