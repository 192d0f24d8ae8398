"""Step 13: every replica gets every write, and clients read their own writes."""

from functools import partial
from typing import Any

from createflow.scenarios.checks.support.copies import (
    all_of,
    compare_all,
    compare_spread,
    expect_caught_up,
    json_state_problem,
    row_problem,
    unless_primarys_fault,
)
from createflow.scenarios.checks.support.fixtures import Resource, created, lasting
from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.check import Lane, Need, check
from createflow.scenarios.harness.expect import expect, expect_same_fields
from createflow.scenarios.harness.outage import Outage
from createflow.scenarios.harness.write_sample import WriteSample
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.field_equality import differences
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import Cache, Primary, Replica, Replicas, Row
from createflow.scenarios.target.probes import Faults, Target
from createflow.scenarios.target.write_record import WriteRecord, Written
from createflow.scenarios.text.in_json import in_json
from createflow.scenarios.text.power import power
from createflow.scenarios.text.printable import cut
from createflow.schemas.flow import Step

_ROUNDS = 5
_CREATES = 44
_CLIENTS = 2
_COLD = 4


@check(step=Step.REPLICATE, source="contract: replicas", catches="replica_lags")
async def every_replica_converges(
    target: Target, sample: WriteSample, replicas: Replicas, primary: Primary | None
) -> str:
    """Every configured replica has each row, as last written, within the deadline, and none of a deleted resource."""
    comparison = Comparison("rows on replicas", f"each row within {target.deadlines.replica_s:g} s, as last written")
    await _compare(target, replicas, primary, comparison, await sample.all())
    return comparison.conclude()


@check(
    step=Step.REPLICATE,
    source="contract: replicas",
    at_end=True,
    repeats=("replicate.every_replica_converges", "replicate.lagging_replica_is_not_read"),
    limit_s=60.0,
    catches="replica_lags",
)
async def replicas_match_writes_at_the_end(
    target: Target, sample: WriteSample, record: WriteRecord, replicas: Replicas, primary: Primary | None
) -> str:
    """At the end of the run every replica has every row of it, as last written."""
    await sample.all()
    comparison = Comparison("rows on replicas", "each row on every replica, as last written")
    compare = partial(_compare, target, replicas, primary, comparison)
    await compare_spread(record, compare, comparison)
    return comparison.conclude()


@check(
    step=Step.REPLICATE,
    source="contract: read-your-writes",
    catches=("reads_old_version", "created_by_moves", "version_stays", "create_not_read_yet"),
    disturbs=True,
)
async def own_write_is_read(target: Target) -> str:
    """A client that reads at once sees its own write, after a create and after every update.

    It runs alone, so that there are no milliseconds between a 201 and the read in which a late commit could happen.
    """
    left = iter(range(_CREATES))

    async def client() -> None:
        for _ in left:
            made = await created(target)
            await _reads_own(target, made, made.shown)
        await _update_rounds(target, made)

    await all_of(client() for _ in range(_CLIENTS))
    return power(_CREATES, "reads at once")


@check(
    step=Step.REPLICATE,
    source="contract: read-your-writes; contract: replicas",
    needs=(Need.REPLICA_DOWN,),
    disturbs=Lane.REPLICA,
    limit_s=60.0,
    catches="replica_believed",
)
async def lagging_replica_is_not_read(target: Target, faults: Faults, replicas: Replicas) -> None:
    """While a replica is stopped, creates are accepted and own writes are read; afterwards it catches up."""
    async with faults.injected("replica_down"):
        made = await created(target)
        await _reads_own(target, made, made.shown)
        await _update_rounds(target, made)
        last = await created(target)
    await all_of(_converges(target, replica, last) for replica in replicas.each())


@check(
    step=Step.REPLICATE,
    source="contract: read-your-writes",
    needs=(Need.UPDATE, Need.SERVICE_DOWN),
    disturbs=True,
    limit_s=60.0,
    catches="restart_forgets_writes",
)
async def own_write_is_read_after_a_restart(target: Target, outage: Outage, faults: Faults) -> str:
    """After a restart of the services a client still reads its own updates.

    How: where the profile says how, the replicas lag and the cache does not answer meanwhile, so that only the primary
    has the last version. Why: what a service keeps in memory, to know which copies are outdated, is lost with it.
    """
    comparison = Comparison("reads", "each resource as updated before the restart")
    for written, reply in (await outage.survivors(faults)).reads:
        states = [lasting(target, state) for state in written.states() if state is not None]
        problems = [json_state_problem(state, reply.document or {}, target.contract) for state in states]
        seen = min(problems, key=len, default="is there") if reply.accepted else f"is answered with {reply.status}"
        comparison.add(f"id {cut(written.id)} {cut(seen)}" if seen else "", reply)
    return comparison.conclude()


@check(
    step=Step.REPLICATE,
    source="contract: read-your-writes; contract: cache",
    needs=(Need.REPLICA_LAGS,),
    disturbs=Lane.STORES,
    limit_s=60.0,
    catches=(
        "lagging_replica_believed",
        "watermark_of_updates_only",
        "changes_written_late",
        "cache_forgets_outage",
        "watermark_not_announced",
        "replica_read_in_part",
    ),
)
async def cold_reads_are_not_old(
    target: Target, faults: Faults, replicas: Replicas, cache: Cache | None, record: WriteRecord
) -> str:
    """While the replicas lag and the cache does not answer, a client still reads its own creates, updates and deletes.

    What was written long before is read whole, from whatever store it is then read. Afterwards the cache gets what it
    missed, or holds nothing.

    Why: a cache that holds every write hides what a replica would show. So the reads of this check are known to be
    cold, and the replicas to be behind: they are asked as well.
    """
    kept, updated, deleted = [
        [await created(target, target.contract.varied(number)) for number in range(_COLD)] for _ in range(3)
    ]
    await all_of(_converges(target, replica, one) for replica in replicas.each() for one in (updated[-1], deleted[-1]))
    if cache is not None:
        await _warm(target, cache, [*updated, *deleted])
    async with faults.injected("replica_lags"):
        made = await created(target)
        await _reads_own(target, made, made.shown)
        # Several reads of each, because each replica takes its turn.
        await all_of(_reads_own(target, one, one.shown) for one in kept for _ in range(_ROUNDS))
        await all_of(_update_rounds(target, one) for one in updated)
        if target.contract.delete:
            await all_of(_reads_own_delete(target, one) for one in deleted)
        behind = [not await replica.by_id(made.id) for replica in replicas.each()]
    if cache is not None:
        await all_of(expect_caught_up(target, cache, record.resources[one.id]) for one in [*updated, *deleted, *kept])
    if not all(behind):
        raise Inconclusive("a replica was not behind, so reads of it could not be old")
    return f"{3 * _COLD + 1} resources were read while {len(behind)} replicas were behind"


async def _warm(target: Target, cache: Cache, resources: list[Resource]) -> None:
    """Read the resources, so that the cache may hold what will be outdated."""

    async def are_held() -> bool:
        for one in resources:
            await target.read(one.url, may_be_lost=True)
        return None not in [await cache.value(one.id) for one in resources]

    await eventually(are_held, bool, within_s=target.deadlines.cache_s)


async def _reads_own_delete(target: Target, made: Resource) -> None:
    reply = await target.delete(made.url)
    expect(reply.accepted, "a delete accepted", str(reply.status), reply)
    seen = await target.read(made.url, may_be_lost=True)
    expect(seen.status in {404, 410}, "404 or 410 after the delete", str(seen.status), reply, seen)


async def _compare(
    target: Target, replicas: Replicas, primary: Primary | None, comparison: Comparison, written: list[Written]
) -> None:
    """Compare each replica. What the primary itself does not have as written is not the replica's fault."""

    async def compare(replica: Replica) -> None:
        async def problem(one: Written) -> str:
            copies = await replica.by_id(one.id)
            found = row_problem(one, copies, target.contract)
            found = await unless_primarys_fault(found, one, primary, target.contract)
            return f"{found} on {replica.name}" if found else ""

        await compare_all(written, problem, comparison, within_s=target.deadlines.replica_s)

    await all_of(compare(replica) for replica in replicas.each())


async def _update_rounds(target: Target, made: Resource) -> None:
    if not target.contract.update:
        return
    for _ in range(_ROUNDS):
        body = target.contract.document()
        reply = await target.update(made.url, body)
        expect(reply.accepted, "an update accepted", str(reply.status), reply)
        await _reads_own(target, made, target.contract.shown(body))


async def _reads_own(target: Target, made: Resource, written: dict[str, Any]) -> None:
    field = target.contract.fields.name
    name = written.get(field, made.name or None)
    seen = await target.read(made.url, may_be_lost=True)
    shown = (seen.document or {}).get(field)
    status = f"{seen.status} with " if seen.status != 200 else ""
    is_the_same = shown == name or not target.contract.fields.has_name
    expect(seen.accepted and is_the_same, f"{field} = {in_json(name)}, just written", f"{status}{in_json(shown)}", seen)
    expect_same_fields(lasting(target, written), seen.document or {}, seen, where="what was just written, in a read")


async def _converges(target: Target, replica: Replica, made: Resource) -> None:
    async def read() -> list[Row]:
        return await replica.by_id(made.id)

    within_s = target.deadlines.replica_s
    rows, _ = await eventually(
        read, lambda rows: len(rows) == 1 and not differences(made.shown, rows[0]), within_s=within_s
    )
    expect(len(rows) == 1, f"one row in {replica.name} within {within_s:g} s", str(len(rows)), made.reply)
    expect_same_fields(made.shown, rows[0], made.reply, where=f"{replica.name}'s row after {within_s:g} s")
