"""Step 15: written resources are found by a search."""

from functools import partial

from createflow.scenarios.checks.support.copies import (
    compare_all,
    compare_spread,
    json_problem,
    unless_primarys_fault,
)
from createflow.scenarios.checks.support.fixtures import Resource, created
from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_same_fields
from createflow.scenarios.harness.write_sample import WriteSample
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import Primary, Row, SearchIndex
from createflow.scenarios.target.probes import Faults, Target
from createflow.scenarios.target.write_record import WriteRecord, Written
from createflow.schemas.flow import Step

_OUTAGE_CREATES = 3


@check(step=Step.INDEX_UPDATE, source="contract: index", catches="index_skipped")
async def create_is_found(target: Target, search: SearchIndex) -> None:
    """A new resource is indexed by id and found by name within the deadline, as the reply shows it."""
    made = await created(target)
    document = await _by_id(target, search, made)
    expect_same_fields(_indexed(made.shown, document), document, made.reply, where="the indexed document")
    await _by_name(target, search, made, made.name)


@check(step=Step.INDEX_UPDATE, source="contract: index", catches="index_keeps_old", needs=(Need.UPDATE,))
async def update_is_found(target: Target, search: SearchIndex) -> None:
    """An updated resource is found by its new name within the deadline, and no longer by its old one."""
    made = await created(target)
    body = target.contract.document()
    update = await target.update(made.url, body)
    if not update.accepted:
        raise Inconclusive(f"an update was answered {update.status}")
    await _by_name(target, search, made, target.contract.name_in(body))
    field, word = target.contract.fields.name, made.name.rpartition(" ")[2]

    async def old() -> list[Row]:
        return [found for found in await search.found(field, word) if word in str(found.get(field))]

    within_s = target.deadlines.index_s
    left, _ = await eventually(old, lambda found: not found, within_s=within_s)
    expect(not left, f"not found by its old name after {within_s:g} s", "it still is", update)


@check(
    step=Step.INDEX_UPDATE,
    source="contract: index",
    repeats=("index_update.create_is_found", "index_update.update_is_found"),
    catches=("index_keeps_deleted", "index_skips_one_in_ten", "index_cuts_text"),
)
async def documents_equal_writes(
    target: Target, sample: WriteSample, search: SearchIndex, primary: Primary | None
) -> str:
    """The index shows each resource as last written within the deadline, and no deleted one."""
    within_s = target.deadlines.index_s
    comparison = Comparison("documents", f"a document of each resource within {within_s:g} s, as last written")
    await _compare(target, search, primary, comparison, await sample.all())
    return comparison.conclude()


@check(
    step=Step.INDEX_UPDATE,
    source="contract: index",
    at_end=True,
    repeats=(
        "index_update.create_is_found",
        "index_update.update_is_found",
        "index_update.documents_equal_writes",
        "index_update.outage_is_caught_up",
    ),
    limit_s=60.0,
)
async def index_matches_writes_at_the_end(
    target: Target, sample: WriteSample, record: WriteRecord, search: SearchIndex, primary: Primary | None
) -> str:
    """At the end of the run the index shows every resource of it as last written, and no deleted one."""
    await sample.all()
    comparison = Comparison("documents", "a document of each resource, as last written")
    compare = partial(_compare, target, search, primary, comparison)
    await compare_spread(record, compare, comparison)
    return comparison.conclude()


async def _compare(
    target: Target, search: SearchIndex, primary: Primary | None, comparison: Comparison, written: list[Written]
) -> None:
    async def problem(one: Written) -> str:
        document = await search.document(one.id)
        found = json_problem(one, document, "is not in the index", target.contract)
        return await unless_primarys_fault(found, one, primary, target.contract)

    await compare_all(written, problem, comparison, within_s=target.deadlines.index_s)


@check(
    step=Step.INDEX_UPDATE,
    source="contract: index",
    needs=(Need.SEARCH_DOWN,),
    disturbs=True,
    limit_s=60.0,
)
async def outage_is_caught_up(target: Target, search: SearchIndex, faults: Faults) -> None:
    """While the search engine is down creates are accepted, and they are found once it is back."""
    async with faults.injected("search_down"):
        replies = [(body, await target.create(body)) for body in _bodies(target)]
        for _, reply in replies:
            expect(reply.accepted, "a create accepted without the search engine", str(reply.status), reply)
    for body, reply in replies:
        resource_id = str((reply.document or {}).get(target.contract.fields.id))

        async def read(resource_id: str = resource_id) -> Row | None:
            return await search.document(resource_id)

        within_s = target.deadlines.recovery_s + target.deadlines.index_s
        document, _ = await eventually(read, lambda found: found is not None, within_s=within_s)
        name = target.contract.name_in(body)
        expect(document is not None, f"{name!r} in the index {within_s:g} s after the repair", "it is not", reply)


def _bodies(target: Target) -> list[dict[str, object]]:
    return [target.contract.document() for _ in range(_OUTAGE_CREATES)]


def _indexed(shown: Row, document: Row) -> Row:
    """The shown fields that an index may be asked for: an index need not hold every field, but always the name."""
    return {name: value for name, value in shown.items() if name in document}


async def _by_id(target: Target, search: SearchIndex, made: Resource) -> Row:
    async def read() -> Row | None:
        return await search.document(made.id)

    within_s = target.deadlines.index_s
    document, _ = await eventually(read, lambda found: found is not None, within_s=within_s)
    expect(document is not None, f"a document with the resource's id within {within_s:g} s", "none", made.reply)
    return document or {}


async def _by_name(target: Target, search: SearchIndex, made: Resource, name: str) -> None:
    field, word = target.contract.fields.name, name.rpartition(" ")[2]

    async def read() -> list[Row]:
        return [found for found in await search.found(field, word) if found.get(field) == name]

    within_s = target.deadlines.index_s
    found, _ = await eventually(read, bool, within_s=within_s)
    expect(
        len(found) == 1,
        f"one document found by its {field} {name!r} within {within_s:g} s",
        str(len(found)),
        made.reply,
    )
