"""Step 8: all or nothing. A create that was refused leaves nothing behind in any sink."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from createflow.scenarios.bodies.markers import nonces_in
from createflow.scenarios.checks.support.copies import is_storable
from createflow.scenarios.checks.support.fixtures import created, expect_recovery
from createflow.scenarios.checks.support.leftovers import Leftovers, is_success
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_same_fields, expect_status
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import AuditTrail, Cache, EventLog, Primary, SearchIndex
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.probes import Faults, Target, Tokens
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.write_record import Refused, WriteRecord
from createflow.scenarios.text.in_json import in_json
from createflow.schemas.flow import Step

_CLOCKS_DIFFER = timedelta(seconds=5)
_TAKES_EFFECT_WITHIN_S = 5.0
_MAX_NAME_CHARACTERS = 200
"""Longer ones are not searched for: engines do not index them as one word."""
Body = dict[str, object]


@check(step=Step.TRANSACTION, source="contract: refusal-leaves-nothing", catches="row_kept_after_refusal")
async def refused_create_leaves_nothing(
    *,
    target: Target,
    tokens: Tokens | None,
    primary: Primary | None,
    audit: AuditTrail | None,
    events: EventLog | None,
    cache: Cache | None,
    search: SearchIndex | None,
) -> None:
    """A create refused with 400, 401 or 403 leaves no row, event, cached value, document or entry of success."""
    leftovers = _leftovers(target, primary=primary, audit=audit, events=events, cache=cache, search=search)
    refused: list[tuple[Reply, Body]] = []
    await created(target)
    for body, who, status in _refusals(target, tokens):
        reply = await target.create(body, who=who)
        expect_status(reply, status, of="a create that must be refused")
        refused.append((reply, body))
    if not refused:
        raise NotDeclared("nothing in this profile causes a create to be refused")
    await leftovers.wait_until_visible(await created(target))
    for reply, body in refused:
        left = await leftovers.find(target.contract.name_in(body), target.contract.nonce_in(body))
        expect(not left, f"nothing left by a create that was answered with {reply.status}", ", ".join(left), reply)


@check(
    step=Step.TRANSACTION,
    source="contract: database-error-500; contract: atomic",
    catches=("no_rollback", "cache_before_commit", "audit_outside_on_delete"),
    needs=(Need.DATABASE_ERROR,),
    disturbs=True,
    limit_s=60.0,
)
async def database_error_is_500_and_leaves_nothing(
    *,
    target: Target,
    faults: Faults,
    primary: Primary | None,
    audit: AuditTrail | None,
    events: EventLog | None,
    cache: Cache | None,
    search: SearchIndex | None,
) -> None:
    """A database error inside the transaction is answered with 500, leaves nothing, and the create works later.

    The same for an update and a delete: the resource is as before, also in the cache, and nothing tells of them.
    """
    lesser = Lesser.than_our_contract(target.contract)
    leftovers = _leftovers(target, primary=primary, audit=audit, events=events, cache=cache, search=search)
    made = await created(target)
    changes: list[tuple[str, Body, Reply]] = []
    async with faults.injected("database_error"):
        body, reply = await _first_refused(target)
        expect_status(reply, 500, of="a create that met a database error")
        if reply.media_type == "application/problem+json":
            code = (reply.document or {}).get("code")
            with lesser:
                expect(code in {None, "database_error"}, "the code database_error", f"{in_json(code)}", reply)
        if target.contract.update:
            new = target.contract.document()
            changes.append(("an update", new, await target.update(made.url, new)))
        if target.contract.delete:
            changes.append(("a delete", {}, await target.delete(made.url)))
    await expect_recovery(target)
    await leftovers.wait_until_visible(await created(target))
    left = await leftovers.find(target.contract.name_in(body), target.contract.nonce_in(body))
    expect(not left, "nothing left by a create that was answered with 500", ", ".join(left), reply)
    for what, new, refusal in changes:
        if refusal.accepted:
            raise Inconclusive(f"while creates met a database error, {what} was accepted")
        left = await leftovers.find(target.contract.name_in(new), target.contract.nonce_in(new)) if new else []
        expect(not left, f"nothing left by {what} that was answered with {refusal.status}", ", ".join(left), refusal)
    if changes:
        seen = await target.read(made.url, may_be_lost=True)
        failed = [refusal for _, _, refusal in changes]
        expect(seen.accepted, "the resource still there after failed changes", str(seen.status), *failed, seen)
        expect_same_fields(made.shown, seen.document or {}, *failed, seen, where="a read after failed changes")
        entries = 0 if audit is None else sum(is_success(entry) for entry in await audit.by_id(made.id))
        expect(entries <= 1, "no audit entry of success of a failed change", f"{entries - 1}", *failed)
        told = 0 if events is None else len(events.of(made.id))
        expect(told <= 1, "no event of a failed change", f"{told - 1}", *failed)
    again = await target.create(body)
    expect(again.accepted, "the same create accepted after the repair", str(again.status), reply, again)
    lesser.tell()


@check(
    step=Step.TRANSACTION,
    source="contract: refusal-leaves-nothing",
    at_end=True,
    repeats=(
        "transaction.refused_create_leaves_nothing",
        "transaction.database_error_is_500_and_leaves_nothing",
        "business_logic.unmet_condition_changes_nothing",
    ),
    limit_s=60.0,
    catches=("refusal_taken_back", "row_kept_after_refusal"),
)
async def no_refusal_left_anything(
    *,
    record: WriteRecord,
    primary: Primary | None,
    events: EventLog | None,
    search: SearchIndex | None,
) -> str:
    """At the end of the run no create or update that any check saw refused has left a row, an event or a document."""
    comparison = Comparison("refused writes", "nothing left by a write that was answered with a 4xx, 500 or 503")
    refusals = list(record.refusals())
    traces: dict[str, list[str]] = {word: [] for refused in refusals for word in refused.nonces}
    # Only names with a word of their own: somebody else may have written a blank one.
    words = {
        name: next(iter(own))
        for refused in refusals
        if (name := refused.name) and is_storable(name) and (own := nonces_in(name.encode()) & refused.nonces)
    }
    looked: list[str] = []
    if events is not None:
        looked.append("events")
        for event in events.all():
            for word in nonces_in(event.text.encode("utf-8", "replace")) & traces.keys():
                traces[word].append("an event")
    if primary is not None:
        with suppress(NotDeclared):
            for name in [name for name in words if await primary.by_name(name)]:
                traces[words[name]].append("a row")
            looked.append("rows")
    if search is not None:
        with suppress(NotDeclared):
            found = await search.with_names([name for name in words if len(name) <= _MAX_NAME_CHARACTERS])
            for name in set(found) & words.keys():
                traces[words[name]].append("an indexed document")
            looked.append("documents")
    if not looked:
        raise NotDeclared("no configured sink can be searched for what a refused write left")
    for refused in refusals:
        comparison.add(_left_by(refused, traces), refused.reply)
    comparison.note(f"looked for {' and '.join(looked)}")
    return comparison.conclude()


def _left_by(refused: Refused, traces: Mapping[str, Sequence[str]]) -> str:
    left = [trace for word in refused.nonces for trace in traces[word]]
    by = f"a write of {refused.check_id} that was answered with {refused.reply.status}"
    return f"{by} left {', '.join(left)}" if left else ""


def _leftovers(
    target: Target,
    *,
    primary: Primary | None,
    audit: AuditTrail | None,
    events: EventLog | None,
    cache: Cache | None,
    search: SearchIndex | None,
) -> Leftovers:
    """The sinks to search, from now on."""
    return Leftovers(
        primary=primary,
        audit=audit,
        events=events,
        cache=cache,
        search=search,
        deadlines=target.deadlines,
        name_field=target.contract.fields.name,
        actor=target.writer.subject,
        since=datetime.now(UTC) - _CLOCKS_DIFFER,
    )


def _refusals(target: Target, tokens: Tokens | None) -> list[tuple[Body, Principal | None, int]]:
    """Creates that must be refused, each with a name of its own."""
    found: list[tuple[Body, Principal | None, int]] = []
    contract = target.contract
    others = [
        name
        for name, schema in contract.properties.items()
        if name != contract.fields.name and isinstance(schema.get("type"), str)
    ]
    if contract.is_closed:
        found.append((contract.document(unknown_field=True), None, 400))
    if others:
        # An object instead of a simple value, or a text instead of an object, is wrong for every type.
        wrong = "x" if contract.properties[others[-1]].get("type") == "object" else {"x": 1}
        found.append((contract.document(**{others[-1]: wrong}), None, 400))
    if tokens is not None:
        found.append((contract.document(), ANONYMOUS, 401))
        try:
            found.append((contract.document(), tokens.reader(), 403))
        except NotDeclared:
            return found
    return found


async def _first_refused(target: Target) -> tuple[Body, Reply]:
    """The first create that is not accepted: a fault may take a moment to work."""

    async def attempt() -> tuple[Body, Reply]:
        body = target.contract.document()
        return body, await target.create(body)

    (body, reply), refused = await eventually(
        attempt, lambda last: not last[1].accepted, within_s=_TAKES_EFFECT_WITHIN_S
    )
    if not refused:
        raise Inconclusive("the fault had no effect: creates were still accepted")
    return body, reply
