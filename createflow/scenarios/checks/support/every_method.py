"""One gate, tried with every method that the profile declares."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from createflow.scenarios.bodies.markers import like, nonces_in
from createflow.scenarios.checks.support.fixtures import Resource, created
from createflow.scenarios.harness.expect import expect_status
from createflow.scenarios.outcome import NotDeclared, Prevented
from createflow.scenarios.target.credentials import forged_tokens
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.traffic.observed import CHECK_ID

_MISSING = "auth_check.missing_token_is_401"
_TAMPERED = "auth_check.tampered_token_is_401"


async def expect_refused(
    target: Target,
    made: Resource,
    who: Principal,
    how: str,
    *statuses: int,
    reads: bool = True,
    may_be_malformed: bool = False,
) -> None:
    """Require that a create is refused, and reads, an update and a delete of a resource that is there.

    Args:
        target: the endpoint.
        made: the resource.
        who: sends all of them.
        how: of the sender, for the finding.
        statuses: of the refusals. A change by a subject who may not read the resource either may be answered with 404
            where 403 is one of them.
        reads: GET and HEAD of it and the list are refused as well, where our own contract is promised: others may
            show what everybody may read.
        may_be_malformed: the token can be taken for none, which 400 is for as well (RFC 6750 §3.1).
    """
    asked = {"a create": target.create(who=who)}
    if reads and target.contract.is_promised:
        asked["a read"] = target.send("GET", made.url, who=who)
        asked["a HEAD"] = target.send("HEAD", made.url, who=who)
        asked["a list"] = target.read_collection(who=who)
    if target.contract.update:
        asked["an update"] = target.update(made.url, target.contract.document(), who=who)
    if target.contract.delete:
        asked["a delete"] = target.delete(made.url, who=who)
    allowed = (*statuses, 404) if 403 in statuses else statuses
    replies = dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))
    # First: where a delete is accepted, the others may find nothing any more.
    for what in [what for what, reply in replies.items() if reply.accepted and what != "a create"]:
        await _require_own_cause(target, await created(target), what)
    for what, reply in replies.items():
        if may_be_malformed and reply.status == 400 and not target.contract.promises.malformed_tokens:
            continue
        expect_status(reply, *(statuses if what == "a create" else allowed), of=f"{what} {how}")


async def _require_own_cause(target: Target, made: Resource, what: str) -> None:
    """Require that the same request is refused to who has no token at all, and to a token that was changed.

    Raises:
        Prevented: it is not, so that whatever else is wrong with a token makes no difference.
    """
    token = target.writer.token or ""
    causes = {_MISSING: ANONYMOUS}
    with suppress(NotDeclared, ValueError):
        causes[_TAMPERED] = target.writer.holding(forged_tokens.flip_signature_bit(token))
    for cause, who in causes.items():
        if CHECK_ID.get() == cause:
            return
        match what:
            case "an update":
                reply = await target.update(made.url, target.contract.document(), who=who)
            case "a delete":
                reply = await target.delete(made.url, who=who)
            case "a list":
                reply = await target.read_collection(who=who)
            case _:
                reply = await target.send("HEAD" if what == "a HEAD" else "GET", made.url, who=who)
        if reply.accepted:
            raise Prevented(cause, f"{what} is accepted with any token, or with none")


async def writes_of(
    target: Target,
    made: Resource,
    body: Mapping[str, Any] | bytes | None = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> list[tuple[str, Reply]]:
    """The replies to a create and, where our own contract is promised, to an update with one body, or a valid one each.

    What another target takes in an update may differ from what it takes in a create.
    """
    replies = [("a create", await target.create(body, headers=headers))]
    if target.contract.update and target.contract.is_promised:
        whole = target.contract.document() if body is None else _with_own_name(target, body)
        reply = await target.update(made.url, whole, headers={**made.reply.if_match, **(headers or {})})
        replies.append(("an update", reply))
    return replies


def _with_own_name(target: Target, body: Mapping[str, Any] | bytes) -> Mapping[str, Any] | bytes:
    """The body with another unique word of the same length in its name, where two resources cannot have one name."""
    if not target.contract.unique_name:
        return body
    if isinstance(body, bytes):
        for word in nonces_in(body):
            body = body.replace(word.encode(), like(word).encode())
        return body
    name = body.get(target.contract.fields.name)
    if not isinstance(name, str):
        return body
    for word in nonces_in(name.encode("utf-8", "replace")):
        name = name.replace(word, like(word))
    return {**body, target.contract.fields.name: name}
