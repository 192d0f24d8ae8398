"""The six refusals of the contract can be distinguished from each other."""

import json
from collections.abc import Awaitable, Callable
from itertools import combinations

from createflow.scenarios.checks.support.burst import exceed_rate
from createflow.scenarios.checks.support.fixtures import positive_controls
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.expect import expect, expect_status, expect_unreadable
from createflow.scenarios.harness.recovery import wait_for_recovery
from createflow.scenarios.outcome import Expectation, Inconclusive, NotDeclared
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.probes import Faults, Target, Tokens
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.write_record import WriteRecord
from createflow.schemas.flow import Step
from createflow.schemas.profile import FaultName

_EFFECT_WITHIN_S = 10.0


@check(
    step=Step.RESPONSE,
    source="contract: error-format",
    catches="limit_looks_like_outage",
    disturbs=True,
    limit_s=120.0,
)
async def six_refusals_are_told_apart(
    target: Target, tokens: Tokens | None, faults: Faults | None, record: WriteRecord
) -> None:
    """400, 401, 403, 429, 500 and 503 are each provoked, and differ in status or code.

    Why: a client corrects the first, logs in at the second, gives up at the third and tries again after the others, so
    a program must be able to distinguish them; that they differ is a should where our own contract is not promised.
    Codes are compared where the profile names their place, and in problem documents. What an earlier check of the run
    has provoked, with a fault or a flood, is not provoked again.
    """
    seen: dict[int, Reply] = {}
    absent: list[str] = []

    async def see(status: int, provoke: Callable[[], Awaitable[Reply]], *, met_by: str = "") -> None:
        try:
            met = record.refusal_of(met_by, lambda reply: reply.means(status)) if met_by else None
            reply = met or await provoke()
        except NotDeclared as absence:
            absent.append(f"{status}: {absence}")
            return
        if status == 400:
            expect_unreadable(reply, "a create that must be refused with it")
        else:
            expect_status(reply, status, of="a create that must be refused with it")
        seen[status] = reply

    broken = json.dumps(target.contract.document()).encode()[:-1]
    async with positive_controls(target):
        await see(400, lambda: target.create(broken))
        await see(401, lambda: target.create(who=_without_token(tokens)))
        await see(403, lambda: target.create(who=_known(tokens).reader()))
        await see(500, lambda: _broken_down(target, faults, 500, "database_error"), met_by="transaction.database_")
        await see(
            503,
            lambda: _broken_down(target, faults, 503, "service_down", "gateway_down", "database_down"),
            met_by="service_router.service_down",
        )
    # Last, because creates of the subject are refused for some time after it.
    await see(429, lambda: _limited(target), met_by="rate_limit.")
    lesser = Lesser.than_our_contract(target.contract)
    with lesser:
        _expect_distinct(seen, target)
    lesser.tell()
    if absent:
        distinct = ", ".join(str(status) for status in seen)
        raise NotDeclared(f"{distinct} are distinct; the others cannot be provoked: {'; '.join(absent)}")


def _without_token(tokens: Tokens | None) -> Principal:
    _known(tokens)
    return ANONYMOUS


def _known(tokens: Tokens | None) -> Tokens:
    if tokens is None:
        raise NotDeclared("`auth` is not configured")
    return tokens


async def _broken_down(target: Target, faults: Faults | None, status: int, *names: FaultName) -> Reply:
    """The refusal of a create while one of the faults is in; creates are accepted again when this returns."""
    if faults is None:
        raise NotDeclared(" or ".join(f"`faults.{name}`" for name in names) + " is not configured")
    async with faults.injected(*names):
        # The status may be another one until the failure is detected.
        reply, _ = await eventually(target.create, lambda last: last.means(status), within_s=_EFFECT_WITHIN_S)
    if reply.accepted:
        raise Inconclusive(f"creates were accepted all the time: faults.{names[0]} had no effect")
    last, recovered = await wait_for_recovery(target, within_s=target.deadlines.recovery_s)
    if not recovered:
        raise Inconclusive(f"no create is accepted after faults.{names[0]} was healed: {last}")
    return reply


async def _limited(target: Target) -> Reply:
    """The refusal of the limiter. Another check reports when there is none."""
    try:
        return await exceed_rate(target, target.writer)
    except Expectation as unlimited:
        raise Inconclusive(f"no 429 came (see rate_limit.excess_is_429): {unlimited}") from None


def _expect_distinct(seen: dict[int, Reply], target: Target) -> None:
    errors = target.contract.errors
    codes = {status: reply.error_code for status, reply in seen.items() if errors.code or _is_problem(reply)}
    for status, code in codes.items():
        expect(code is not None or not errors.code, f"a code for the {status}", "none", seen[status])
    for one, other in combinations(seen, 2):
        known = codes.get(one) is not None and codes.get(other) is not None
        differ = codes[one] != codes[other] if known else seen[one].status != seen[other].status
        alike = f"both {seen[one].status}" if not known else f"both have the code {codes[one]}"
        expect(differ, f"distinct refusals {one} and {other}", alike, seen[one], seen[other])


def _is_problem(reply: Reply) -> bool:
    return reply.media_type == "application/problem+json"
