"""Creates with the same Idempotency-Key make one resource, and stale updates are refused."""

import asyncio
import time
from dataclasses import replace

from createflow.scenarios.bodies.markers import nonce
from createflow.scenarios.checks.business.business_logic.concurrent_writes import overlapping, together
from createflow.scenarios.checks.support.fixtures import Resource, created, fits_schema, positive_controls, rows_of
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.checks.support.near import near_keys
from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.about import About
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_one_row, expect_status
from createflow.scenarios.harness.outage import Outage
from createflow.scenarios.harness.write_sample import Repeated, WriteSample
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.sink import Primary
from createflow.scenarios.target.probes import Faults, Target
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.run_context import Together
from createflow.scenarios.target.write_record import WriteRecord
from createflow.scenarios.text.printable import cut
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_KEY = "idempotency-key"
_AT_ONCE = 8
_LONGEST_KEY = 255
_ROUNDS = 3


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: idempotency-key; draft-ietf-httpapi-idempotency-key-header-07 §2.6",
    catches=(
        "idempotency_ignored",
        "key_looked_up_first",
        "balancer_drops_key",
        "key_missed_one_in_ten",
        "key_case_folded",
        "key_cut",
    ),
    needs=(Need.IDEMPOTENCY,),
)
async def same_key_creates_once(target: Target, sample: WriteSample, primary: Primary | None) -> str:
    """Creates with the same Idempotency-Key and body, sequential or concurrent, create one resource.

    Keys that are a part of each other, or differ only in their last letter or in letter case, are two keys. While the
    first request is in progress 409 is allowed, and later where ``target.idempotency_policy`` says so. Of creates with
    other bodies at the same time one is carried out, too: there the key alone prevents the others, no unique name. That
    is a should where our own contract is not promised. Why: a client that got no reply must be able to try again.
    """
    overlapped = 0
    lesser = Lesser.than_our_contract(target.contract)
    await _expect_near_are_others(target)
    await _same_key(target, primary, "one after another", None)
    is_of_one_body = await _is_of_one_body(target)
    for number in range(_ROUNDS):
        hold = together(target, _AT_ONCE, number)
        overlapped += overlapping(await _same_key(target, primary, "at once", hold))
        await hold.led()
        if is_of_one_body:
            with lesser:
                overlapped += overlapping(await _other_bodies(target, number))
    if not overlapped:
        raise Inconclusive("no two creates truly overlapped")
    comparison = Comparison("keys", "one resource for each key")
    for repeated in await sample.repeated():
        if any(reply.status >= 500 or reply.means(429) for reply in repeated.replies):
            continue  # observers report errors and limits; the key says nothing then
        comparison.add(_repeated_problem(target, repeated), *repeated.replies)
    told = comparison.conclude()
    lesser.tell()
    return told


def _expect_refused(target: Target, reply: Reply, made: Resource, what: str) -> None:
    """Require that a used key with another body is refused."""
    shown = (reply.document or {}).get(target.contract.fields.id)
    if reply.accepted and shown is not None and str(shown) != made.id:
        told = f"{reply.status} with id {cut(str(shown))}"
        expect(False, f"422 or 409 to {what}", told, made.reply, reply, about=[About.KEYS])
    expect_status(reply, 422, 409, of=what)


async def _is_of_one_body(target: Target) -> bool:
    """Whether a used key makes no resource of another body: ``reused_key_with_other_body_is_refused`` tells it."""
    headers = {_KEY: nonce()}
    first, other = [await target.create(headers=headers) for _ in range(2)]
    ids = [(reply.document or {}).get(target.contract.fields.id) for reply in (first, other)]
    return first.accepted and (not other.accepted or ids[0] == ids[1])


async def _other_bodies(target: Target, number: int) -> list[Reply]:
    """Creates with one key and different bodies, at the same time."""
    headers, hold = {_KEY: nonce()}, together(target, _AT_ONCE, number)
    bodies = [target.contract.document() for _ in range(_AT_ONCE)]
    replies = await asyncio.gather(*(target.create(body, headers=headers, hold=hold) for body in bodies))
    await hold.led()
    ids = {str((reply.document or {}).get(target.contract.fields.id)) for reply in replies if reply.accepted}
    told = f"{len(ids)} ids"
    expect(len(ids) <= 1, "one resource at most for one key, of different bodies at once", told, *replies)
    return replies


async def _expect_near_are_others(target: Target) -> None:
    # A target may take no long keys: then the short one tells letter case and beginning.
    for key in (f"{nonce()}-Aa", f"{nonce()}-Aa-".ljust(_LONGEST_KEY, "k")):
        body = target.contract.document()  # where names are unique, the one of the first key is taken
        first = await target.create(body, headers={_KEY: key})
        if not first.accepted:
            continue
        near = near_keys(key)
        replies = await asyncio.gather(*(target.create(body, headers={_KEY: other}) for other in near.values()))
        for form, reply in zip(near, replies, strict=True):
            if reply.accepted:
                ids = [(one.document or {}).get(target.contract.fields.id) for one in (first, reply)]
                expect(ids[0] != ids[1], f"another resource for {form}", f"id {ids[1]} again", first, reply)


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


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: idempotency-key; draft-ietf-httpapi-idempotency-key-header-07 §2.3",
    needs=(Need.IDEMPOTENCY, Need.SERVICE_DOWN),
    disturbs=True,
    limit_s=60.0,
    catches="keys_in_memory",
)
async def key_outlives_a_restart(target: Target, outage: Outage, faults: Faults, primary: Primary | None) -> str:
    """A create that is repeated with its Idempotency-Key after a restart of the services makes no second resource.

    How: ``target.idempotency_kept_s`` says how long keys are known. Why: a client repeats a create when it got no
    reply, and it gets none from a service that is killed.
    """
    kept_s = target.contract.idempotency_kept_s
    if kept_s is None:
        raise NotDeclared("`target.idempotency_kept_s` is not configured")
    survivors = await outage.survivors(faults)
    comparison = Comparison("keys", "one resource for each key, also after a restart")
    for body, (first, again) in zip(survivors.bodies, survivors.keyed, strict=True):
        if again.sent_at - first.received_at > kept_s or (again.status >= 500 and not again.accepted):
            continue
        problem = _repeated_problem(target, Repeated((first, again), is_at_once=False))
        rows = await rows_of(target, body, primary)
        if not problem and rows is not None and len(rows) != 1:
            problem = f"a key has {len(rows)} rows"
        comparison.add(problem, first, again)
    return comparison.conclude()


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: idempotency-key; draft-ietf-httpapi-idempotency-key-header-07 §2.3",
    at_end=True,
    repeats=("business_logic.same_key_creates_once",),
    catches="key_forgotten_soon",
    needs=(Need.IDEMPOTENCY,),
)
async def keys_are_known_at_the_end(target: Target, sample: WriteSample, record: WriteRecord) -> str:
    """At the end of the run a create that is repeated with its Idempotency-Key makes no second resource.

    How: ``target.idempotency_kept_s`` says how long keys are known. By then services may have been stopped and started
    by other checks. Why: a client tries again when it is back, not only at once.
    """
    kept_s = target.contract.idempotency_kept_s
    if kept_s is None:
        raise NotDeclared("`target.idempotency_kept_s` is not configured")
    comparison = Comparison("keys", "one resource for each key, until it may be forgotten")

    async def repeat(repeated: Repeated) -> None:
        first = next((reply for reply in repeated.replies if reply.accepted), None)
        shown = None if first is None else (first.document or {}).get(target.contract.fields.id)
        written = record.resources.get(str(shown))
        if first is None or written is None or time.time() - first.received_at > kept_s:
            return
        again = await target.create(repeated.body, who=written.who, headers={_KEY: repeated.key})
        if again.status >= 500 or again.means(429):
            return  # observers report errors and limits; the key says nothing then
        later = replace(repeated, replies=(first, again), is_at_once=False)
        comparison.add(_repeated_problem(target, later), first, again)

    keys = await sample.repeated()
    for start in range(0, len(keys), _AT_ONCE):
        await asyncio.gather(*(repeat(one) for one in keys[start : start + _AT_ONCE]))
    return comparison.conclude()


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
    expect(len(ids) == 1, f"one id for one key, {moment}", f"{len(ids)} ids", *accepted, about=[About.KEYS])
    rows = await rows_of(target, body, primary)
    if rows is not None:
        expect_one_row(rows, f"one row for one key, {moment}", *accepted, about=[About.KEYS])
    return replies


@check(
    step=Step.BUSINESS_LOGIC,
    level=Level.SHOULD,
    source="contract: idempotency-key; draft-ietf-httpapi-idempotency-key-header-07 §2.7",
    catches=("key_reuse_accepted", "fingerprint_of_texts", "key_burnt_by_refusal"),
    needs=(Need.IDEMPOTENCY,),
    must_with=Need.CONTRACT,
)
async def reused_key_with_other_body_is_refused(target: Target) -> None:
    """An Idempotency-Key that is reused with another body is refused with 422 or 409, whichever field differs.

    The key stays that of the first body. Where our own contract is promised, a create that is refused with 400 uses no
    key up: a refusal leaves nothing.
    """
    headers = {_KEY: nonce()}
    async with positive_controls(target):
        body = target.contract.document()
        made = await created(target, body, headers=headers)
        reply = await target.create(headers=headers)
        _expect_refused(target, reply, made, "a used key with another body")
        again = await target.create(body, headers=headers)
        shown = str((again.document or {}).get(target.contract.fields.id)) if again.accepted else made.id
        expect(shown == made.id, f"id {made.id} of the key still", f"id {shown}", made.reply, reply, again)
        if target.contract.is_promised:
            headers = {_KEY: nonce()}
            expect_status(await target.create(b"{}", headers=headers), 400, of="an empty object with a new key")
            reply = await target.create(headers=headers)
            expect(reply.accepted, "the key of a refused create accepted", str(reply.status), reply)
        first, second = target.contract.varied(1), target.contract.varied(2)
        others = {name: {**first, name: second[name]} for name in first if first[name] != second.get(name, first[name])}
        allowed = await fits_schema(target.contract, [first, *others.values()])
        if not all(allowed):
            return
        headers = {_KEY: nonce()}
        made = await created(target, first, headers=headers)
        for name, body in others.items():
            _expect_refused(target, await target.create(body, headers=headers), made, f"a used key with another {name}")
