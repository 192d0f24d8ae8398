"""Concurrent changes of several kinds: updates and deletes of one version."""

import asyncio

from createflow.scenarios.checks.business.business_logic.concurrent_writes import overlapping
from createflow.scenarios.checks.support.fixtures import Resource, created, etag_of
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.reply import Reply
from createflow.schemas.flow import Step

_ROUNDS = 8
_DELETES = 3


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: conditional-update; RFC 9110 §13.1.1",
    repeats=("business_logic.stale_delete_is_412", "business_logic.one_of_many_updates_wins"),
    catches=("conditional_delete_ignored", "delete_after_update"),
    needs=(Need.UPDATE, Need.DELETE),
)
async def one_of_updates_and_deletes_wins(target: Target) -> None:
    """Of an update and deletes of one version, all on their way at once, at most one is accepted.

    How: a delete has no body, and would always come first, so deletes are sent at several times while an update is on
    its way. Why: a delete whose If-Match names a version must not take the
    work of an update that came before it.
    """
    made = await created(target)
    control = await target.update(
        made.url, target.contract.document(), headers={"if-match": await etag_of(target, made)}
    )
    if not control.accepted:
        raise Inconclusive(f"an ordinary update was answered {control.status}")
    overlapped = 0
    apart_s = control.elapsed_s / (_ROUNDS * _DELETES)
    for number in range(_ROUNDS):
        made = await created(target)
        named = {"if-match": await etag_of(target, made)}
        deletes = [_delete(target, made, named, (place * _ROUNDS + number) * apart_s) for place in range(_DELETES)]
        replies = await asyncio.gather(target.update(made.url, target.contract.document(), headers=named), *deletes)
        overlapped += overlapping(replies)
        # A delete that is answered alike each time says only that the resource is gone (RFC 9110 §9.2.2).
        deleted = [reply for reply in replies[1:] if reply.accepted]
        told = f"one write of version {named['if-match']} accepted at most"
        holds = not (replies[0].accepted and deleted)
        expect(holds, told, f"an update and {len(deleted)} deletes accepted", replies[0], *deleted)
    if not overlapped:
        raise Inconclusive("no two writes truly overlapped")


async def _delete(target: Target, made: Resource, named: dict[str, str], after_s: float) -> Reply:
    await asyncio.sleep(after_s)
    return await target.delete(made.url, headers=named)
