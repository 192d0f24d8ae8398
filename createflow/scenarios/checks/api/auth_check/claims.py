"""Tokens that the issuer signed, but that are not valid now, here, or for this purpose."""

import time
from collections.abc import Mapping

from createflow.scenarios.checks.support.fixtures import positive_controls
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.expect import expect, expect_status
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.credentials.forged_tokens import Jws
from createflow.scenarios.target.probes import Issuer, Target, Tokens
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_FEW_MINUTES_S = 300
"""RFC 7519: a leeway is usually no more than a few minutes."""
_LIFE_S = 900
_QUICK_S = 2.0
_OF_EACH_TOKEN = ("sub", "iat", "nbf", "exp", "jti", "auth_time")
"""Claims that may differ between any two tokens."""


@check(step=Step.AUTH_CHECK, source="RFC 7519 §4.1.4", catches="long_leeway")
async def end_is_kept(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token is accepted until just before it expires, and refused with 401 a few minutes after."""
    writer = tokens.writer()
    now = int(time.time())
    async with positive_controls(target, who=writer):
        ending = issuer.sign(writer.token or "", claims={"exp": now + 30})
        reply = await target.create(who=writer.holding(ending))
        expect(reply.accepted, "a token that ends in 30 s accepted", str(reply.status), reply)
        ended = issuer.sign(writer.token or "", claims={"iat": now - _LIFE_S, "exp": now - _FEW_MINUTES_S - 2})
        expect_status(await target.create(who=writer.holding(ended)), 401, of="a token that ended 5 minutes ago")


@check(step=Step.AUTH_CHECK, source="RFC 7519 §2, §4.1.4", catches="timeless_tokens")
async def end_must_be_a_time(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token without an expiry time, or whose exp is not a number, is refused with 401."""
    writer = tokens.writer()
    token = writer.token or ""
    forms = {
        "no end": issuer.sign(token, without=["exp"]),
        "a word for its end": issuer.sign(token, claims={"exp": "never"}),
        "an end of null": issuer.sign(token, claims={"exp": None}),
        "a list for its end": issuer.sign(token, claims={"exp": [2**40]}),
    }
    await _each_is_401(target, tokens, forms)


@check(step=Step.AUTH_CHECK, source="RFC 7519 §4.1.5", catches="ignores_not_before")
async def early_token_is_401(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token that is not yet valid (nbf in the future) is refused with 401."""
    token = tokens.writer().token or ""
    now = int(time.time())
    later = {"nbf": now + _FEW_MINUTES_S + 60, "exp": now + _LIFE_S * 2}
    await _each_is_401(target, tokens, {"a beginning six minutes ahead": issuer.sign(token, claims=later)})


@check(step=Step.AUTH_CHECK, level=Level.SHOULD, source="RFC 7519 §4.1.6", catches="ignores_issued_at")
async def token_from_the_future_is_401(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token with an issue time (iat) one hour in the future is refused with 401."""
    token = tokens.writer().token or ""
    now = int(time.time())
    ahead = issuer.sign(token, claims={"iat": now + 3600, "exp": now + 3600 + _LIFE_S})
    await _each_is_401(target, tokens, {"an issue time one hour ahead": ahead})


@check(
    step=Step.AUTH_CHECK,
    source="RFC 7519 §4.1.1, §4.1.3; RFC 8725 §3.8, §3.9",
    catches=("ignores_audience", "one_audience_only"),
)
async def token_for_others_is_401(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token with another or no audience, or with another or no issuer, is refused with 401.

    An audience may be a list: it is accepted where it names the target (asked where the contract's schema is used), and
    refused where it does not. Why: a token that was issued for another service must not be valid here.
    """
    token = tokens.writer().token or ""
    claims = Jws.parse(token).claims
    forms = {}
    if "aud" in claims:
        forms["another audience"] = issuer.sign(token, claims={"aud": "somebody-else"})
        forms["an audience in another letter case"] = issuer.sign(token, claims={"aud": str(claims["aud"]).swapcase()})
        forms["a list of other audiences"] = issuer.sign(token, claims={"aud": ["somebody-else", "nobody"]})
        if isinstance(claims["aud"], str) and target.contract.is_default:
            several = issuer.sign(token, claims={"aud": ["somebody-else", claims["aud"]]})
            async with positive_controls(target, who=tokens.writer()):
                reply = await target.create(who=tokens.writer().holding(several))
                expect(reply.accepted, "a token for several audiences accepted", str(reply.status), reply)
        forms["no audience"] = issuer.sign(token, without=["aud"])
    if "iss" in claims:
        forms["another issuer"] = issuer.sign(token, claims={"iss": "https://elsewhere.example"})
        forms["the issuer with a slash"] = issuer.sign(token, claims={"iss": f"{claims['iss']}/"})
        forms["no issuer"] = issuer.sign(token, without=["iss"])
    await _each_is_401(target, tokens, forms)


@check(
    step=Step.AUTH_CHECK,
    source="contract: forbidden-403",
    catches=("no_roles_is_writer", "first_role_only"),
)
async def every_role_counts(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token with no role is refused with 403, and one with several roles may do what any of them allows.

    How: the claim of the roles is the one in which the tokens of a writer and a reader differ.
    """
    writer, token = tokens.writer(), tokens.writer().token or ""
    few, many = (Jws.parse(one.token or "").claims for one in (tokens.reader(), writer))
    names = [name for name in many if name not in _OF_EACH_TOKEN and many[name] != few.get(name)]
    if (
        not target.contract.is_default
        or len(names) != 1
        or not all(isinstance(one[names[0]], list) for one in (few, many))
    ):
        raise NotDeclared("roles in one list are a promise of the contract only")
    name = names[0]
    async with positive_controls(target, who=writer):
        for form, roles in (
            ("the reader's role first", few[name] + many[name]),
            ("an unknown role first", ["x", *many[name]]),
        ):
            reply = await target.create(who=writer.holding(issuer.sign(token, claims={name: roles})))
            expect(reply.accepted, f"a writer's token with {form} accepted", str(reply.status), reply)
        powerless = {
            "no roles": issuer.sign(token, without=[name]),
            "an empty list of roles": issuer.sign(token, claims={name: []}),
            "only an unknown role": issuer.sign(token, claims={name: ["x"]}),
        }
        for form, signed in powerless.items():
            expect_status(await target.create(who=writer.holding(signed)), 403, of=f"a create by a token with {form}")


@check(step=Step.AUTH_CHECK, source="RFC 7515 §4.1.11", catches="ignores_crit")
async def unknown_critical_header_is_401(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token whose crit is empty, unknown, or names a missing header is refused with 401."""
    token = tokens.writer().token or ""
    forms: dict[str, dict[str, object]] = {
        "a critical header that nobody knows": {"crit": ["urn:createflow:unknown"], "urn:createflow:unknown": True},
        "a critical header that is not there": {"crit": ["urn:createflow:absent"]},
        "an empty crit": {"crit": []},
        "a crit that is no list": {"crit": "exp"},
    }
    signed = {form: issuer.sign(token, header=header) for form, header in forms.items()}
    await _each_is_401(target, tokens, signed)


@check(step=Step.AUTH_CHECK, level=Level.SHOULD, source="RFC 8725 §3.11, §3.12; RFC 9068 §4", catches="any_token_type")
async def other_kind_of_token_is_401(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token of another type (another typ, no subject) is refused with 401.

    Why: an issuer signs ID tokens, refresh tokens and invitations with the same key; none is for access to an API.
    """
    token = tokens.writer().token or ""
    forms = {
        "no subject": issuer.sign(token, without=["sub"]),
        "an empty subject": issuer.sign(token, claims={"sub": ""}),
        "a subject that is a list": issuer.sign(token, claims={"sub": ["writer"]}),
    }
    if str(Jws.parse(token).header.get("typ", "")).lower() in {"at+jwt", "application/at+jwt"}:
        for kind in ("JWT", "logout+jwt", "secevent+jwt"):
            forms[f"the type {kind}"] = issuer.sign(token, header={"typ": kind})
    await _each_is_401(target, tokens, forms)


@check(
    step=Step.AUTH_CHECK,
    level=Level.SHOULD,
    source="RFC 7518 §4.8.1.2; RFC 8725 §3.1; draft-ietf-oauth-rfc8725bis",
    catches="derives_keys",
)
async def encrypted_token_is_401_quickly(target: Target, tokens: Tokens) -> None:
    """An encrypted token is refused with 401 within 2 s, however much work its header demands.

    Why: p2c is a number of hash rounds that the sender chooses; a verifier that computes them can be overloaded.
    """
    writer = tokens.writer()
    token = "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJlbmMiOiJBMTI4R0NNIiwicDJzIjoiYzJGc2RBIiwicDJjIjoyMDAwMDAwMDB9"  # noqa: S105 - no secret: a header
    async with positive_controls(target, who=writer):
        reply = await target.create(who=writer.holding(f"{token}.AAAA.AAAA.AAAA.AAAA"))
        expect_status(reply, 401, of="an encrypted token that asks for 200,000,000 rounds")
        quick = reply.elapsed_s <= _QUICK_S
        expect(quick, f"an answer within {_QUICK_S:g} s", f"{reply.elapsed_s:.1f} s", reply)


async def _each_is_401(target: Target, tokens: Tokens, forms: Mapping[str, str]) -> None:
    writer = tokens.writer()
    async with positive_controls(target, who=writer):
        for form, token in forms.items():
            expect_status(await target.create(who=writer.holding(token)), 401, of=f"a token with {form}")
