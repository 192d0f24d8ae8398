"""Unique ids, a Location on the target, and creation times that do not change."""

import asyncio
import uuid

from createflow.scenarios.checks.support.fixtures import Resource, created, resource_in
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.expect import expect, expect_one_row, expect_same_fields
from createflow.scenarios.outcome import Expectation, Inconclusive, NotDeclared, Prevented
from createflow.scenarios.sinks.sink import Primary
from createflow.scenarios.target.location import LocationElsewhere, LocationMalformed, names_resource, shown_location
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.text.in_json import in_json
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_IN_A_ROW = 10
_AT_ONCE = 20
_LARGEST_EXACT = 2**53 - 1
_SPOOFED = "spoofed.example"


@check(
    step=Step.RESPONSE,
    source="contract: id-unique; contract: delete",
    catches=(
        "id_repeated",
        "same_body_is_repeat",
        "delete_takes_namesakes",
        "delete_takes_near_names",
        "update_takes_namesakes",
        "near_names_are_taken",
    ),
)
async def ids_are_unique(target: Target, primary: Primary | None) -> None:
    """Sequential and concurrent creates each have an id, a URL and a row of their own, also two of the same body.

    An update and a delete of one of the two leave the other, and those whose names are nearly the same. Where names are
    unique, a name in another letter case, or with more letters, is another name.
    """
    made = [await created(target) for _ in range(_IN_A_ROW)]
    made += await asyncio.gather(*(created(target) for _ in range(_AT_ONCE)))
    addresses = {one.reply.headers.get("location", one.id) for one in made}
    for what, values in (("ids", {one.id for one in made}), ("addresses", addresses)):
        if len(values) < len(made) and what == "addresses":
            target.url_of(made[-1].reply)  # raises Prevented, by the check that reports the Location
        expect(len(values) == len(made), f"{len(made)} {what}", f"{len(values)} different", made[-1].reply)
    for one in made if primary is not None else ():
        rows = await primary.by_id(one.id) if primary is not None else []
        expect_one_row(rows, f"one row of {one.id}", one.reply)
    if target.contract.is_promised:
        await _expect_twins(target, primary)


async def _expect_twins(target: Target, primary: Primary | None) -> None:
    """Require that an update and a delete change one resource, and none with the same name or nearly the same."""
    body, field = target.contract.document(), target.contract.fields.name
    name = target.contract.name_in(body)
    first = await created(target, body)
    others = []
    for other in (name, f"{name} more", name.swapcase()):
        reply = await target.create(sent := {**body, field: other})
        if reply.status != 409 or other != name:  # where names are unique
            expect(reply.status != 409, f"a create with {field} = {in_json(other)} accepted", "409", first.reply, reply)
            others.append(resource_in(target, reply, sent))
    ids = {first.id, *(other.id for other in others)}
    expect(len(ids) == 1 + len(others), f"{1 + len(others)} ids", f"{len(ids)} different", first.reply)
    change = first.reply
    if target.contract.update:
        change = await target.update(first.url, {**target.contract.varied(1), field: name}, headers=change.if_match)
        await _expect_untouched(target, primary, others, change)
    if target.contract.delete:
        await _expect_untouched(target, primary, others, await target.delete(first.url, headers=change.if_match))


async def _expect_untouched(target: Target, primary: Primary | None, others: list[Resource], change: Reply) -> None:
    for other in others:
        seen = await target.read(other.url, may_be_lost=True)
        expect(seen.accepted, "the others of that name still there", str(seen.status), change, seen)
        expect_same_fields(other.shown, seen.document or {}, change, seen, where="another resource of that name")
        rows = [] if primary is None else await primary.by_id(other.id)
        if primary is not None:
            expect_one_row(rows, "the row of another resource of that name still there", change)
            stored = {name: value for name, value in other.shown.items() if name in rows[0]}
            expect_same_fields(stored, rows[0], change, where="the row of another resource of that name")


@check(step=Step.RESPONSE, level=Level.SHOULD, source="RFC 9562 §4.1, §4.2; RFC 7493 §2.2", catches="id_repeated")
async def uuid_is_a_legal_one(target: Target) -> None:
    """An id that looks like a UUID has a valid variant and version, and one that is a number is at most 2^53 - 1.

    Why: JavaScript, and whatever else reads numbers as doubles, changes a larger one, and asks for another resource.
    """
    made = await created(target)
    shown = made.shown.get(target.contract.fields.id)
    if isinstance(shown, int | float):
        expect(abs(shown) <= _LARGEST_EXACT, "an id of at most 2^53 - 1, or a text", str(shown), made.reply)
        return
    try:
        value = uuid.UUID(made.id)
    except ValueError:
        raise NotDeclared("the ids are neither UUIDs nor numbers") from None
    legal = value.variant == uuid.RFC_4122 and value.version in range(1, 9)
    expect(legal, "a UUID of version 1 to 8", f"{made.id}: version {value.version}, {value.variant}", made.reply)


@check(
    step=Step.RESPONSE,
    source="contract: location; CWE-644; OWASP API8:2023",
    catches=("location_from_header", "balancer_shows_inner_host"),
)
async def location_is_ours(target: Target) -> None:
    """Location has the scheme, host and port of the request, whatever host the client's headers claim.

    Why: clients follow it with their credentials. Other public origins of the target are declared in
    ``target.location_origins``. That it has the id in it is a should: a resource may have another name in its URL.
    """
    lesser = Lesser.than_our_contract(target.contract)
    for headers in ({}, {"x-forwarded-host": _SPOOFED}, {"forwarded": f"host={_SPOOFED};proto=http"}):
        made = await created(target, headers=headers)
        location = made.reply.headers.get("location")
        if location is None and not target.contract.has_location:
            raise NotDeclared("`target.read_path` says where a resource is")
        if location is None:
            raise Inconclusive("the 201 has no Location; see location_is_given")
        expect(_SPOOFED not in location, "no host from a header of the client", location, made.reply)
        origins = target.contract.origins
        try:
            path = origins.path_of(location, made.reply.exchange.url)
        except LocationMalformed as problem:
            raise Prevented("response.location_is_given", str(problem)) from None
        except LocationElsewhere:
            shown = shown_location(location)
            raise Expectation(f"a Location on {origins}", shown, exchanges=[made.reply.exchange]) from None
        names = names_resource(path, made.id) or made.id in path
        with lesser:
            if not names:
                expected, shows = f"a Location that names {made.id}", [made.reply.exchange]
                raise Expectation(expected, location, exchanges=shows, about=["location"])
    lesser.tell()


@check(step=Step.RESPONSE, source="contract: six-fields", catches=("time_of_reading", "created_at_moves"))
async def created_at_stays(target: Target) -> None:
    """created_at is the same in every read, and an update does not change it."""
    field = target.contract.fields.created_at
    made = await created(target)
    first = made.shown.get(field)
    seen = [await target.read(made.url), await target.read(made.url)]
    if target.contract.update:
        await target.update(made.url, target.contract.document())
        seen.append(await target.read(made.url))
    for reply in seen:
        if not reply.accepted:
            raise Inconclusive(f"a read of what was just created was answered {reply.status}")
        kept = (reply.document or {}).get(field)
        if kept != first:
            shows = [made.reply.exchange, reply.exchange]
            raise Expectation(f"{field} = {in_json(first)} as at first", in_json(kept), exchanges=shows, about=[field])
