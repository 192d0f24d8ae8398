"""The reply to a create, and the refusals."""

import asyncio
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import Any

from jsonschema import Draft202012Validator

from createflow.scenarios.bodies.markers import nonce
from createflow.scenarios.checks.support.fixtures import (
    Resource,
    below,
    created,
    lasting,
    positive_controls,
    shown_after,
)
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_header, expect_same_fields, expect_status
from createflow.scenarios.harness.write_sample import WriteSample
from createflow.scenarios.outcome import Expectation, Inconclusive, NotDeclared, Prevented
from createflow.scenarios.sinks.copy_problem import BEFORE_LAST_WRITE
from createflow.scenarios.target.location import LocationElsewhere, LocationMalformed, redirect_text
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.probes import Issuer, Target, Tokens
from createflow.scenarios.target.received import http_date, is_entity_tag, rfc_3339
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.write_record import Written
from createflow.scenarios.text.in_json import in_json
from createflow.scenarios.text.printable import cut
from createflow.schemas.flow import Step
from createflow.schemas.report import Level
from createflow.schemas.wire import wire_schema

_ROUNDS = 5
_TRIES = 3
_CLOCK_S = 2.0
"""Date has whole seconds, and clocks of one deployment differ a little."""
_UNKNOWN_CLOCK_S = 300.0
_USER_FIELDS = (
    "x-forwarded-user",
    "x-remote-user",
    "remote-user",
    "x-user",
    "x-user-id",
    "x-authenticated-user",
    "x-auth-request-user",
)
"""With which proxies that know the user name them to the server behind."""


@check(
    step=Step.RESPONSE, source="contract: create-201; RFC 9110 §9.3.3, §9.3.4; RFC 8259 §11", catches="ok_for_created"
)
async def create_is_201(target: Target) -> None:
    """A valid create is accepted with 201 and a JSON object that is called JSON.

    Another 2xx to a POST, and another media type, are a should where our own contract is not promised.
    """
    lesser = Lesser.than_our_contract(target.contract)
    reply = await target.create()
    if reply.status == 429 and target.limits is None:
        raise Inconclusive("creates are limited (429), and the profile declares no [limits]")
    with lesser if reply.accepted and target.contract.method == "POST" else nullcontext():
        expect_status(reply, 201, of="a valid create")
    expect(
        reply.document is not None, "a JSON object", repr(reply.body[:80].decode("utf-8", "backslashreplace")), reply
    )
    with lesser:
        known = {"application/json", target.contract.media_type.partition(";")[0].strip().lower()}
        is_json = reply.media_type in known or (reply.media_type.endswith("+json") and not target.contract.is_promised)
        expect(is_json or not reply.body, "application/json", reply.media_type or "no type", reply)
    lesser.tell()


@check(step=Step.RESPONSE, source="contract: six-fields", catches="missing_field")
async def body_has_the_fields(target: Target) -> None:
    """The 201 shows the id, creator and creation time, and the fields that were sent, with their types and values."""
    sent = target.contract.document()
    reply = await target.create(sent)
    if not reply.accepted:
        raise Inconclusive(f"an ordinary create was answered with {reply.status}")
    if reply.document is None:
        raise Prevented("response.create_is_201", "the reply to a create is no JSON object")
    shown = reply.document
    fields = target.contract.fields
    for name in fields.declared():
        is_free = name == fields.name and name not in sent  # exact bytes may have no such field
        if shown.get(name) in (None, "") and not is_free:
            raise Expectation(f"{name} in the 201", "nothing", exchanges=[reply.exchange], about=[name])
    expect_same_fields(target.contract.shown(sent), shown, reply, where="the 201, as it was sent")
    if target.contract.is_promised:
        errors = sorted(Draft202012Validator(wire_schema("resource")).iter_errors(shown), key=str)
        if errors:
            raise Expectation("a body that the resource schema allows", errors[0].message, exchanges=[reply.exchange])


@check(step=Step.RESPONSE, source="contract: location; RFC 9110 §2.2, §9.3.3, §10.2.2", catches="no_location")
async def location_is_given(target: Target) -> None:
    """Every 201 has the URL of the resource in Location, as a URI reference (RFC 3986 §4.1)."""
    if not target.contract.has_location:
        raise NotDeclared("`target.read_path` says where a resource is")
    for _ in range(_ROUNDS):
        reply = await target.create()
        if not reply.accepted:
            raise Inconclusive(f"an ordinary create was answered with {reply.status}")
        location = expect_header(reply, "Location")
        try:
            target.contract.origins.path_of(location, reply.exchange.url)
        except LocationMalformed as problem:
            raise Expectation("a URI reference in Location", str(problem), exchanges=[reply.exchange]) from None
        except LocationElsewhere:
            continue  # location_is_ours reports it


@check(step=Step.RESPONSE, source="contract: location", catches="location_wrong")
async def location_answers_the_same(target: Target) -> None:
    """A read of the Location right after the 201 shows the same resource.

    Fields that are neither sent nor declared are a should where our own contract is not promised.
    """
    lesser = Lesser.than_our_contract(target.contract)
    made = await created(target)
    if "location" not in made.reply.headers and target.contract.has_location:
        raise Inconclusive("the 201 has no Location; see location_is_given")
    seen = await target.read(made.url, may_be_lost=True)
    if seen.redirects_to:
        told = redirect_text(seen.status, seen.redirects_to, made.id)
        raise Expectation("200 to a read of the Location", f"it {told}", exchanges=[seen.exchange])
    expect_status(seen, 200, of=f"GET {made.reply.headers.get('location', made.url)}")
    for shown, level in ((lasting(target, made.shown), nullcontext()), (made.shown, lesser)):
        with level:
            expect_same_fields(shown, seen.document or {}, made.reply, seen, where="what the Location shows")
    lesser.tell()


@check(step=Step.RESPONSE, source="contract: six-fields", catches=("local_time", "created_at_of_another_clock"))
async def created_at_is_now(target: Target, sample: WriteSample) -> str:
    """created_at is the time of the request by the target's own clock, in RFC 3339 with an offset, in every create.

    One create is compared with the clock that the target shows in ``Date``, and the others with that one as well.
    """
    field = target.contract.fields.created_at
    comparison = Comparison("creates", f"{field} in RFC 3339 with an offset, at the time of each create")
    problem = ""
    for _ in range(_TRIES):  # a wrong clock is wrong each time, and a Date of some seconds ago is not
        made = await created(target)
        problem = _time_problem(made.reply, made.shown.get(field), None)
        if not problem:
            break
    comparison.add(problem, made.reply)
    usual_s = _lateness_s(made.reply, made.shown.get(field))
    for one in await sample.all():
        if field in one.shown:
            comparison.add(_time_problem(one.reply, one.shown[field], usual_s), one.reply)
    return comparison.conclude()


def _time_problem(reply: Reply, text: Any, usual_s: float | None) -> str:
    """What is wrong with a time of creation; ``usual_s`` is how late by our clock that of another create is."""
    late_s = _lateness_s(reply, text)
    if late_s is None:
        return f"{in_json(text)} is no time as RFC 3339 wants it, with an offset"
    # A Date that is none is reported by https_request.date_is_given.
    date = http_date(reply.headers.get("date", ""))
    if usual_s is not None and abs(late_s - usual_s) <= reply.elapsed_s + _CLOCK_S:
        return ""  # a server that is busy may send a Date of some seconds ago
    clock = reply.received_at if date is None else date.timestamp()
    slack_s = _UNKNOWN_CLOCK_S if date is None and usual_s is None else _CLOCK_S
    if -reply.elapsed_s - slack_s <= late_s + reply.received_at - clock <= slack_s:
        return ""
    shown = "no Date header" if date is None else date.isoformat()
    return f"{in_json(text)} is not within {slack_s:g} s of the target's clock ({shown})"


def _lateness_s(reply: Reply, text: Any) -> float | None:
    """By how much a time is later than we had the reply; None where it is no time with an offset."""
    stamp = rfc_3339(text)
    return None if stamp is None else stamp.timestamp() - reply.received_at


@check(
    step=Step.RESPONSE,
    source="contract: six-fields; OWASP API3:2023",
    catches=("created_by_from_body", "subject_lower", "user_from_header"),
)
async def created_by_is_the_subject(target: Target, tokens: Tokens, issuer: Issuer | None) -> None:
    """created_by is the subject of the token, in its letter case, for concurrent subjects, whatever else is said.

    Where the tokens do not say who their subject is, the replies do: each writer's creates show one creator, also when
    the body names the other writer's.
    """
    people = (tokens.writer(), tokens.other_writer())
    field = target.contract.fields.created_by
    shown = await asyncio.gather(*(_creator_of(target, person) for person in people for _ in range(_ROUNDS)))
    creators = [shown[0][0], shown[_ROUNDS][0]]
    if all(person.subject is not None for person in people):
        creators = [person.subject for person in people]
    elif creators[0] == creators[1]:
        raise NotDeclared("the tokens do not say who their subject is, and both writers are shown as one")
    for number, (creator, reply) in enumerate(shown):
        wanted = creators[number // _ROUNDS]
        expect(creator == wanted, f"{field} = {wanted}", in_json(creator), reply, about=[field])
    if issuer is not None:
        named = _in_both_cases(people[0], issuer)
        reply = await target.create(who=named)
        seen = (reply.document or {}).get(field)
        # A target that knows its subjects may refuse this one.
        expect(not reply.accepted or seen == named.subject, f"{field} = {named.subject}", in_json(seen), reply)
    # One that nobody has, and one that a target with a table of its users knows.
    for other in ("another-subject", creators[1]):
        claimed = await target.create(target.contract.document(**{field: other}), who=people[0])
        if claimed.accepted:
            seen = (claimed.document or {}).get(field)
            expect(seen == creators[0], f"{field} = {creators[0]}", f"{in_json(seen)}, as the body claimed", claimed)
        named_user = await target.create(who=people[0], headers=dict.fromkeys(_USER_FIELDS, str(other)))
        if named_user.accepted:
            seen = (named_user.document or {}).get(field)
            expect(seen == creators[0], f"{field} = {creators[0]}", f"{in_json(seen)}, as a header claimed", named_user)


def _in_both_cases(who: Principal, issuer: Issuer) -> Principal:
    """The same rights under a name with small and capital letters."""
    subject = f"{who.subject}-Aa"
    token = issuer.sign(who.token or "", claims={"sub": subject})
    return replace(who, subject=subject, token=token, expires_at=None, renew=None)


async def _creator_of(target: Target, person: Principal) -> tuple[Any, Reply]:
    made = await created(target, who=person)
    return made.shown.get(target.contract.fields.created_by), made.reply


@check(
    step=Step.RESPONSE,
    source="contract: etag; RFC 9110 §2.2, §8.8.3, §13.1.2",
    catches=(
        "etag_differs",
        "version_stays",
        "version_stays_with_name",
        "not_modified_for_older",
        "head_has_other_etag",
        "balancer_drops_etag",
        "update_without_etag",
    ),
)
async def etag_matches(target: Target, sample: WriteSample) -> str:
    """The ETag of each write is that of a read, an update changes it, and a read that names it is answered with 304.

    What it is compared with is a should where the profile does not declare versions, and so is that of a HEAD.
    """
    lesser, of_head = Lesser(is_promised=target.contract.versions), Lesser()
    made = await created(target)
    etag = made.reply.headers.get("etag")
    if etag is None:
        expect(not target.contract.versions, "an ETag on the 201", "none", made.reply)
        raise NotDeclared("the 201 has no ETag")
    expect(is_entity_tag(etag), "an entity tag (RFC 9110 §8.8.3)", repr(etag[:120]), made.reply)
    seen = await target.read(made.url)
    shown = seen.headers.get("etag", "")
    with lesser:
        expected = f"the ETag {etag} of the 201 on the read"
        expect(_opaque(shown) == _opaque(etag), expected, shown or "none", made.reply, seen)
    if shown:
        again = await target.read(made.url, headers={"if-none-match": shown})
        expect_status(again, 304, of="a read that has the current version")
        if target.contract.update and not target.deadlines.read_s:
            await _expect_modified(target, made, seen)
        head = await target.send("HEAD", made.url)
        with of_head:  # RFC 9110 §9.3.2: the same fields SHOULD be sent
            now = (await target.read(made.url)).headers.get("etag", "")
            told = head.headers.get("etag", now) if head.accepted else now
            expect(_opaque(told) == _opaque(now), f"the ETag {now} of a read in the reply to a HEAD", told, head)
    comparison = Comparison("ETags", "the ETag of the last write on each read, and another one after an update")
    for written, read in await sample.read_at_once():
        if read.accepted:
            comparison.add(_etag_problem(target, written, read), written.reply, read)
    power = ""
    with lesser:
        power = comparison.conclude()
    lesser.tell()
    of_head.tell()
    return power


async def _expect_modified(target: Target, made: Resource, seen: Reply) -> None:
    """Require that a read which has the version before an update gets the new one (RFC 9110 §13.1.2, §15.4.5)."""
    before = seen.headers["etag"]
    update = await target.update(made.url, target.contract.document(), headers=seen.if_match)
    now = await target.read(made.url)
    if update.accepted and now.accepted and _opaque(now.headers.get("etag", before)) != _opaque(before):
        stale = await target.read(made.url, headers={"if-none-match": before})
        expect(stale.status != 304, "the resource to a read that has the version before", "304", update, stale)


def _etag_problem(target: Target, written: Written, read: Reply) -> str:
    changed = [(one.reply, one.sent or {}) for one in written.changes if one.reply is not None]
    if any("etag" not in reply.headers and not shown_after(target.contract, reply, sent) for reply, sent in changed):
        return ""  # a reply that does not show the resource need not tell its new version
    replies = [written.reply, *(reply for reply, _ in changed), read]
    etags = [_opaque(reply.headers.get("etag", "")) for reply in replies]
    if not all(etags):
        return f"id {cut(written.id)} has no ETag in one of its replies" if target.contract.versions else ""
    if etags[-1] != etags[-2]:
        is_old = BEFORE_LAST_WRITE if etags[-1] in etags[:-2] else ""
        return f"id {cut(written.id)} is read with the ETag {cut(etags[-1])} instead of {cut(etags[-2])}{is_old}"
    # An update that changes nothing need not make a new version.
    is_changed = any(changed.sent != written.sent for changed in written.changes)
    is_kept = len(etags) > 2 and etags[0] == etags[1] and is_changed
    return f"id {cut(written.id)} has the ETag {cut(etags[0])} still after an update" if is_kept else ""


@check(
    step=Step.RESPONSE,
    level=Level.SHOULD,
    source="contract: error-format",
    catches="html_errors",
    must_with=Need.CONTRACT,
)
async def errors_are_problem_json(target: Target, tokens: Tokens | None) -> None:
    """Refusals have the media type of the profile, application/problem+json unless it says otherwise.

    Where our own contract is promised they have a title or a type. Where the profile says nothing, application/json
    will do as well: the Accept of every request takes both (RFC 9110 §12.5.1).
    """
    contract = target.contract
    is_declared = contract.is_promised or "media_type" in contract.errors.model_fields_set
    known = {contract.errors.media_type} | (set() if is_declared else {"application/json"})
    async with positive_controls(target):
        for case, reply in await _errors(target, tokens):
            expected = f"{contract.errors.media_type} for {case}"
            expect(reply.media_type in known, expected, reply.media_type or "no Content-Type", reply)
            if target.contract.errors.media_type != "application/problem+json" or not target.contract.is_promised:
                continue
            problem = reply.document
            expect(problem is not None, f"a JSON object for {case}", "none", reply)
            expect(bool({"title", "type"} & set(problem or {})), f"a title or type for {case}", "neither", reply)


@check(
    step=Step.RESPONSE,
    level=Level.SHOULD,
    source="contract: error-format; RFC 9457 §3.1.1",
    catches=("one_code_for_all", "code_of_stale_update"),
    must_with=Need.CONTRACT,
)
async def refusals_have_codes_of_their_own(target: Target, tokens: Tokens | None) -> None:
    """Each kind of refusal has a code or type of its own in the body, the same each time.

    RFC 9457 §3.1.1 has a type; other media types have a code where the profile says where it is.
    """
    errors = target.contract.errors
    if not errors.code and "problem+" not in errors.media_type:
        raise NotDeclared("`target.errors.code` is not configured")
    kinds: dict[int, set[str]] = {}
    async with positive_controls(target):
        for case, reply in [*await _errors(target, tokens), *await _errors(target, tokens)]:
            code = reply.error_code
            if code is None and reply.media_type != errors.media_type:
                shown = reply.media_type or "no Content-Type"
                raise Prevented("response.errors_are_problem_json", f"{case} is answered with {shown}")
            expect(code is not None, f"a code or type for {case}", "none", reply)
            if case == "a malformed token" and reply.status == 400:
                continue  # RFC 6750 §3.1: the request is malformed, as another is whose body cannot be read
            kind = 400 if reply.means(400) else reply.status  # some tell what cannot be read from what does not fit
            kinds.setdefault(kind, set()).add(str(code))
        if len(kinds) < 2:
            raise Inconclusive("only one kind of refusal could be provoked")
        codes_of = "; ".join(f"{status}: {', '.join(sorted(codes))}" for status, codes in sorted(kinds.items()))
        distinct = sum(len(codes) for codes in kinds.values()) == len(set[str]().union(*kinds.values()))
        expect(distinct, "no code for two statuses", codes_of)


async def _errors(target: Target, tokens: Tokens | None) -> list[tuple[str, Reply]]:
    """One reply of each kind of refusal that can be provoked without faults."""
    cases = {
        "an empty body": await target.create(b""),
        "a body that is no object": await target.create(b"[1]"),
        "a broken body": await target.create(b'{"name": "\xff'),
        "a method that is not there": await target.create(method="PATCH"),
        "a path that is not there": await target.read(below(target.url_of(await target.create()))),
    }
    if tokens is not None:
        writer = tokens.writer()
        cases["no token"] = await target.create(who=ANONYMOUS)
        cases["a malformed token"] = await target.create(who=writer.holding("not-a-token"))
        with suppress(NotDeclared):
            cases["a reader's create"] = await target.create(who=tokens.reader())
    if target.contract.update and target.contract.versions:
        stale = {"if-match": f'"{nonce()}"'}
        url = target.url_of(await target.create())
        cases["an update of another version"] = await target.update(url, target.contract.document(), headers=stale)
    errors = [(case, reply) for case, reply in cases.items() if reply.status >= 400]
    if not errors:
        raise Inconclusive("the target accepts everything that was sent")
    return errors


def _opaque(etag: str) -> str:
    """Weak comparison (RFC 9110 §8.8.3.2): a proxy that compresses may weaken a tag."""
    return etag.removeprefix("W/")
