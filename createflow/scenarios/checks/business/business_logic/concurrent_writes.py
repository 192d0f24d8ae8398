"""Concurrent writes to one resource: no update is lost, and none causes a server error."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from createflow.scenarios.checks.support.fixtures import (
    Resource,
    created,
    etag_of,
    positive_controls,
    rows_of,
    shown_after,
)
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_same_fields, expect_status
from createflow.scenarios.outcome import Expectation, Inconclusive
from createflow.scenarios.sinks.copy_problem import GONE, NOT_MISSING
from createflow.scenarios.sinks.sink import Primary
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.run_context import Together
from createflow.scenarios.text.in_json import in_json
from createflow.scenarios.text.json_equality import same_json
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_AT_ONCE = 8
_ROUNDS = 3
_UPDATE_ROUNDS = 6
"""More than of creates: what goes wrong with an update lasts no longer than the statement that writes it."""
_BYSTANDERS = 4
_DELETE_ROUNDS = 8
_UPDATES = 3


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: conditional-update; RFC 9110 §13.1.1",
    catches=("if_match_ignored", "lost_update"),
    needs=(Need.UPDATE,),
)
async def one_of_many_updates_wins(target: Target) -> None:
    """Of several concurrent updates of one version at most one is accepted, and a read then shows it."""
    overlapped = 0
    name = target.contract.fields.name
    for number in range(_UPDATE_ROUNDS):
        made = await created(target)
        etag = await etag_of(target, made)
        bodies = [target.contract.document() for _ in range(_AT_ONCE)]
        hold = together(target, _AT_ONCE, number)
        replies = await asyncio.gather(
            *(target.update(made.url, body, headers={"if-match": etag}, hold=hold) for body in bodies)
        )
        await hold.led()
        overlapped += overlapping(replies)
        won = [body for body, reply in zip(bodies, replies, strict=True) if reply.accepted]
        accepted = [reply for reply in replies if reply.accepted]
        expect(len(won) <= 1, f"one update of version {etag} accepted at most", f"{len(won)} accepted", *accepted)
        for reply in replies:
            expect(reply.status < 500 or reply.status == 503, "no server error", str(reply.status), reply)
        if won and target.contract.fields.has_name:  # exact bytes are the same in each
            seen = await target.read(made.url)
            shown = (seen.document or {}).get(name)
            expect(
                shown == won[0][name],
                f"{name} = {in_json(won[0][name])}, as accepted",
                in_json(shown),
                accepted[0],
                seen,
            )
    if not overlapped:
        raise Inconclusive("no two updates truly overlapped")


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: conflict-409; RFC 9110 §8.8.1",
    catches=("contention_crashes", "updates_mixed", "updates_share_version"),
    needs=(Need.UPDATE,),
)
async def contention_is_no_server_error(target: Target) -> None:
    """Concurrent updates and reads of one resource are carried out or refused, but never answered with 500.

    Afterwards the resource shows what one of the updates sent, not fields of several (RFC 9110 §9.3.4). Where the
    profile declares versions, each update has an ETag of its own, and a read shows the update whose ETag it has.
    """
    overlapped = 0
    for number in range(_UPDATE_ROUNDS):
        made = await created(target)
        hold = together(target, _AT_ONCE, number)
        bodies = _bodies(target, made)
        updates = [target.update(made.url, body, hold=hold) for body in bodies]
        replies = await asyncio.gather(*updates, *(target.read(made.url) for _ in range(_AT_ONCE)))
        await hold.led()
        overlapped += overlapping(replies)
        for reply in replies:
            sound = reply.status < 500 or reply.status == 503
            expect(sound, "no server error under contention", str(reply.status), reply)
        seen = await target.read(made.url)
        if target.contract.versions:
            _expect_own_versions(target, list(zip(bodies, replies, strict=False)), seen)
        if target.contract.is_promised:
            shown = {name: (seen.document or {}).get(name) for name in bodies[0]}
            whole = not any(reply.accepted for reply in replies[:_AT_ONCE]) or shown in bodies
            expect(whole, "the fields of one update", f"a mixture: {shown}", *replies[:_AT_ONCE], seen)
    if not overlapped:
        raise Inconclusive("no two requests truly overlapped")


def _expect_own_versions(target: Target, updates: Sequence[tuple[dict[str, Any], Reply]], seen: Reply) -> None:
    """Require that no two accepted updates have one strong ETag, and that a read shows the update of its own.

    Why: who has the ETag of one version would overwrite another one with it, and what keeps the newer of two versions,
    as a cache does, may keep either.
    """
    written: dict[str, dict[str, Any]] = {}
    for body, reply in updates:
        etag, shown = reply.headers.get("etag", "W/"), shown_after(target.contract, reply, body)
        # A reply that shows another, later update has the ETag of that one.
        if (
            reply.accepted
            and not etag.startswith("W/")
            and all(same_json(value, shown.get(name, value)) for name, value in target.contract.shown(body).items())
        ):
            replies = [one for _, one in updates]
            expect(etag not in written, "an ETag of its own for each update", f"{etag} twice", *replies, about=["etag"])
            written[etag] = body
    sent = written.get(seen.headers.get("etag", ""))
    document = seen.document or {}
    if sent is not None and seen.accepted:
        # Another target may store what was sent in another form; the name it keeps.
        kept = [name for name in sent if target.contract.is_promised or name == target.contract.fields.name]
        wrong = [name for name in kept if name in document and document[name] != sent[name]]
        told = f"the update whose ETag the read has: {in_json(sent)}"
        expect(not wrong, told, in_json({name: document.get(name) for name in sent}), seen)


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: conflict-409",
    needs=(Need.UNIQUE_NAME,),
    catches=("names_not_unique", "taken_name_is_500", "taken_name_refuses_all"),
)
async def one_of_many_creates_of_a_name_wins(target: Target, primary: Primary | None) -> None:
    """Of several concurrent creates with one name exactly one is accepted; the others are refused with 409.

    Creates with other names at the same time are all accepted. Why: if the target looks for the name first and inserts
    later, concurrent creates all find the name free; if it writes several together, one may fail all of them.
    """
    overlapped = 0
    async with positive_controls(target):
        for _ in range(_ROUNDS):
            body = target.contract.document()
            target.contract.name_in(body)  # raises NotDeclared when the body has no name
            hold = Together(_AT_ONCE + _BYSTANDERS)
            bodies = [*[body] * _AT_ONCE, *(target.contract.document() for _ in range(_BYSTANDERS))]
            replies = await asyncio.gather(*(target.create(one, hold=hold) for one in bodies))
            replies, others = replies[:_AT_ONCE], replies[_AT_ONCE:]
            overlapped += overlapping(replies)
            for reply in others:
                expect(reply.accepted, "a create with a name of its own accepted", str(reply.status), *replies, reply)
            accepted = [reply for reply in replies if reply.accepted]
            refused = [reply for reply in replies if not reply.accepted]
            expect(len(accepted) == 1, "one create of a name accepted", f"{len(accepted)} accepted", *replies)
            for reply in [*refused, await target.create(body)]:
                expect_status(reply, 409, of="another create of a name")
            seen = await target.read(target.url_of(accepted[0]))
            expect(seen.accepted, "the accepted one to be found", str(seen.status), accepted[0], seen)
            rows = await rows_of(target, body, primary)
            expect(rows is None or len(rows) == 1, "one row of a name", f"{len(rows or [])} rows", *accepted)
    if not overlapped:
        raise Inconclusive("no two creates truly overlapped")


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: conflict-409",
    needs=(Need.UNIQUE_NAME, Need.UPDATE),
    catches="update_to_taken_name_is_500",
)
async def update_to_a_taken_name_is_refused(target: Target) -> None:
    """An update to the name of another resource is refused with a 4xx, and both are as before."""
    first, second = [await created(target) for _ in range(2)]
    body = {**target.contract.document(), target.contract.fields.name: first.name}
    reply = await target.update(second.url, body)
    expect(400 <= reply.status < 500, "a 4xx to an update to a taken name", str(reply.status), reply)
    for made in (first, second):
        seen = await target.read(made.url)
        expect_same_fields(made.shown, seen.document or {}, reply, seen, where="a read after the refused update")


@check(
    step=Step.BUSINESS_LOGIC,
    level=Level.SHOULD,
    source="contract: conflict-409",
    needs=(Need.UNIQUE_NAME, Need.DELETE),
    catches="names_stay_taken",
    must_with=Need.CONTRACT,
)
async def deleted_name_is_free(target: Target) -> None:
    """The name of a deleted resource can be used again."""
    body = target.contract.document()
    async with positive_controls(target):
        made = await created(target, body)
        gone = await target.delete(made.url)
        if not gone.accepted:
            raise Inconclusive(f"a delete was answered {gone.status}")
        again = await target.create(body)
        expect(again.accepted, "a create with the name of a deleted resource accepted", str(again.status), gone, again)


@check(
    step=Step.BUSINESS_LOGIC,
    level=Level.SHOULD,
    source="contract: conflict-409",
    needs=(Need.UNIQUE_NAME, Need.UPDATE),
    catches="old_name_stays_taken",
    must_with=Need.CONTRACT,
)
async def renamed_name_is_free(target: Target) -> None:
    """The name that a resource had before an update can be used again, by a create and by an update."""
    async with positive_controls(target):
        made, other = await created(target), await created(target)
        renamed = await target.update(made.url, target.contract.document())
        if not renamed.accepted:
            raise Inconclusive(f"an update was answered {renamed.status}")
        body = target.contract.document()
        back = {**body, target.contract.fields.name: made.name}
        again = await target.create(back)
        expect(again.accepted, "a create with a name that was given up accepted", str(again.status), renamed, again)
        moved = await target.update(target.url_of(again), body)
        taken = await target.update(other.url, back)
        if moved.accepted:
            expected = "an update to a name that was given up accepted"
            expect(taken.accepted, expected, str(taken.status), moved, taken)


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: read-your-writes",
    needs=(Need.UPDATE, Need.DELETE),
    catches="delete_lost_in_race",
)
async def racing_delete_is_carried_out(target: Target, primary: Primary | None) -> None:
    """A delete that is accepted while updates of the resource are on their way leaves nothing, in whatever order.

    Why: an update that began before the delete may write the whole resource again after it. An update that is answered
    201 came after it and made the resource anew (RFC 9110 §9.3.4).
    """
    overlapped = 0
    for _ in range(_DELETE_ROUNDS):
        made = await created(target)
        bodies = [target.contract.document() for _ in range(_UPDATES)]
        hold = Together(1 + _UPDATES)
        updates = [target.update(made.url, body, hold=hold) for body in bodies]
        replies = await asyncio.gather(*updates, target.delete(made.url, hold=hold))
        if not replies[-1].accepted or any(reply.status == 201 for reply in replies[:-1]):
            continue
        overlapped += overlapping(replies)
        seen = await target.read(made.url, may_be_lost=True, until=_is_gone)
        subject = GONE if seen.accepted else NOT_MISSING if seen.status == 500 else ""
        told = str(seen.status)
        expect(_is_gone(seen), "404 or 410 after a delete", told, *replies, seen, about=[subject] if subject else [])
        rows = await primary.by_id(made.id) if primary is not None else []
        if rows:
            exchanges = [reply.exchange for reply in replies]
            raise Expectation("no row after a delete", f"{len(rows)} rows", exchanges=exchanges, about=[GONE])
    if not overlapped:
        raise Inconclusive("no accepted delete truly overlapped an update")


def _is_gone(reply: Reply) -> bool:
    return reply.status in {404, 410}


def _bodies(target: Target, made: Resource) -> list[dict[str, Any]]:
    """What is sent at the same time: whole representations, half with another name and half with another text."""
    bodies = [target.contract.document() for _ in range(_AT_ONCE)]
    if not target.contract.is_promised:
        return bodies
    before = {name: made.shown.get(name) for name in bodies[0]}
    name, text = target.contract.fields.name, "description"
    return [
        {**before, name: body[name]} if number % 2 else {**before, text: body[name]}
        for number, body in enumerate(bodies)
    ]


def together(target: Target, count: int, number: int) -> Together:
    """Holds so many requests. In every second round another create goes before them."""
    return Together(count, lead=target.create if number % 2 else None)


def overlapping(replies: Sequence[Reply]) -> int:
    """How many were sent before an earlier one was answered."""
    ordered = sorted(replies, key=lambda reply: reply.sent_at)
    return sum(later.sent_at <= earlier.received_at for earlier, later in pairwise(ordered))
