"""Creates with the same Idempotency-Key make one resource, and stale updates are refused."""

import asyncio

from createflow.scenarios.checks.business.business_logic.concurrent_writes import overlapping
from createflow.scenarios.checks.support.fixtures import created, etag_of, fits_schema, positive_controls, rows_of
from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_status
from createflow.scenarios.harness.write_sample import Repeated, WriteSample
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.sink import Primary
from createflow.scenarios.target.contract import nonce
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.run_context import Together
from createflow.scenarios.text.printable import cut
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_KEY = "idempotency-key"
_AT_ONCE = 8
_ROUNDS = 3


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: idempotency-key; draft-ietf-httpapi-idempotency-key-header §2.6",
    catches=(
        "idempotency_ignored",
        "key_looked_up_first",
        "balancer_drops_key",
        "key_missed_one_in_ten",
        "key_case_folded",
    ),
    needs=(Need.IDEMPOTENCY,),
)
async def same_key_creates_once(target: Target, sample: WriteSample, primary: Primary | None) -> str:
    """Creates with the same Idempotency-Key and body, sequential or concurrent, create one resource.

    Keys that differ only in letter case are two keys. While the first request is in progress 409 is allowed, and later
    where ``target.idempotency_policy`` says so. Why: a client that got no reply must be able to try again.
    """
    overlapped = 0
    await _other_letter_case(target)
    await _same_key(target, primary, "one after another", None)
    for _ in range(_ROUNDS):
        overlapped += overlapping(await _same_key(target, primary, "at once", Together(_AT_ONCE)))
    if not overlapped:
        raise Inconclusive("no two creates truly overlapped")
    comparison = Comparison("keys", "one resource for each key")
    for repeated in await sample.repeated():
        if any(reply.status >= 500 or reply.means(429) for reply in repeated.replies):
            continue  # observers report errors and limits; the key says nothing then
        comparison.add(_repeated_problem(target, repeated), *repeated.replies)
    return comparison.conclude()


async def _other_letter_case(target: Target) -> None:
    key, body = nonce(), target.contract.document()
    made = await created(target, body, headers={_KEY: f"{key}-Aa"})
    reply = await target.create(body, headers={_KEY: f"{key}-aA"})
    shown = str((reply.document or {}).get(target.contract.fields.id)) if reply.accepted else ""
    expect(shown != made.id, "another resource for a key in other letter case", f"id {shown}", made.reply, reply)


def _repeated_problem(target: Target, repeated: Repeated) -> str:
    may_refuse = repeated.is_at_once or target.contract.idempotency_policy == "refuse"
    first, second = repeated.replies
    answers = f"two creates with a key were answered with {first.status} and {second.status}"
    if not (first.accepted and second.accepted):
        refused = {reply.status for reply in repeated.replies if not reply.accepted}
        alright = may_refuse and len(refused) == 1 and refused == {409} and (first.accepted or second.accepted)
        return "" if alright else answers
    one, other = ((reply.document or {}).get(target.contract.fields.id) for reply in repeated.replies)
    return "" if one == other else f"{answers}, and ids {cut(str(one))} and {cut(str(other))}"


async def _same_key(target: Target, primary: Primary | None, moment: str, hold: Together | None) -> list[Reply]:
    may_refuse = hold is not None or target.contract.idempotency_policy == "refuse"
    body, headers = target.contract.document(), {_KEY: nonce()}
    if hold is None:
        replies = [await target.create(body, headers=headers) for _ in range(2)]
    else:
        replies = await asyncio.gather(*(target.create(body, headers=headers, hold=hold) for _ in range(_AT_ONCE)))
    for reply in replies:
        expect(
            reply.accepted or (may_refuse and reply.status == 409),
            f"creates with one key, {moment}, answered 201",
            str(reply.status),
            reply,
        )
    accepted = [reply for reply in replies if reply.accepted]
    ids = {str((reply.document or {}).get(target.contract.fields.id)) for reply in accepted}
    expect(len(ids) == 1, f"one id for one key, {moment}", f"{len(ids)} ids", *accepted)
    rows = await rows_of(target, body, primary)
    expect(rows is None or len(rows) == 1, f"one row for one key, {moment}", f"{len(rows or [])} rows", *accepted)
    return replies


@check(
    step=Step.BUSINESS_LOGIC,
    level=Level.SHOULD,
    source="contract: idempotency-key; draft-ietf-httpapi-idempotency-key-header §2.7",
    catches=("key_reuse_accepted", "fingerprint_of_texts"),
    needs=(Need.IDEMPOTENCY,),
)
async def reused_key_with_other_body_is_refused(target: Target) -> None:
    """An Idempotency-Key that is reused with another body is refused with 422 or 409, whichever field differs."""
    headers = {_KEY: nonce()}
    async with positive_controls(target):
        await created(target, headers=headers)
        reply = await target.create(headers=headers)
        expect_status(reply, 422, 409, of="a used key with another body")
        first, second = target.contract.varied(1), target.contract.varied(2)
        others = {name: {**first, name: second[name]} for name in first if first[name] != second.get(name, first[name])}
        allowed = await fits_schema(target.contract, [first, *others.values()])
        if not all(allowed):
            return
        headers = {_KEY: nonce()}
        await created(target, first, headers=headers)
        for name, body in others.items():
            expect_status(await target.create(body, headers=headers), 422, 409, of=f"a used key with another {name}")


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: conditional-update; RFC 9110 §13.1.1",
    catches=("if_match_ignored", "balancer_drops_condition", "balancer_drops_etag"),
    needs=(Need.UPDATE,),
)
async def stale_if_match_is_412(target: Target) -> None:
    """An update whose If-Match names an old version is refused with 412 and changes nothing."""
    made = await created(target)
    first = await etag_of(target, made)
    name = target.contract.fields.name
    second_body = target.contract.document()
    second = await target.update(made.url, second_body, headers={"if-match": first})
    expect(second.accepted, "an update that names the current version accepted", str(second.status), second)
    stale = await target.update(made.url, target.contract.document(), headers={"if-match": first})
    expect_status(stale, 412, of="an update that names the version before")
    seen = await target.read(made.url)
    shown = (seen.document or {}).get(name)
    expect(shown == second_body[name], "the refused update to change nothing", f"{name} = {shown!r}", stale, seen)
    current = seen.headers.get("etag", first)
    third = await target.update(made.url, target.contract.document(), headers={"if-match": current})
    expect(third.accepted, "an update that names the current version accepted", str(third.status), third)


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: conditional-update; RFC 9110 §13.1.1",
    needs=(Need.UPDATE, Need.DELETE),
    catches="conditional_delete_ignored",
)
async def stale_delete_is_412(target: Target) -> None:
    """A delete whose If-Match names an old version is refused with 412, and the resource stays."""
    made = await created(target)
    first = await etag_of(target, made)
    update = await target.update(made.url, target.contract.document(), headers={"if-match": first})
    expect(update.accepted, "an update that names the current version accepted", str(update.status), update)
    stale = await target.delete(made.url, headers={"if-match": first})
    expect_status(stale, 412, of="a delete that names the version before")
    seen = await target.read(made.url, may_be_lost=True)
    expect(seen.accepted, "the resource still there", str(seen.status), stale, seen)
    gone = await target.delete(made.url, headers={"if-match": seen.headers.get("etag", first)})
    expect(gone.accepted, "a delete that names the current version accepted", str(gone.status), gone)
