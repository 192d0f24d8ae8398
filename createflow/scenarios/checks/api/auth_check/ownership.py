"""Only its creator changes a resource, and a private one is visible only to its owner."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import quote

from createflow.scenarios.checks.support.fixtures import (
    Resource,
    created,
    lasting,
    missing_url,
    positive_controls,
    resource_in,
)
from createflow.scenarios.checks.support.near import long_subject, named, near_subjects
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_same_fields, expect_status
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import Issuer, Target, Tokens
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.text.in_json import in_json
from createflow.schemas.flow import Step


@check(
    step=Step.AUTH_CHECK,
    source="OWASP API1:2023; RFC 7519 §2, §4.1.2",
    needs=(Need.PRIVATE,),
    catches=("reads_private", "search_shows_private", "forbids_private"),
)
async def others_resource_is_as_missing(target: Target, tokens: Tokens, issuer: Issuer | None) -> None:
    """Another user's private resource looks like a missing one, to reads and changes, also when cached, and in lists.

    So it does to subjects that nearly match the owner's: where tokens can be signed, subjects that are a part of it or
    differ in letter case are tried. Why: a 403 where a missing id has a 404 discloses which ids exist.
    """
    if target.contract.raw is not None:
        raise NotDeclared("the body has no unique name by which the resource can be recognised")
    owner, other = tokens.writer(), tokens.other_writer()
    async with positive_controls(target, who=other):
        made = await created(target, who=owner)
        await _expect_unchanged(target, made, owner)
        absent = await target.read(missing_url(made), who=other)
        if absent.accepted:
            raise Inconclusive(f"a read of an id that does not exist was answered {absent.status}")
        # The owner has read it, so a cache keyed by the id alone holds it now.
        seen = await target.read(made.url, who=other)
        alike = _status_and_code(seen) == _status_and_code(absent)
        expect(alike, f"{_status_and_code(absent)}, as for a missing id", _status_and_code(seen), absent, seen)
        expect(made.name.encode() not in seen.body, "a refusal without the resource's name", made.name, seen)
        await _expect_not_listed(target, made, owner, other)
        await _expect_changes_as_missing(target, made, other)
        await _expect_unchanged(target, made, owner)
        await _expect_kept_from_near(target, owner, issuer)


async def _expect_changes_as_missing(target: Target, made: Resource, other: Principal) -> None:
    """Require that another user's updates and deletes are refused as those of a missing resource are."""
    changes: dict[str, Callable[[str], Awaitable[Reply]]] = {}
    if target.contract.update:
        changes["update"] = lambda url: target.update(url, target.contract.document(), who=other)
    if target.contract.delete:
        changes["delete"] = lambda url: target.delete(url, who=other)
    for what, send in changes.items():
        absent, refused = await asyncio.gather(send(missing_url(made)), send(made.url))
        expect(not refused.accepted, f"the {what} of another user refused", str(refused.status), refused)
        if absent.status in {404, 410}:  # a PUT may create what it names
            seen, alike = _status_and_code(refused), _status_and_code(absent)
            expect(seen == alike, f"{alike} to the {what} of another user, as to a missing id", seen, absent, refused)


@check(
    step=Step.AUTH_CHECK,
    source="contract: ownership; RFC 7519 §2, §4.1.2; OWASP API1:2023",
    needs=(Need.OWNED,),
    catches=(
        "others_may_update",
        "others_may_delete",
        "owner_by_beginning",
        "owner_case_folded",
        "owner_cut",
        "owner_normalised",
        "refusal_raises_version",
    ),
)
async def others_may_not_change(target: Target, tokens: Tokens, issuer: Issuer | None) -> None:
    """An update or delete by another writer than the creator is refused with 403 or 404, and changes nothing.

    Each is tried with and without the current ETag in If-Match, and after the other writer has read the resource. Where
    tokens can be signed, also by subjects that nearly match the creator's: RFC 7519 §2 compares them letter by letter.
    """
    owner, other = tokens.writer(), tokens.other_writer()
    async with positive_controls(target, who=other):
        if not (target.contract.update or target.contract.delete):
            raise NotDeclared("`target.update` and `target.delete` are not configured")
        made = await created(target, who=owner)
        await target.read(made.url, who=other)
        current = made.reply.if_match
        for headers in ({}, current) if current else ({},):
            # Where a version must be named, what names none may be refused for that first (RFC 6585 §3).
            refused = (403, 404) if headers else (403, 404, 428)
            if target.contract.update:
                reply = await target.update(made.url, target.contract.document(), who=other, headers=headers)
                expect_status(reply, *refused, of="another writer's update")
            if target.contract.delete:
                reply = await target.delete(made.url, who=other, headers=headers)
                expect_status(reply, *refused, of="another writer's delete")
        await _expect_unchanged(target, made, owner)
        if target.contract.update:
            control = await target.update(made.url, target.contract.document(), who=owner, headers=current)
            if current and target.contract.versions:
                expected = "an update by the creator, with the ETag of the 201, accepted after what was refused"
                expect(control.status != 412, expected, "412", made.reply, control, about=["etag"])
            if not control.accepted:
                raise Inconclusive(f"the creator's own update was answered {control.status}")
        await _expect_kept_from_near(target, owner, issuer)


async def _expect_kept_from_near(target: Target, owner: Principal, issuer: Issuer | None) -> None:
    """Require that subjects which nearly match the owner's cannot change a resource, nor read it where it is private.

    Not tried where no token can be signed, or the target takes no long subject.
    """
    if issuer is None or owner.subject is None:
        return
    subject = long_subject(owner)
    creator = named(owner, issuer, subject)
    reply = await target.create(body := target.contract.document(), who=creator)
    if not reply.accepted:
        return
    made = resource_in(target, reply, body)
    headers = reply.if_match
    for form, other in near_subjects(subject).items():
        who = named(owner, issuer, other)
        refused = (401, 403, 404)
        if target.contract.private:
            seen = await target.read(made.url, who=who, may_be_lost=True)
            expect_status(seen, *refused, of=f"a read by {form}")
        if target.contract.update:
            reply = await target.update(made.url, target.contract.document(), who=who, headers=headers)
            expect_status(reply, *refused, of=f"an update by {form}")
        if target.contract.delete:
            reply = await target.delete(made.url, who=who, headers=headers)
            expect_status(reply, *refused, of=f"a delete by {form}")
    await _expect_unchanged(target, made, creator)


async def _expect_unchanged(target: Target, made: Resource, owner: Principal) -> None:
    """Require that the owner sees the resource unchanged, in the same version where those are declared."""
    seen = await target.read(made.url, who=owner)
    if not seen.accepted:
        raise Inconclusive(f"the owner's own read was answered {seen.status}")
    field = target.contract.fields.name
    name = (seen.document or {}).get(field)
    expect(name == made.shown.get(field), f"{field} unchanged", in_json(name), made.reply, seen)
    expect_same_fields(
        lasting(target, made.shown), seen.document or {}, made.reply, seen, where="the resource after the refusals"
    )
    before, after = made.reply.if_match, seen.if_match
    if target.contract.versions and before and after:
        shown, kept = after["if-match"], before["if-match"]
        expect(shown == kept, f"the ETag {kept} still, after what was refused", shown, made.reply, seen, about=["etag"])


async def _expect_not_listed(target: Target, made: Resource, owner: Principal, other: Principal) -> None:
    """Require that no list and no search of the other user shows it, where the owner's does."""
    name = made.name.encode()
    path = made.reply.exchange.url.partition("?")[0]

    def look(query: str, who: Principal) -> Awaitable[Reply]:
        return target.read(f"{path}?{query}", who=who) if query else target.read_collection(who=who)

    for query in ("", f"q={quote(made.name)}"):
        theirs, listed = await eventually(
            partial(look, query, owner),
            lambda reply: not reply.accepted or name in reply.body,
            within_s=target.deadlines.index_s,
        )
        if listed and theirs.accepted:
            shown = await look(query, other)
            what = "search" if query else "list"
            expect(name not in shown.body, f"a {what} without another user's resource", made.name, theirs, shown)


def _status_and_code(reply: Reply) -> str:
    code = reply.error_code
    return f"{reply.status} {code}" if code else str(reply.status)
