"""Conditions on updates and deletes: If-Match and If-None-Match, met and unmet."""

from collections.abc import Mapping
from contextlib import nullcontext

from createflow.scenarios.checks.support.fixtures import Resource, created, etag_of, missing_url
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.harness.about import About
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_same_fields, expect_status
from createflow.scenarios.outcome import Inconclusive, NotDeclared, Prevented
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.text.in_json import in_json
from createflow.schemas.flow import Step

_CURRENT = "an update that names the current version"
_ORDINARY = "response.ordinary_writes_are_accepted"
_OTHER = '"createflow-no-such-version"'


def _of_status(target: Target) -> Lesser:
    """RFC 9110 §13.1.1: an unmet If-Match MUST NOT be carried out, and MAY be answered with 412."""
    return Lesser(is_promised=target.contract.versions)


async def _expect_done(target: Target, made: Resource, reply: Reply, what: str) -> None:
    """Require that a change was carried out.

    Raises:
        Prevented: no change of the resource is, whatever its condition.
    """
    if not reply.accepted:
        plain = await target.update(made.url, target.contract.document())
        if not plain.accepted:
            raise Prevented(_ORDINARY, f"{what} is refused with {reply.status}, and so is one without a condition")
    expect(reply.accepted, f"{what} accepted", str(reply.status), reply)


def _expect_not_done(reply: Reply, of: str, lesser: Lesser, *others: int) -> None:
    expect(not reply.accepted, f"412 to {of}", str(reply.status), reply)
    with lesser:
        expect_status(reply, 412, *others, of=of)


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: conditional-update; RFC 9110 §13.1.1",
    catches=("if_match_ignored", "balancer_drops_condition", "balancer_drops_etag"),
    needs=(Need.UPDATE,),
)
async def stale_if_match_is_412(target: Target) -> None:
    """An update whose If-Match names an old version is refused with 412 and changes nothing.

    That it is 412 is a should where the profile does not declare versions.
    """
    lesser = _of_status(target)
    made = await created(target)
    first = await etag_of(target, made)
    name = target.contract.fields.name
    second_body = target.contract.document()
    second = await target.update(made.url, second_body, headers={"if-match": first})
    await _expect_done(target, made, second, _CURRENT)
    stale = await target.update(made.url, target.contract.document(), headers={"if-match": first})
    _expect_not_done(stale, "an update that names the version before", lesser)
    seen = await target.read(made.url)
    shown = (seen.document or {}).get(name)
    expect(
        # Exact bytes are the same in each update.
        not target.contract.fields.has_name or shown == second_body[name],
        "the refused update to change nothing",
        f"{name} = {in_json(shown)}",
        stale,
        seen,
        about=[About.REFUSED_UPDATES],
    )
    current = seen.headers.get("etag", first)
    third = await target.update(made.url, target.contract.document(), headers={"if-match": current})
    await _expect_done(target, made, third, _CURRENT)
    lesser.tell()


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: conditional-update; RFC 9110 §13.1.1",
    needs=(Need.UPDATE, Need.DELETE),
    catches=("conditional_delete_ignored", "balancer_drops_condition_of_delete"),
)
async def stale_delete_is_412(target: Target) -> None:
    """A delete whose If-Match names an old version is refused with 412, and the resource stays."""
    lesser = _of_status(target)
    made = await created(target)
    first = await etag_of(target, made)
    update = await target.update(made.url, target.contract.document(), headers={"if-match": first})
    await _expect_done(target, made, update, _CURRENT)
    stale = await target.delete(made.url, headers={"if-match": first})
    _expect_not_done(stale, "a delete that names the version before", lesser)
    seen = await target.read(made.url, may_be_lost=True)
    expect(seen.accepted, "the resource still there", str(seen.status), stale, seen)
    gone = await target.delete(made.url, headers={"if-match": seen.headers.get("etag", first)})
    expect(gone.accepted, "a delete that names the current version accepted", str(gone.status), gone)
    lesser.tell()


@check(
    step=Step.BUSINESS_LOGIC,
    source="RFC 9110 §13.1.1",
    catches=("first_tag_only", "star_is_no_tag"),
    needs=(Need.UPDATE,),
)
async def met_condition_is_no_refusal(target: Target) -> None:
    """An update or delete is carried out when any tag of its If-Match is the current one, or its If-Match is *.

    How: the current tag at each place of a list, after a weak tag, and after a tag with a comma in it.
    """
    made = await created(target)
    current = await etag_of(target, made)
    forms = ("{}", "{}, " + _OTHER, _OTHER + ", {}", f"{_OTHER}, {{}}, {_OTHER}", f"W/{_OTHER},{{}}", '"a,b", {}', "*")
    for form in forms:
        if current.startswith("W/"):
            raise NotDeclared("the entity tags are weak, and If-Match never holds for those")
        condition = form.format(current)
        reply = await target.update(made.url, target.contract.document(), headers={"if-match": condition})
        await _expect_done(target, made, reply, f"an update with If-Match: {condition}")
        current = reply.headers.get("etag") or (await target.read(made.url)).headers.get("etag", "")
    for form in (_OTHER + ", {}", "*") if target.contract.delete else ():
        made = await created(target)
        condition = form.format(await etag_of(target, made))
        reply = await target.delete(made.url, headers={"if-match": condition})
        expect(reply.accepted, f"a delete with If-Match: {condition} accepted", str(reply.status), reply)


@check(
    step=Step.BUSINESS_LOGIC,
    source="RFC 9110 §13.1.1, §13.1.2",
    catches=("if_none_match_ignored", "star_creates", "balancer_drops_none_match"),
    needs=(Need.UPDATE,),
)
async def unmet_condition_is_no_write(target: Target) -> None:
    """An update or delete whose If-Match names only other tags, or whose If-None-Match is met, is refused with 412.

    An If-Match of * does not hold for a resource that is not there: it is refused with 412 or 404.
    """
    lesser = _of_status(target)
    made = await created(target)
    current = await etag_of(target, made)
    opaque = current.removeprefix("W/").strip('"')
    forms = {
        f"If-Match: {tags}": {"if-match": tags}
        for tags in (f"{_OTHER}, {_OTHER}", f'"{opaque}{opaque}"', f'"0{opaque}"', f'"{opaque} "', f'"{opaque},"')
    }
    await _expect_refused(target, made, forms, lesser)
    # What was refused and carried out all the same has made another version, for which these conditions hold.
    await _expect_unchanged(target, made)
    met = {f"If-None-Match: {tags}": {"if-none-match": tags} for tags in (current, "*", f"{_OTHER}, {current}")}
    await _expect_refused(target, made, met, lesser)
    absent = missing_url(made)
    anything = {"if-match": "*"}
    reply = await target.update(absent, target.contract.document(), headers=anything)
    _expect_not_done(reply, "an update with If-Match: * of a resource that is not there", lesser, 404, 403)
    await _expect_unchanged(target, made)
    lesser.tell()


async def _expect_refused(
    target: Target, made: Resource, forms: Mapping[str, Mapping[str, str]], lesser: Lesser
) -> None:
    for form, headers in forms.items():
        reply = await target.update(made.url, target.contract.document(), headers=headers)
        # Where a version must be named, what names none may be refused for that first (RFC 6585 §3).
        replies = {"an update": reply}
        if target.contract.delete:
            replies["a delete"] = await target.delete(made.url, headers=headers)
        for what, refusal in replies.items():
            if "if-match" in headers:
                _expect_not_done(refusal, f"{what} with {form}", lesser, 400)
            else:
                expect_status(refusal, 412, 428, of=f"{what} with {form}")


async def _expect_unchanged(target: Target, made: Resource) -> None:
    seen = await target.read(made.url, may_be_lost=True)
    expect(seen.accepted, "the resource still there", str(seen.status), seen)
    name = target.contract.fields.name
    kept, shown = made.shown.get(name), (seen.document or {}).get(name)
    wanted = f"{name} = {in_json(kept)} as before the refusals"
    expect(kept == shown, wanted, in_json(shown), seen, about=[About.REFUSED_UPDATES])


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: conditional-update; RFC 9110 §13.1.1",
    catches=("empty_condition_dropped", "refused_update_stored"),
    needs=(Need.UPDATE,),
)
async def unmet_condition_changes_nothing(target: Target) -> None:
    """An update whose If-Match is empty or cannot match is refused with 412 or 400 and changes nothing.

    What is no list of entity tags is a should where our own contract is not promised. Why: a client that sends a
    condition does not want to overwrite. A condition that cannot be parsed is not met.
    """
    lesser, of_status = Lesser.than_our_contract(target.contract), _of_status(target)
    made = await created(target)
    etag = await etag_of(target, made)
    first = await target.update(made.url, target.contract.document(), headers={"if-match": etag})
    await _expect_done(target, made, first, _CURRENT)
    seen = await target.read(made.url)
    current = seen.headers.get("etag", etag)
    opaque = current.removeprefix("W/")
    forms = {
        "another tag": f'"x{opaque.strip(chr(34))}"',
        "the current tag as a weak one": f"W/{opaque}",
        "nothing": "",
        "a list of nothing": ",",
        "a tag without quotes": f"x{opaque.strip(chr(34))}",
    }
    for form, condition in forms.items():
        reply = await target.update(made.url, target.contract.document(), headers={"if-match": condition})
        with lesser if '"' not in condition else nullcontext():
            _expect_not_done(reply, f"an update whose If-Match is {form}", of_status, 400)
    lesser.tell()
    after = await target.read(made.url)
    name = target.contract.fields.name
    kept, shown = ((reply.document or {}).get(name) for reply in (seen, after))
    wanted = f"{name} = {in_json(kept)} as before the refusals"
    expect(kept == shown, wanted, in_json(shown), after, about=[About.REFUSED_UPDATES])
    of_status.tell()


@check(step=Step.BUSINESS_LOGIC, source="RFC 6585 §3", needs=(Need.UPDATE,), catches="condition_not_needed")
async def unconditional_update_is_428(target: Target) -> None:
    """Where updates must name a version, an update or delete that names none is refused with 428, without effect."""
    made = await created(target)
    content = target.contract.wire_format.encode(target.contract.document())
    kind = {"content-type": target.contract.media_type}
    replies = {"an update": await target.send("PUT", made.url, headers=kind, content=content)}
    if not target.contract.conditional_updates:
        if replies["an update"].accepted:
            raise NotDeclared("`target.conditional_updates` is not configured")
        if replies["an update"].status != 428:
            raise Inconclusive(f"an ordinary update was answered {replies['an update'].status}")
    elif target.contract.delete:
        replies["a delete"] = await target.send("DELETE", made.url)
    for what, reply in replies.items():
        expect_status(reply, 428, of=f"{what} that names no version")
    seen = await target.read(made.url, may_be_lost=True)
    expect(seen.accepted, "the resource still there", str(seen.status), *replies.values(), seen)
    expect_same_fields(made.shown, seen.document or {}, *replies.values(), seen, where="a read after the refusals")
    again = await target.update(made.url, target.contract.document(), headers={"if-match": await etag_of(target, made)})
    expect(again.accepted, "an update that names the current version accepted", str(again.status), again)
