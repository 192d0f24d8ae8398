"""Step 15: written resources are found by a search."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable
from functools import partial

from createflow.scenarios.checks.support.copies import JsonCopies, compare_spread, is_storable
from createflow.scenarios.checks.support.fixtures import Resource, created, require_right_row
from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.check import Lane, Need, check
from createflow.scenarios.harness.expect import expect, expect_same_fields
from createflow.scenarios.harness.write_sample import WriteSample
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import Primary, Row, SearchIndex
from createflow.scenarios.target.probes import Faults, Target
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.write_record import State, WriteRecord, Written
from createflow.scenarios.text.in_json import in_json
from createflow.scenarios.text.printable import cut
from createflow.schemas.flow import Step

_OUTAGE_CREATES = 3
_OUTAGE_UPDATES = 3
_OUTAGE_S = 2.0
_REFUSES_S = 2.5
"""Long enough for several tries."""
_MAX_NAME_CHARACTERS = 200
"""Longer ones are not searched for: engines do not index them as one word."""


@check(step=Step.INDEX_UPDATE, source="contract: index", catches="index_skipped")
async def create_is_found(target: Target, search: SearchIndex, primary: Primary | None) -> None:
    """A new resource is indexed by id and found by name within the deadline, as the reply shows it."""
    made = await created(target)
    document = await _by_id(target, search, made)
    for row in [] if primary is None else await primary.by_id(made.id):
        require_right_row(row, made.reply)
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
    catches=(
        "index_keeps_deleted",
        "index_skips_one_in_ten",
        "index_cuts_text",
        "index_drops_metadata",
        "index_rounds_fractions",
        "index_splits_keys",
        "index_lower_case",
        "index_keeps_changed",
        "index_drops_empty",
    ),
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
        "transaction.refused_create_leaves_nothing",
    ),
    limit_s=60.0,
    catches=("index_second_document", "index_reverts_later"),
)
async def index_matches_writes_at_the_end(
    target: Target, sample: WriteSample, record: WriteRecord, search: SearchIndex, primary: Primary | None
) -> str:
    """At the end of the run the index shows every resource of it as last written, once, and no deleted one."""
    await sample.all()
    comparison = Comparison("documents", "one document of each resource, as last written")
    compare = partial(_compare, target, search, primary, comparison)
    await compare_spread(record, compare, comparison)
    await _compare_names(target, search, record, comparison)
    return comparison.conclude()


async def _compare(
    target: Target, search: SearchIndex, primary: Primary | None, comparison: Comparison, written: list[Written]
) -> None:
    # The indexed document shows the same fields as the reply, by our own contract.
    whole = target.contract.is_promised
    copies = JsonCopies(search.document, "is not in the index", primary, target.contract, whole)
    await copies.compare(written, comparison, within_s=target.deadlines.index_s)


async def _compare_names(target: Target, search: SearchIndex, record: WriteRecord, comparison: Comparison) -> None:
    """Search for every name that the run has written: none is found more often than there are resources with it."""
    shown, wanted = Counter[str](), set[str]()
    for written in record.resources.values():
        now = {_name_in(target, state) for state in written.states()}
        shown.update(now)
        wanted |= {*now, *(_name_in(target, state) for state in (written.shown, written.sent))}
        wanted |= {_name_in(target, changed.sent) for changed in written.changes}
    shown.update(one.name or "" for one in record.unanswered)
    # Only names with a word of this run: others may have used "1" before it, another run of ours for example.
    own = [name for name in wanted if record.knows(name)]
    names = [name for name in own if len(name) <= _MAX_NAME_CHARACTERS and is_storable(name)]

    async def too_many() -> dict[str, int]:
        batches = [names[start : start + search.max_batch] for start in range(0, len(names), search.max_batch)]
        found = Counter([name for batch in batches for name in await search.with_names(batch)])
        return {name: count for name, count in found.items() if count > shown[name] and name in wanted}

    try:
        # A search may show documents later than a read by id does.
        left, _ = await eventually(too_many, lambda found: not found, within_s=target.deadlines.index_s)
    except NotDeclared as reason:
        comparison.note(f"second documents are not looked for: {reason}")
        return
    comparison.count(len(names) - len(left))
    for name, count in left.items():
        comparison.add(f"{count} documents have the name {cut(in_json(name))}, for {shown[name]} resources")


def _name_in(target: Target, state: State) -> str:
    name = (state or {}).get(target.contract.fields.name)
    return name if isinstance(name, str) else ""


@check(
    step=Step.INDEX_UPDATE,
    source="contract: index",
    needs=(Need.SEARCH_DOWN,),
    disturbs=Lane.SEARCH,
    limit_s=60.0,
    catches=("index_forgets_outage", "index_first_of_batch"),
)
async def outage_is_caught_up(target: Target, record: WriteRecord, search: SearchIndex, faults: Faults) -> str:
    """While the search engine is down writes are accepted, and all of them are found once it is back.

    It is down longer than an indexer waits for one answer, so that it has to try again later.
    """
    kept, changed, gone = [await created(target) for _ in range(3)]
    await _by_id(target, search, kept)
    async with faults.injected("search_down"):
        until = time.monotonic() + _OUTAGE_S
        made = [await _accepted(target.create(), "a create") for _ in range(_OUTAGE_CREATES)]
        if target.contract.update:
            # More than one: what waited is indexed together, and the last one counts.
            for _ in range(_OUTAGE_UPDATES):
                await _accepted(target.update(changed.url, target.contract.document()), "an update")
        if target.contract.delete:
            await _accepted(target.delete(gone.url), "a delete")
        await asyncio.sleep(max(until - time.monotonic(), 0))
        made.append(await _accepted(target.create(), "a create"))
    ids = [_id_of(target, reply) for reply in made]
    return await _compare_after_outage(target, search, record, [*ids, changed.id, gone.id])


@check(
    step=Step.INDEX_UPDATE,
    source="contract: index",
    needs=(Need.SEARCH_REFUSES,),
    disturbs=Lane.SEARCH,
    limit_s=60.0,
    catches="index_gives_up",
)
async def refused_documents_are_tried_again(
    target: Target, record: WriteRecord, search: SearchIndex, faults: Faults
) -> str:
    """What the search engine refused for a while, as when its disk is nearly full, is found once it takes documents.

    Why: a consumer that gives up after some deliveries, and keeps nowhere what it gave up, loses what was written in a
    longer outage.
    """
    async with faults.injected("search_refuses"):
        made = [await _accepted(target.create(), "a create") for _ in range(_OUTAGE_CREATES)]
        await asyncio.sleep(_REFUSES_S)
        indexed = await search.document(_id_of(target, made[0]))
    if indexed is not None:
        raise Inconclusive("the fault had no effect: a document was indexed")
    return await _compare_after_outage(target, search, record, [_id_of(target, reply) for reply in made])


async def _compare_after_outage(target: Target, search: SearchIndex, record: WriteRecord, ids: list[str]) -> str:
    within_s = target.deadlines.recovery_s + target.deadlines.index_s
    comparison = Comparison("writes during the outage", f"each in the index {within_s:g} s after the repair")
    written = [record.resources[one] for one in ids if one in record.resources]
    copies = JsonCopies(search.document, "is not in the index", None, target.contract)
    ago_s = max((time.time() - one.last_write_at for one in written), default=0.0)
    await copies.compare(written, comparison, within_s=ago_s + within_s)
    return comparison.conclude()


def _id_of(target: Target, reply: Reply) -> str:
    return str((reply.document or {}).get(target.contract.fields.id))


async def _accepted(write: Awaitable[Reply], what: str) -> Reply:
    reply = await write
    expect(reply.accepted, f"{what} accepted without the search engine", str(reply.status), reply)
    return reply


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
        f"one document found by its {field} {in_json(name)} within {within_s:g} s",
        str(len(found)),
        made.reply,
    )
