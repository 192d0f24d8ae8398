"""Step 11: concurrent creates are all served, and no connection leaks."""

import asyncio

from createflow.scenarios.checks.support.fixtures import resource_in
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.expect import expect
from createflow.scenarios.sinks.sink import Primary
from createflow.scenarios.target.probes import Target
from createflow.schemas.flow import Step

_AT_ONCE = 60
_AFTERWARDS = 10


@check(step=Step.CONNECTION_POOL, source="contract: pool", catches="pool_leaks", disturbs=True)
async def parallel_creates_all_answer(target: Target, primary: Primary | None) -> None:
    """Sixty concurrent creates are all accepted with different ids, and so are the creates after them.

    Why: a leaked connection shows only when the pool has used all of its connections.
    """
    bodies = [target.contract.document() for _ in range(_AT_ONCE)]
    replies = await asyncio.gather(*(target.create(body) for body in bodies))
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
            expect(len(rows) == 1, "one row for each create", str(len(rows)), resource.reply)
