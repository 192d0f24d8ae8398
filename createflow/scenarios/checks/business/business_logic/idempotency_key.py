"""The Idempotency-Key of other subjects, after a lost connection or a database error, and in unusual forms."""

import asyncio
from typing import Any

from createflow.scenarios.bodies.markers import nonce
from createflow.scenarios.checks.support.fixtures import created, positive_controls, rows_of
from createflow.scenarios.checks.support.near import long_subject, named, near_subjects
from createflow.scenarios.harness.about import About
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_one_row, expect_same_fields
from createflow.scenarios.harness.recovery import wait_for_recovery
from createflow.scenarios.outcome import Expectation, Inconclusive, NotDeclared
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import Primary
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import Faults, Issuer, RawHttp, Target, Tokens
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.text.in_json import in_json
from createflow.scenarios.text.printable import cut
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_KEY = "Idempotency-Key"
_TRIES = 3
_SEPARATORS = ("", ":", "/", "|", "-", "_", ".", "#", " ", ",", ";")
"""What may stand between subject and key where they are stored as one text."""
_EFFECT_WITHIN_S = 5.0


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: idempotency-key; OWASP API1:2023",
    catches=("key_shared", "key_scope_joined", "key_scope_cut", "key_scope_folded"),
    needs=(Need.IDEMPOTENCY,),
)
async def key_is_the_senders_own(target: Target, tokens: Tokens, issuer: Issuer | None) -> None:
    """Another subject that sends the same Idempotency-Key and body does not get the first subject's resource.

    Where tokens can be signed, so it is with subjects that nearly match, and where subject and key together read alike.
    """
    writer, other = tokens.writer(), tokens.other_writer()
    body, headers = target.contract.document(), {_KEY: nonce()}
    async with positive_controls(target, who=other):
        made = await created(target, body, who=writer, headers=headers)
        reply = await target.create(body, who=other, headers=headers)
        seen = str((reply.document or {}).get(target.contract.fields.id))
        expect(seen != made.id, "another resource, or a refusal, for another sender", f"id {seen}", made.reply, reply)
        expect(reply.status < 500, "no server error to another sender", str(reply.status), reply)
        if issuer is not None and writer.subject is not None:
            await _expect_own_of_near(target, writer, issuer)


async def _expect_own_of_near(target: Target, writer: Principal, issuer: Issuer) -> None:
    key, word, subject = nonce(), nonce(), long_subject(writer)
    pairs = [(form, (subject, key), (near, key)) for form, near in sorted(near_subjects(subject).items())] + [
        (f"a subject and a key that read alike, joined by {sep!r}", (subject_1, key_1), (subject_2, key_2))
        for sep in _SEPARATORS
        for subject_1, key_1 in [(f"{writer.subject}", f"{word}{sep}{key}")]
        for subject_2, key_2 in [(f"{writer.subject}{sep}{word}", key)]
    ]
    # A body for each pair: where names are unique, the first of several creates of a name leaves none to the others.
    bodies = {first: target.contract.document() for _, first, _ in pairs}

    async def create(body: dict[str, Any], sender: str, sent: str) -> Reply:
        return await target.create(body, who=named(writer, issuer, sender), headers={_KEY: sent})

    made = dict(zip(bodies, await asyncio.gather(*(create(bodies[one], *one) for one in bodies)), strict=True))
    others = await asyncio.gather(*(create(bodies[first], *other) for _, first, other in pairs))
    for (form, first, _), reply in zip(pairs, others, strict=True):
        before = made[first]
        if before.accepted and reply.accepted:
            ids = [(one.document or {}).get(target.contract.fields.id) for one in (before, reply)]
            expect(ids[0] != ids[1], f"another resource for {form}", f"id {ids[1]} again", before, reply)


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: idempotency-key; draft-ietf-httpapi-idempotency-key-header-07 §2.6",
    needs=(Need.IDEMPOTENCY,),
    catches=(
        "replay_answers_otherwise",
        "replay_shows_current",
        "key_forgotten_after_update",
        "key_forgotten_after_delete",
    ),
)
async def replay_is_the_first_reply(target: Target) -> None:
    """A repeated create gets the first reply again, whole: status, Location, ETag and every field.

    Also after an update in between: the client wants to know what its own create did. Where our own contract is
    promised, after a delete as well.
    """
    if target.contract.idempotency_policy != "replay":
        raise NotDeclared('`target.idempotency_policy` is not "replay"')
    is_delete_tried = target.contract.delete and target.contract.is_promised
    changes = ["", *(["an update"] if target.contract.update else []), *(["a delete"] if is_delete_tried else [])]
    for change in changes:
        body, headers = target.contract.varied(1), {_KEY: nonce()}
        made = await created(target, body, headers=headers)
        if change:
            is_update = change == "an update"
            update = target.update(made.url, target.contract.document()) if is_update else target.delete(made.url)
            changed = await update
            if not changed.accepted:
                raise Inconclusive(f"{change} was answered {changed.status}")
        again = await target.create(body, headers=headers)
        after = f" after {change}" if change else ""
        # Another 2xx says that nothing was made this time, where our own contract is not promised.
        is_alike = again.accepted and not target.contract.is_promised
        is_alike = is_alike or again.status == made.reply.status
        expect(is_alike, f"{made.reply.status} again{after}", str(again.status), again)
        shown = (again.document or {}).get(target.contract.fields.id)
        if shown is not None and str(shown) != made.id:
            seen = f"id {cut(str(shown))}"
            expect(False, f"id {made.id} again{after}", seen, made.reply, again, about=[About.KEYS])
        # Of a create that is carried out later, the replies show the resource as it is by now.
        for name in ("location",) if target.contract.is_carried_out_later else ("location", "etag"):
            first, second = made.reply.headers.get(name), again.headers.get(name)
            if first != second:
                exchanges = [made.reply.exchange, again.exchange]
                raise Expectation(
                    f"{name} = {in_json(first)} again{after}", in_json(second), exchanges=exchanges, about=[name]
                )
        if target.contract.is_carried_out_later:
            continue
        first_shown, shown = _answered(target, made.reply), _answered(target, again)
        expect_same_fields(first_shown, shown, made.reply, again, where=f"the repeated reply{after}")


def _answered(target: Target, reply: Reply) -> dict[str, Any]:
    """What the reply itself shows, without what a read of the resource would add to a part."""
    location = reply.headers.get("location", "")
    return target.contract.wire_format.decode(reply.body, reply.headers, location, is_read=False) or {}


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: idempotency-key; draft-ietf-httpapi-idempotency-key-header-07 §2.6",
    catches="idempotency_ignored",
    needs=(Need.IDEMPOTENCY,),
)
async def cut_off_create_is_made_once(target: Target, raw: RawHttp, primary: Primary | None) -> None:
    """A client that loses the connection and tries again with the same key has created one resource."""
    contract = target.contract
    for _ in range(_TRIES):
        body, key = contract.document(), nonce()
        content = contract.wire_format.encode(body)
        lines = (f"Content-Length: {len(content)}", f"{_KEY}: {key}")
        await raw.send(raw.request(content, who=target.writer, lines=lines), then_abort=True)
        again = [await target.create(body, headers={_KEY: key}) for _ in range(2)]
        accepted = [reply for reply in again if reply.accepted]
        if not accepted and any(reply.status != 409 for reply in again):
            raise Inconclusive(f"the second attempt was answered {again[-1].status}")
        ids = {str((reply.document or {}).get(contract.fields.id)) for reply in accepted}
        expect(len(ids) <= 1, "one id for one key", f"{len(ids)} ids", *again, about=[About.KEYS])
        rows = await rows_of(target, body, primary)
        if rows is not None:
            expect_one_row(rows, "one row for one key", *again, about=[About.KEYS])


@check(
    step=Step.BUSINESS_LOGIC,
    level=Level.SHOULD,
    source="contract: idempotency-key; contract: database-error-500; draft-ietf-httpapi-idempotency-key-header-07 §2.7",
    catches="idempotency_ignored",
    needs=(Need.IDEMPOTENCY, Need.DATABASE_ERROR),
    disturbs=True,
    limit_s=60.0,
)
async def failed_create_is_made_once_at_most(target: Target, faults: Faults, primary: Primary | None) -> None:
    """A create that met a database error and is repeated twice with its key gets the same answer and creates once.

    Why: an implementation may carry out the repeated create or repeat the stored error. It must not create twice.
    """
    contract = target.contract
    async with positive_controls(target):
        body, key, failed = await _failed(target, faults)
        last, recovered = await wait_for_recovery(target, within_s=target.deadlines.recovery_s)
        if not recovered:
            raise Inconclusive(f"no create is accepted after the repair: {last}")
        again = [await target.create(body, headers={_KEY: key}) for _ in range(2)]
    first, second = (reply.accepted for reply in again)
    alike = first == second or (first and again[1].means(409))
    expect(alike, "the key answered alike twice after the repair", str([reply.status for reply in again]), *again)
    ids = {str((reply.document or {}).get(contract.fields.id)) for reply in again if reply.accepted}
    expect(len(ids) <= 1, "one id for one key", f"{len(ids)} ids", failed, *again)
    rows = await rows_of(target, body, primary)
    holds = rows is None or len(rows) == len(ids)
    expect(holds, f"{len(ids)} rows for this key", f"{len(rows or [])} rows", failed, *again)


@check(
    step=Step.BUSINESS_LOGIC,
    level=Level.SHOULD,
    source="draft-ietf-httpapi-idempotency-key-header-07 §2.1, §2.7",
    catches="strange_key_crashes",
    needs=(Need.IDEMPOTENCY,),
)
async def strange_key_is_answered(target: Target) -> None:
    """An empty, very long or unusual key is accepted or refused, the same way each time, never with a 5xx."""
    word = nonce()
    forms = {
        "nothing": "",
        "256 letters": word.ljust(256, "k"),
        "4,000 letters": word.ljust(4000, "k"),
        "an unfinished quote": f'"{word}',
        "a list": f"{word}, {word}",
    }
    async with positive_controls(target):
        for form, key in forms.items():
            body = target.contract.document()
            replies = [await target.create(body, headers={_KEY: key}) for _ in range(2)]
            for reply in replies:
                expect(reply.status < 500, f"no server error to a key of {form}", str(reply.status), reply)
            alike = replies[0].accepted == replies[1].accepted or replies[1].means(409)
            expect(alike, f"a key of {form} treated alike twice", str([reply.status for reply in replies]), *replies)


async def _failed(target: Target, faults: Faults) -> tuple[dict[str, Any], str, Reply]:
    """Body, key and refusal of the first create that meets the database error."""

    async def attempt() -> tuple[dict[str, Any], str, Reply]:
        body, key = target.contract.document(), nonce()
        return body, key, await target.create(body, headers={_KEY: key})

    async with faults.injected("database_error"):
        last, refused = await eventually(attempt, lambda tried: not tried[2].accepted, within_s=_EFFECT_WITHIN_S)
    if not refused:
        raise Inconclusive("the fault had no effect: creates were still accepted")
    if last[2].status < 500:
        raise Inconclusive(f"while the database fails a create was answered {last[2].status}")
    return last
