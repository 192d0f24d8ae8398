"""Concurrent changes of several kinds: updates and deletes of one version."""

import asyncio
from itertools import chain

from createflow.scenarios.checks.business.business_logic.concurrent_writes import overlapping, together
from createflow.scenarios.checks.support.fixtures import created, etag_of
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.target.probes import Target
from createflow.schemas.flow import Step

_ROUNDS = 6
_OF_EACH = 2


@check(
    step=Step.BUSINESS_LOGIC,
    source="contract: conditional-update; RFC 9110 §13.1.1",
    repeats=("business_logic.stale_delete_is_412", "business_logic.one_of_many_updates_wins"),
    catches=("conditional_delete_ignored", "delete_after_update"),
    needs=(Need.UPDATE, Need.DELETE),
)
async def one_of_updates_and_deletes_wins(target: Target) -> None:
    """Of concurrent updates and deletes of one version at most one is accepted.

    Why: a delete whose If-Match names a version must not take the work of an update that came before it.
    """
    overlapped = 0
    for number in range(_ROUNDS):
        made = await created(target)
        named = {"if-match": await etag_of(target, made)}
        hold = together(target, 2 * _OF_EACH, number)
        updates = [
            target.update(made.url, target.contract.document(), headers=named, hold=hold) for _ in range(_OF_EACH)
        ]
        deletes = [target.delete(made.url, headers=named, hold=hold) for _ in range(_OF_EACH)]
        # Turn about, so that neither kind always comes first.
        replies = await asyncio.gather(*chain.from_iterable(zip(updates, deletes, strict=True)))
        await hold.led()
        overlapped += overlapping(replies)
        accepted = [reply for reply in replies if reply.accepted]
        told = f"one write of version {named['if-match']} accepted at most"
        # A delete that is answered alike each time says only that the resource is gone (RFC 9110 §9.2.2).
        updated = [reply for reply in replies[::2] if reply.accepted]
        deleted = [reply for reply in replies[1::2] if reply.accepted]
        holds = len(updated) <= 1 and not (updated and deleted)
        expect(holds, told, f"{len(updated)} updates and {len(deleted)} deletes accepted", *accepted)
    if not overlapped:
        raise Inconclusive("no two writes truly overlapped")
