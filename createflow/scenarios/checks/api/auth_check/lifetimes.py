"""Tokens that the issuer signed, but that are not valid now, and how long a server remembers those that were."""

import asyncio
import time

from createflow.scenarios.checks.api.auth_check.claims import each_is_401
from createflow.scenarios.checks.support.every_method import expect_refused
from createflow.scenarios.checks.support.fixtures import created, positive_controls
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_status
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import Issuer, Target, Tokens
from createflow.schemas.flow import Step

_FEW_MINUTES_S = 300
"""RFC 7519: a leeway is usually no more than a few minutes."""
_LIFE_S = 900
_CLOCKS_DIFFER_S = 2
_STILL_VALID_S = 3
_TRIES = 3
_POLL_S = 0.25


@check(
    step=Step.AUTH_CHECK,
    source="RFC 7519 §4.1.4",
    catches=("long_leeway", "leeway_of_minutes"),
    repeats=("auth_check.expired_token_is_401",),
)
async def end_is_kept(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token is accepted until just before it expires, and refused with 401 once the leeway has passed.

    The leeway is ``auth.leeway_s`` of the profile; where that is not declared, five minutes: RFC 7519 §4.1.4 allows a
    few. That it is accepted until then is a should: a server may ask for more life.
    """
    writer, lesser = tokens.writer(), Lesser.than_our_contract(target.contract)
    now = int(time.time())
    leeway_s = _FEW_MINUTES_S if issuer.leeway_s is None else issuer.leeway_s
    async with positive_controls(target, who=writer):
        made = await created(target, who=writer)
        ending = issuer.sign(writer.token or "", claims={"exp": now + 30})
        reply = await target.create(who=writer.holding(ending))
        with lesser:
            expect(reply.accepted, "a token that ends in 30 s accepted", str(reply.status), reply)
        end = int(now - leeway_s) - _CLOCKS_DIFFER_S
        ended = writer.holding(issuer.sign(writer.token or "", claims={"iat": now - _LIFE_S, "exp": end}))
        await expect_refused(target, made, ended, f"by a token that ended {now - end} s ago", 401)
    lesser.tell()


@check(step=Step.AUTH_CHECK, source="RFC 7519 §4.1.4", catches="token_remembered")
async def seen_token_ends_as_others(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token that the server has seen is refused once a new token with the same end is refused.

    How: tokens with ends in the past show the server's own leeway. One that has a moment left is used, and used again
    when another one with its end is refused. Why: a cache of verified tokens must not outlive them.
    """
    writer = tokens.writer()
    async with positive_controls(target, who=writer):
        for _ in range(_TRIES):
            leeway_s = await _leeway_s(target, writer, issuer)
            end = int(time.time()) - leeway_s + _STILL_VALID_S
            seen = [await _use(target, writer, issuer, end) for _ in range(_TRIES)]
            if all(status for status, _ in seen):
                break
        else:
            raise Inconclusive("no token could be used just before its end")
        until = time.monotonic() + 2 * _STILL_VALID_S + _CLOCKS_DIFFER_S
        while (await _use(target, writer, issuer, end))[0]:
            if time.monotonic() > until:
                raise Inconclusive("new tokens are accepted for longer than the tokens before them")
            await asyncio.sleep(_POLL_S)
        for _, who in seen:
            reply = await target.create(who=who)
            expect_status(reply, 401, of="a token that was accepted before it ended, as to a new one with the same end")


async def _use(target: Target, writer: Principal, issuer: Issuer, end: int) -> tuple[bool, Principal]:
    """Whether a new token with this end is accepted, and its principal."""
    claims = {"iat": end - _LIFE_S, "exp": end, "jti": f"{time.time_ns():x}"}
    who = writer.holding(issuer.sign(writer.token or "", claims=claims))
    reply = await target.create(who=who)
    if not reply.accepted and not reply.means(401):
        raise Inconclusive(f"a create with a token that ends now was answered with {reply.status}")
    return reply.accepted, who


async def _leeway_s(target: Target, writer: Principal, issuer: Issuer) -> int:
    """For how many seconds after its end a token is accepted, to the second.

    Raises:
        Inconclusive: for longer than a few minutes; another check reports that.
    """
    accepted, refused = -_LIFE_S, _FEW_MINUTES_S + _CLOCKS_DIFFER_S
    now = int(time.time())
    if (await _use(target, writer, issuer, now - refused))[0]:
        raise Inconclusive("tokens are accepted for minutes after their end; see end_is_kept")
    # The requests take a part of the time that is left.
    if (await _use(target, writer, issuer, int(time.time()) + _STILL_VALID_S))[0]:
        accepted = -_STILL_VALID_S
    else:
        raise Inconclusive(f"a token with {_STILL_VALID_S - 1} s left is refused")
    while refused - accepted > 1:
        middle = (accepted + refused) // 2
        now = int(time.time())
        if (await _use(target, writer, issuer, now - middle))[0]:
            accepted = middle
        else:
            refused = middle
    return refused


@check(step=Step.AUTH_CHECK, source="RFC 7519 §4.1.4", catches="timeless_tokens")
async def end_must_be_a_time(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token whose exp is not a number is refused with 401, and one without exp where the profile promises that."""
    writer = tokens.writer()
    token = writer.token or ""
    forms = {
        "a word for its end": issuer.sign(token, claims={"exp": "never"}),
        "an end of null": issuer.sign(token, claims={"exp": None}),
        "a list for its end": issuer.sign(token, claims={"exp": [2**40]}),
    }
    if target.contract.promises.token_ends:
        forms["no end"] = issuer.sign(token, without=["exp"])
    await each_is_401(target, tokens, forms)


@check(step=Step.AUTH_CHECK, source="RFC 7519 §4.1.5", catches="ignores_not_before")
async def early_token_is_401(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token that is not yet valid (nbf in the future) is refused with 401."""
    token = tokens.writer().token or ""
    now = int(time.time())
    later = {"nbf": now + _FEW_MINUTES_S + 60, "exp": now + _LIFE_S * 2}
    await each_is_401(target, tokens, {"a beginning six minutes ahead": issuer.sign(token, claims=later)})


@check(
    step=Step.AUTH_CHECK,
    source="contract: unauthenticated-401; RFC 7519 §4.1.6",
    catches="ignores_issued_at",
    needs=(Need.ISSUE_TIMES,),
)
async def token_from_the_future_is_401(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token with an issue time (iat) one hour in the future is refused with 401."""
    token = tokens.writer().token or ""
    now = int(time.time())
    ahead = issuer.sign(token, claims={"iat": now + 3600, "exp": now + 3600 + _LIFE_S})
    await each_is_401(target, tokens, {"an issue time one hour ahead": ahead})
