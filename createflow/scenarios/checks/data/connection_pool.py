"""Step 11: concurrent creates are all served, and no connection leaks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from createflow.scenarios.bodies.markers import nonce
from createflow.scenarios.checks.support.fixtures import (
    Resource,
    created,
    expect_recovery,
    missing_url,
    resource_in,
)
from createflow.scenarios.harness.check import Lane, Need, check
from createflow.scenarios.harness.expect import expect, expect_one_row
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import Primary
from createflow.scenarios.target.probes import Faults, Target
from createflow.scenarios.target.reply import Reply
from createflow.schemas.flow import Step

_AT_ONCE = 60
_AFTERWARDS = 10
_TRIES = 3
_EFFECT_WITHIN_S = 5.0
_REFUSED = 32
"""Of each kind: more than the connections of a usual pool."""


@check(step=Step.CONNECTION_POOL, source="contract: pool", catches="pool_leaks", disturbs=Lane.POOL)
async def parallel_creates_all_answer(target: Target, primary: Primary | None) -> None:
    """Sixty concurrent creates are all accepted with different ids, and so are the creates after them.

    Where the profile promises saturation, one that is refused with 503 is sent again after its Retry-After.

    Why: a leaked connection shows only when the pool has used all of its connections.
    """
    bodies = [target.contract.document() for _ in range(_AT_ONCE)]
    replies = await asyncio.gather(*(_accepted_in_time(target, body) for body in bodies))
    for reply in replies:
        expect(reply.accepted, f"{_AT_ONCE} creates at once accepted", str(reply.status), reply)
    made = [resource_in(target, reply, body) for reply, body in zip(replies, bodies, strict=True)]
    count = len({resource.id for resource in made})
    expect(count == _AT_ONCE, f"{_AT_ONCE} different ids", str(count), *replies[-1:])
    for _ in range(_AFTERWARDS):
        reply = await target.create()
        expect(reply.accepted, "creates afterwards accepted", str(reply.status), reply)
    if primary is not None:
        for resource in made:
            rows = await primary.by_id(resource.id)
            expect_one_row(rows, "one row for each create", resource.reply)


@check(step=Step.CONNECTION_POOL, source="contract: pool", catches="pool_leaks_on_errors", disturbs=Lane.POOL)
async def refused_writes_leak_nothing(target: Target) -> str:
    """After many writes that were refused late, by a used key, an old version or a missing resource, creates go on.

    Why: a connection that is given back only after a success is lost with each refusal, until none is left.
    """
    key = nonce()
    made = await created(target, headers={"idempotency-key": key} if target.contract.idempotency else None)
    refusals = _refusals(target, made, key)
    if not refusals:
        raise NotDeclared("`target.idempotency`, `target.update` and `target.delete` are not configured")
    told: list[str] = []
    refused: list[Reply] = []
    for what, send in refusals.items():
        replies = await asyncio.gather(*(send() for _ in range(_REFUSED)))
        refused += (of_kind := [reply for reply in replies if 400 <= reply.status < 500])
        told.append(f"{len(of_kind)} {what}")
    bodies = [target.contract.document() for _ in range(_AFTERWARDS)]
    for reply in await asyncio.gather(*(_accepted_in_time(target, body) for body in bodies)):
        expect(reply.accepted, f"creates accepted after {', '.join(told)}", str(reply.status), *refused[:1], reply)
    return f"creates are accepted after {', '.join(told)} refused"


@check(
    step=Step.CONNECTION_POOL,
    source="contract: pool",
    needs=(Need.READ_ERROR,),
    disturbs=True,
    limit_s=60.0,
    catches="pool_leaks_on_failed_reads",
)
async def failed_reads_leak_nothing(target: Target, faults: Faults) -> str:
    """After many reads that failed in the database, reads and creates go on.

    How: resources are read that no cache holds.
    """
    made = await created(target)

    async def read() -> Reply:
        return await target.read(missing_url(made))

    async with faults.injected("read_error"):
        # The first to fail shows that the fault has taken effect; then many at once, before a breaker opens.
        first, failed = await eventually(read, lambda reply: reply.status >= 500, within_s=_EFFECT_WITHIN_S)
        if not failed:
            raise Inconclusive(f"the fault had no effect: a read was answered with {first.status}")
        replies = await asyncio.gather(*(read() for _ in range(_REFUSED)))
    await expect_recovery(target)
    within_s = target.deadlines.recovery_s
    reply, is_back = await eventually(read, lambda reply: reply.status in {404, 410}, within_s=within_s)
    expect(is_back, f"404 for a missing resource {within_s:g} s after failed reads", str(reply.status), reply)
    count = 1 + sum(reply.status >= 500 for reply in replies)
    return f"reads and creates go on after {count} failed reads"


def _refusals(target: Target, made: Resource, key: str) -> dict[str, Callable[[], Awaitable[Reply]]]:
    """The kinds of refusal that reach the database, where the profile declares them."""
    contract, found = target.contract, dict[str, Callable[[], Awaitable[Reply]]]()
    if contract.idempotency:
        found["creates with a used key"] = lambda: target.create(headers={"idempotency-key": key})
    if contract.update:
        stale = {"if-match": f'"{nonce()}"'}
        found["updates of another version"] = lambda: target.update(made.url, contract.document(), headers=stale)
        found["updates of a missing resource"] = lambda: target.update(missing_url(made), contract.document())
    if contract.delete:
        found["deletes of a missing resource"] = lambda: target.delete(missing_url(made))
    return found


async def _accepted_in_time(target: Target, body: Mapping[str, Any]) -> Reply:
    """The reply to a create, or the last of those that a busy target has put off."""
    reply = await target.create(body)
    for _ in range(_TRIES if target.contract.promises.saturation else 0):
        wait_s = reply.busy_for_s if reply.status == 503 else None
        if wait_s is None:
            break
        await asyncio.sleep(wait_s)
        reply = await target.create(body)
    return reply
