"""Step 14: the cache never shows an outdated value."""

import asyncio
from functools import partial

from createflow.scenarios.checks.support.copies import JsonCopies, all_of, compare_spread, expect_caught_up
from createflow.scenarios.checks.support.fixtures import Resource, created, require_right_row
from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.about import About, other_in_reads
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_same_fields
from createflow.scenarios.harness.outage import Outage
from createflow.scenarios.harness.write_sample import WriteSample
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.field_equality import differences
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import Cache, Primary, Row
from createflow.scenarios.target.probes import Faults, Target
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.run_context import Together
from createflow.scenarios.target.write_record import WriteRecord, Written
from createflow.scenarios.text.in_json import in_json
from createflow.schemas.flow import Step

_ROUNDS = 4
_WARMING = 3
_RACING = 4
_LEAST_AT_ONCE = 2
_READS = 4
_READ_OF_SAMPLE = 60


@check(
    step=Step.INVALIDATE_CACHE,
    source="contract: cache",
    catches=("cache_not_invalidated", "cache_refilled_late"),
    needs=(Need.UPDATE,),
)
async def never_stale_after_update(target: Target, cache: Cache | None) -> str:
    """Once an update is answered no read shows the older value, however many reads run concurrently.

    How: an empty cache cannot be stale, so the resource is read first; and a read that fills an empty cache may bring
    back what the update has replaced, so each round also has a new resource, which nobody has read. Where the cache
    itself can be read, the check looks whether it was filled or empty.
    """
    if target.limits is not None and target.limits.burst < _LEAST_AT_ONCE:
        raise NotDeclared(f"`limits.burst` = {target.limits.burst} lets no read overlap an update")
    held = cold = overlapped = 0
    made = await created(target)
    for _ in range(_ROUNDS):
        for reply in [await target.read(made.url) for _ in range(_WARMING)]:
            if not reply.accepted:
                raise Inconclusive(f"the created resource cannot be read: {reply.status}")
        held += cache is not None and await cache.value(made.id) is not None
        overlapped += await _race(target, made)
        fresh = await created(target)
        cold += cache is not None and await cache.value(fresh.id) is None
        overlapped += await _race(target, fresh)
    if cache is not None and not held:
        raise Inconclusive("the cache never held the resource, so it could not be stale")
    if not overlapped:
        raise Inconclusive("no read overlapped an update: ask for it alone, with the id of this check")
    told = f"{overlapped} reads overlapped an update"
    if cache is None:
        return f"{told}; whether the cache was filled or empty is not known, without `sinks.cache`"
    return f"{told}; the cache was filled before {held} of {_ROUNDS} updates, and empty before {cold} of as many"


async def _race(target: Target, made: Resource) -> int:
    """Read and update at the same time; how many reads overlapped the update."""
    field, body = target.contract.fields.name, target.contract.document()
    name = target.contract.name_in(body)
    # All of them at once, as far as the declared limit allows that. Half of the reads are sent before the update. What
    # these show does not count, so none is sent again: it would not overlap the update.
    racing = min(_RACING, target.limits.burst - 1) if target.limits else _RACING
    hold = Together(1 + racing)
    reads = [target.send("GET", made.url, hold=hold) for _ in range(racing)]
    before, after = reads[: racing // 2], reads[racing // 2 :]
    replies = await asyncio.gather(*before, target.update(made.url, body, hold=hold), *after)
    update = replies.pop(len(before))
    if not update.accepted:
        raise Inconclusive(f"an update was answered {update.status}")
    for reply in await asyncio.gather(*(target.read(made.url, may_be_lost=True) for _ in range(_READS))):
        shown = (reply.document or {}).get(field)
        expect(shown == name, f"{field} = {in_json(name)}, as updated", in_json(shown), update, reply)
    return sum(read.sent_at <= update.received_at and update.sent_at <= read.received_at for read in replies)


@check(step=Step.INVALIDATE_CACHE, source="contract: cache", catches="cache_wrong_body")
async def cache_equals_row(target: Target, cache: Cache, primary: Primary) -> None:
    """The cached value equals the primary's row, after a create and after an update."""
    made = await created(target)
    await _equal(target, cache, primary, made, made.reply)
    if target.contract.update:
        update = await target.update(made.url, target.contract.document())
        if not update.accepted:
            raise Inconclusive(f"an update was answered {update.status}")
        await _equal(target, cache, primary, made, update)


@check(
    step=Step.INVALIDATE_CACHE,
    source="contract: cache",
    repeats=("invalidate_cache.cache_equals_row",),
    catches=(
        "cache_keeps_deleted",
        "cache_stale_one_in_ten",
        "cache_other_resource",
        "cache_values_as_text",
        "cache_versions_as_text",
        "replay_is_cached",
        "cache_drops_empty",
        "cache_keeps_changed",
    ),
)
async def cached_values_equal_writes(target: Target, sample: WriteSample, cache: Cache, primary: Primary | None) -> str:
    """What the cache holds equals what was last written, and it holds no deleted resource."""
    comparison = Comparison("cached values", f"each value as last written, within {target.deadlines.cache_s:g} s")
    written = await sample.all()
    await asyncio.gather(
        *(target.read(one.url, who=one.who, may_be_lost=True) for one in written[:_READ_OF_SAMPLE] if one.url)
    )
    await _compare(target, cache, primary, comparison, written)
    return comparison.conclude()


@check(
    step=Step.INVALIDATE_CACHE,
    source="contract: cache",
    at_end=True,
    repeats=(
        "invalidate_cache.cache_equals_row",
        "invalidate_cache.cached_values_equal_writes",
        "invalidate_cache.never_stale_after_update",
    ),
    limit_s=60.0,
    catches="cache_reverts_later",
)
async def cache_matches_writes_at_the_end(
    target: Target, sample: WriteSample, record: WriteRecord, cache: Cache, primary: Primary | None
) -> str:
    """At the end of the run no value of the cache differs from what was last written."""
    await sample.all()
    comparison = Comparison("cached values", "each cached value as last written")
    compare = partial(_compare, target, cache, primary, comparison)
    await compare_spread(record, compare, comparison)
    return comparison.conclude()


@check(
    step=Step.INVALIDATE_CACHE,
    source="contract: cache",
    needs=(Need.UPDATE, Need.SERVICE_DOWN, Need.REPLICA_LAGS),
    disturbs=True,
    limit_s=60.0,
    catches="cache_outage_outlives_service",
)
async def outage_and_restart_leave_nothing_old(target: Target, outage: Outage, faults: Faults, cache: Cache) -> str:
    """What was updated while the cache did not answer is not old in it later, although the services were killed.

    Why: a service that has to repeat a write to the cache may be killed before it can.
    """
    changed = (await outage.survivors(faults)).changed
    if not changed:
        raise Inconclusive("no update was accepted while the cache did not answer")
    await all_of(expect_caught_up(target, cache, written) for written in changed)
    return f"{len(changed)} resources were updated before the kill"


async def _compare(
    target: Target, cache: Cache, primary: Primary | None, comparison: Comparison, written: list[Written]
) -> None:
    copies = JsonCopies(cache.value, "", primary, target.contract, is_read=True)
    await copies.compare(written, comparison, within_s=target.deadlines.cache_s)
    if not copies.seen:
        raise Inconclusive("the cache held none of the resources")


async def _equal(target: Target, cache: Cache, primary: Primary, made: Resource, write: Reply) -> None:
    rows = await primary.by_id(made.id)
    if len(rows) != 1:
        raise Inconclusive("the primary has no row; see write_primary")
    require_right_row(rows[0], write)

    async def read() -> Row | None:
        await target.read(made.url)  # a cache may be filled by reads only
        return await cache.value(made.id)

    def equal(value: Row | None) -> bool:
        return value is not None and not differences(_shared(value, made), rows[0])

    within_s = target.deadlines.cache_s
    value, _ = await eventually(read, equal, within_s=within_s)
    if value is None:
        raise Inconclusive("the cache never held the resource")
    is_old = write is not made.reply and value.get(target.contract.fields.name) == made.name
    shared = _shared(value, made)
    subjects = [About.READS] if is_old else [other_in_reads(name) for name in differences(shared, rows[0])]
    expect_same_fields(shared, rows[0], write, where=f"the row, as cached after {within_s:g} s", about=subjects)


def _shared(value: Row, made: Resource) -> Row:
    """The cached fields that belong to the representation; a cache may keep more beside them."""
    return {name: kept for name, kept in value.items() if name in made.shown}
