"""The six ways in which the flow says no, each brought about, and no two of them alike."""

import json
from collections.abc import Awaitable, Callable
from itertools import combinations

from createflow.scenarios.checks.support.burst import exceeded
from createflow.scenarios.checks.support.fixtures import accepting_again, between_creates
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.expect import expect, expect_status
from createflow.scenarios.outcome import Expectation, Inconclusive, NotDeclared
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.probes import Faults, Target, Tokens
from createflow.scenarios.target.reply import Reply
from createflow.schemas.flow import Step
from createflow.schemas.profile import FaultName

_EFFECT_WITHIN_S = 10.0


@check(
    step=Step.RESPONSE,
    source="contract: error-format; RFC 9457 §3.1.1",
    catches="limit_looks_like_outage",
    disturbs=True,
    limit_s=120.0,
)
async def six_refusals_are_told_apart(target: Target, tokens: Tokens | None, faults: Faults | None) -> None:
    """400, 401, 403, 429, 500 and 503 are each provoked, and differ in status or code.

    Why: a client corrects the first, logs in at the second, gives up at the third and tries again after the others, so
    a program must be able to distinguish them. Codes are compared where the profile names their place, and in problem
    documents.
    """
    seen: dict[int, Reply] = {}
    absent: list[str] = []

    async def see(status: int, provoke: Callable[[], Awaitable[Reply]]) -> None:
        try:
            reply = await provoke()
        except NotDeclared as absence:
            absent.append(f"{status}: {absence}")
            return
        expect_status(reply, status, of="a create that is to be refused so")
        seen[status] = reply

    broken = json.dumps(target.contract.document()).encode()[:-1]
    async with between_creates(target):
        await see(400, lambda: target.create(broken))
        await see(401, lambda: target.create(who=_stranger(tokens)))
        await see(403, lambda: target.create(who=_known(tokens).reader()))
        await see(500, lambda: _broken_down(target, faults, 500, "database_error"))
        await see(503, lambda: _broken_down(target, faults, 503, "service_down", "gateway_down", "database_down"))
    # Last, because the subject's creates are refused for a while after it.
    await see(429, lambda: _limited(target))
    _told_apart(seen, target)
    if absent:
        told = ", ".join(str(status) for status in seen)
        raise NotDeclared(f"{told} are told apart; the others cannot be brought about: {'; '.join(absent)}")


def _stranger(tokens: Tokens | None) -> Principal:
    _known(tokens)
    return ANONYMOUS


def _known(tokens: Tokens | None) -> Tokens:
    if tokens is None:
        raise NotDeclared("`auth` is not configured")
    return tokens


async def _broken_down(target: Target, faults: Faults | None, status: int, *names: FaultName) -> Reply:
    """The refusal of a create while one of the faults is in; creates are accepted again when this returns."""
    if faults is None:
        raise NotDeclared(f"not declared: faults.{' or faults.'.join(names)}")
    async with faults.injected(*names):
        # The trouble may be told otherwise while it is being noticed.
        reply, _ = await eventually(target.create, lambda last: last.means(status), within_s=_EFFECT_WITHIN_S)
    if reply.accepted:
        raise Inconclusive(f"creates were accepted all the time: faults.{names[0]} had no effect")
    last, recovered = await accepting_again(target, within_s=target.deadlines.recovery_s)
    if not recovered:
        raise Inconclusive(f"no create is accepted after faults.{names[0]} was healed: {last}")
    return reply


async def _limited(target: Target) -> Reply:
    """The limiter's refusal. That there is none is another check's finding, and must not be told twice."""
    try:
        return await exceeded(target, target.writer)
    except Expectation as unlimited:
        raise Inconclusive(f"no 429 came (see rate_limit.excess_is_429): {unlimited}") from None


def _told_apart(seen: dict[int, Reply], target: Target) -> None:
    errors = target.contract.errors
    codes = {status: reply.error_code for status, reply in seen.items() if errors.code or _is_problem(reply)}
    for status, code in codes.items():
        expect(code is not None or not errors.code, f"a code for the {status}", "none", seen[status])
    for one, other in combinations(seen, 2):
        known = codes.get(one) is not None and codes.get(other) is not None
        differ = codes[one] != codes[other] if known else seen[one].status != seen[other].status
        alike = f"both {seen[one].status}" if not known else f"both have the code {codes[one]}"
        expect(differ, f"the refusals {one} and {other} told apart", alike, seen[one], seen[other])


def _is_problem(reply: Reply) -> bool:
    return reply.media_type == "application/problem+json"
