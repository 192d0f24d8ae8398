"""Whose a resource is: where it is private, its existence is as well."""

from createflow.scenarios.checks.support.fixtures import Resource, between_creates, created, missing_url
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import Target, Tokens
from createflow.scenarios.target.reply import Reply
from createflow.schemas.flow import Step


@check(step=Step.AUTH_CHECK, source="OWASP API1:2023; RFC 9110 §15.5.5", needs=(Need.PRIVATE,))
async def others_resource_is_as_missing(target: Target, tokens: Tokens) -> None:
    """Another user's private resource looks like a missing one, also when cached, and no list shows it.

    Why: a 403 where a missing id has a 404 discloses which ids exist.
    """
    if target.contract.raw is not None:
        raise NotDeclared("the body carries no mark to know the resource by")
    owner, other = tokens.writer(), tokens.other_writer()
    async with between_creates(target, who=other):
        made = await created(target, who=owner)
        await _own(target, made, owner)
        absent = await target.read(missing_url(made.url), who=other)
        if absent.accepted:
            raise Inconclusive(f"a read of an id that does not exist was answered {absent.status}")
        # The owner has read it, so that a cache that asks for the id alone has it by now.
        seen = await target.read(made.url, who=other)
        alike = _status_and_code(seen) == _status_and_code(absent)
        expect(alike, f"{_status_and_code(absent)}, as for a missing id", _status_and_code(seen), absent, seen)
        expect(made.name.encode() not in seen.body, "a refusal without the resource's name", made.name, seen)
        await _not_listed(target, made, owner, other)
        if target.contract.update:
            changed = await target.update(made.url, target.contract.document(), who=other)
            expect(not changed.accepted, "somebody else's update refused", str(changed.status), changed)
        await _own(target, made, owner)


async def _own(target: Target, made: Resource, owner: Principal) -> None:
    """The owner sees it as it was made."""
    seen = await target.read(made.url, who=owner)
    if not seen.accepted:
        raise Inconclusive(f"the owner's own read was answered {seen.status}")
    field = target.contract.fields.name
    name = (seen.document or {}).get(field)
    expect(name == made.shown.get(field), f"{field} unchanged", repr(name), made.reply, seen)


async def _not_listed(target: Target, made: Resource, owner: Principal, other: Principal) -> None:
    """What the owner's list shows, the other's does not; where the owner's shows nothing, there is nothing to ask."""
    mark = made.name.encode()
    theirs, listed = await eventually(
        lambda: target.read_collection(who=owner),
        lambda reply: not reply.accepted or mark in reply.body,
        within_s=target.deadlines.index_s,
    )
    if not (listed and theirs.accepted):
        return
    shown = await target.read_collection(who=other)
    expect(mark not in shown.body, "a list without somebody else's resource", made.name, theirs, shown)


def _status_and_code(reply: Reply) -> str:
    code = reply.error_code
    return f"{reply.status} {code}" if code else str(reply.status)
