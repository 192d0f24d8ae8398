"""Step 6: an outage is answered with quick 503s, and creates are accepted again after it."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from createflow.scenarios.checks.support.fixtures import below, created, expect_recovery, missing_url, positive_controls
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_header, expect_status
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import Primary
from createflow.scenarios.target.http_client import NoReply
from createflow.scenarios.target.probes import Faults, Target
from createflow.scenarios.target.reply import Reply
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_NOTICES_WITHIN_S = 10.0
_OPENS_WITHIN_S = 10.0
_PAUSE_S = 0.01
_FAST_S = 0.5
"""An open breaker does not wait for anything; this leaves room for a busy machine."""
_OPEN_REPLIES = 4
_FAST_REPLIES = 5
_UNANSWERED = 4
_APART_S = 0.1


@check(
    step=Step.SERVICE_ROUTER,
    source="contract: unavailable-503; contract: unknown-outcome-504; RFC 9110 §10.2.3",
    catches=("down_is_500", "balancer_turns_503_into_502", "balancer_drops_retry_after"),
    needs=(Need.SERVICE_DOWN,),
    disturbs=True,
    limit_s=60.0,
)
async def service_down_is_503(target: Target, faults: Faults) -> None:
    """With every service instance down the reply is 503 with Retry-After, and creates are accepted after recovery.

    504 is allowed until the failure is detected: the outcome is then unknown. Retry-After is a should where our own
    contract is not promised.
    """
    lesser = Lesser.than_our_contract(target.contract)
    async with positive_controls(target):
        pass
    async with faults.injected("service_down"):
        reply, steady = await eventually(
            target.create, lambda reply: not reply.accepted and reply.status != 504, within_s=_NOTICES_WITHIN_S
        )
        if reply.accepted:
            raise Inconclusive("the fault had no effect: creates were still accepted")
        expect(steady, f"503 within {_NOTICES_WITHIN_S:g} s", str(reply.status), reply)
        expect_status(reply, 503, of="a create with no live service")
        with lesser:
            expect_header(reply, "Retry-After")
    await expect_recovery(target)
    lesser.tell()


@check(
    step=Step.SERVICE_ROUTER,
    source="contract: circuit-breaker",
    catches="breaker_never_opens",
    needs=(Need.CONTRACT, Need.DATABASE_FAULT),
    disturbs=True,
    limit_s=60.0,
)
async def breaker_opens_and_recovers(target: Target, faults: Faults) -> None:
    """Lasting database errors open the circuit breaker: quick 503s with Retry-After, and recovery afterwards."""
    async with positive_controls(target):
        pass
    async with faults.injected("database_error", "database_down"):
        errors, opened = await _until_open(target)
        if not errors and opened.accepted:
            raise Inconclusive("the fault had no effect: creates were still accepted")
        expect_status(opened, 503, of=f"creates after {errors} database errors in {_OPENS_WITHIN_S:g} s")
        expect_header(opened, "Retry-After")
        fast: list[Reply] = []
        for _ in range(_FAST_REPLIES):
            reply = await target.create()
            if reply.status == 503:
                fast.append(reply)
        # A half-open breaker lets a probe through now and then: most, not all, are answered at once.
        expect(len(fast) > _FAST_REPLIES // 2, "503 while the breaker is open", f"{len(fast)} of {_FAST_REPLIES}")
        median_s = sorted(reply.elapsed_s for reply in fast)[len(fast) // 2]
        expect(median_s <= _FAST_S, f"503 within {_FAST_S:g} s while the breaker is open", f"{median_s:.2f} s", *fast)
    await expect_recovery(target)


@check(
    step=Step.SERVICE_ROUTER,
    source="contract: unknown-outcome-504; RFC 9110 §9.2.2",
    needs=(Need.DATABASE_DOWN,),
    disturbs=True,
    limit_s=60.0,
    catches=("balancer_repeats_creates", "service_repeats_writes"),
)
async def unanswered_create_is_made_once(target: Target, faults: Faults, primary: Primary) -> str:
    """A create that the database does not answer in time is carried out once at most, when the database goes on.

    One that was answered with 503 is not carried out. Why: whatever sends a POST again on its way, for example a
    balancer or a gateway, cannot know whether the first one has an effect (RFC 9110 §9.2.2).
    """
    async with positive_controls(target):
        pass
    bodies = [target.contract.document() for _ in range(_UNANSWERED)]
    async with faults.injected("database_down"):
        # The first is alone on its way, the others come together: a target may write them in other ways.
        waits_s = [0.0, *[_APART_S] * (_UNANSWERED - 1)]
        answers = await asyncio.gather(*map(partial(_answer, target), bodies, waits_s))
    if any(reply is not None and reply.accepted for reply in answers):
        raise Inconclusive("the fault had no effect: a create was accepted")
    await expect_recovery(target)
    comparison = Comparison("creates", "one row at most of a create without an answer, none of one answered with 503")
    for body, reply in zip(bodies, answers, strict=True):
        rows = await primary.by_name(target.contract.name_in(body))
        is_refused = reply is not None and reply.means(503)
        answered = "without a reply" if reply is None else f"answered with {reply.status}"
        problem = f"a create {answered} has {len(rows)} rows" if len(rows) > (0 if is_refused else 1) else ""
        comparison.add(problem, *([] if reply is None else [reply]))
    return comparison.conclude()


async def _answer(target: Target, body: Mapping[str, Any], after_s: float) -> Reply | None:
    await asyncio.sleep(after_s)
    try:
        return await target.create(body)
    except NoReply:
        return None


@check(
    step=Step.SERVICE_ROUTER,
    level=Level.SHOULD,
    source="contract: service-routing",
    catches=("missing_is_500", "head_finds_missing"),
)
async def unknown_resource_is_404(target: Target) -> None:
    """A missing resource, and a path that does not exist, are answered 404."""
    async with positive_controls(target):
        made = await created(target)
        expect((await target.read(made.url)).accepted, "the created resource found", "it is not", made.reply)
        for missing in (missing_url(made), below(made.url)):
            expect_status(await target.read(missing), 404, of=f"GET {missing}")
        if (await target.send("HEAD", made.url)).accepted:  # RFC 9110 §9.3.2: the same as GET, without content
            expect_status(await target.send("HEAD", missing_url(made)), 404, of="HEAD of a missing resource")


async def _until_open(target: Target) -> tuple[int, Reply]:
    """How many errors were seen before the 503s, and the last reply.

    Several 503s in a row: each instance of a gateway has a breaker of its own, and they open one after the other.
    """
    errors = in_a_row = 0
    async with asyncio.timeout(_OPENS_WITHIN_S + target.deadlines.recovery_s):
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _OPENS_WITHIN_S
        while True:
            reply = await target.create()
            in_a_row = in_a_row + 1 if reply.status == 503 else 0
            if in_a_row == _OPEN_REPLIES or loop.time() > deadline:
                return errors, reply
            errors += reply.status != 503 and not reply.accepted
            await asyncio.sleep(_PAUSE_S)
