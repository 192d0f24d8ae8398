"""Tokens that the issuer signed, but that are not valid here, or for this purpose."""

from collections.abc import Mapping

from createflow.scenarios.checks.support.every_method import expect_refused
from createflow.scenarios.checks.support.fixtures import created, positive_controls
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_unauthenticated
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.credentials import forged_tokens
from createflow.scenarios.target.credentials.forged_tokens import Jws
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import Issuer, Target, Tokens
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_TIMES_THE_OTHERS, _SLOWER_S = 20, 2.0
_LOOKS_AT_SLOW = 2
"""Once, the machine may have been busy just then."""
_OF_EACH_TOKEN = frozenset({"sub", "iat", "nbf", "exp", "jti", "auth_time"})
"""Claims that may differ between any two tokens."""


@check(
    step=Step.AUTH_CHECK,
    source="contract: unauthenticated-401; RFC 7519 §2, §4.1.3; RFC 8725 §3.9; RFC 9068 §4",
    catches=("ignores_audience", "one_audience_only", "audience_by_part", "updates_for_any_audience"),
)
async def token_for_others_is_401(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token with another or no audience, or with another or no issuer, is refused with 401.

    An audience may be a list: it is accepted where it names the target (asked where our own contract is promised), and
    refused where it does not. Why: a token that was issued for another service must not be valid here.
    """
    token = tokens.writer().token or ""
    claims = Jws.parse(token).claims
    forms = {}
    if "aud" in claims:
        forms["another audience"] = issuer.sign(token, claims={"aud": "somebody-else"})
        forms["an audience in another letter case"] = issuer.sign(token, claims={"aud": str(claims["aud"]).swapcase()})
        for form, text in _around(claims["aud"]).items():
            forms[f"{form} its audience"] = issuer.sign(token, claims={"aud": text})
        forms["a list of other audiences"] = issuer.sign(token, claims={"aud": ["somebody-else", "nobody"]})
        if isinstance(claims["aud"], str) and target.contract.is_promised:
            several = issuer.sign(token, claims={"aud": ["somebody-else", claims["aud"]]})
            async with positive_controls(target, who=tokens.writer()):
                reply = await target.create(who=tokens.writer().holding(several))
                expect(reply.accepted, "a token for several audiences accepted", str(reply.status), reply)
        forms["no audience"] = issuer.sign(token, without=["aud"])
    if "iss" in claims:
        forms["another issuer"] = issuer.sign(token, claims={"iss": "https://elsewhere.example"})
        forms["the issuer with a slash"] = issuer.sign(token, claims={"iss": f"{claims['iss']}/"})
        for form, text in _around(claims["iss"]).items():
            forms[f"{form} its issuer"] = issuer.sign(token, claims={"iss": text})
        forms["no issuer"] = issuer.sign(token, without=["iss"])
    if not forms:
        raise NotDeclared("neither `auth.audience` nor `auth.issuer` is given")
    await each_is_401(target, tokens, forms)


@check(
    step=Step.AUTH_CHECK,
    source="contract: forbidden-403",
    catches=("no_roles_is_writer", "first_role_only", "role_by_beginning", "powerless_may_read"),
    needs=(Need.CONTRACT,),
)
async def every_role_counts(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token with no role is refused with 403, and one with several roles may do what any of them allows.

    How: the claim of the roles is the one in which the tokens of a writer and a reader differ.
    """
    writer, token = tokens.writer(), tokens.writer().token or ""
    few, many = (Jws.parse(one.token or "").claims for one in (tokens.reader(), writer))
    names = [name for name in many if name not in _OF_EACH_TOKEN and many[name] != few.get(name)]
    if (
        not target.contract.is_promised
        or len(names) != 1
        or not all(isinstance(one[names[0]], list) for one in (few, many))
    ):
        raise NotDeclared("roles in one list are a promise of the contract only")
    name = names[0]
    async with positive_controls(target, who=writer):
        made = await created(target, who=writer)
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
            "a role in another letter case": issuer.sign(
                token, claims={name: [role.swapcase() for role in many[name]]}
            ),
        }
        for form, end in (("a longer role", "s"), ("a role and another word", " x"), ("a role and a comma", ",x")):
            powerless[form] = issuer.sign(token, claims={name: [f"{role}{end}" for role in many[name]]})
        for form, signed in powerless.items():
            who = writer.holding(signed)
            await expect_refused(target, made, who, f"by a token with {form}", 403)
        shorter = issuer.sign(token, claims={name: [role[:-1] for role in many[name]]})
        await expect_refused(target, made, writer.holding(shorter), "by a token with a shorter role", 403)
        # No list: a server may take it as no valid token (401).
        joined = issuer.sign(token, claims={name: f"x{' '.join(many[name])}x"})
        await expect_refused(target, made, writer.holding(joined), "by a token whose roles are a text", 401, 403)


@check(step=Step.AUTH_CHECK, source="RFC 7515 §4.1.11; RFC 8725 §3.3", catches="ignores_crit")
async def unknown_critical_header_is_401(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token whose crit names a header that nobody knows is refused with 401, and one whose crit is malformed.

    The second is a should: RFC 7515 §4.1.11 forbids an empty crit to those who make tokens, and leaves it to the
    others.
    """
    token = tokens.writer().token or ""
    forms: dict[str, dict[str, object]] = {
        "a critical header that nobody knows": {"crit": ["urn:createflow:unknown"], "urn:createflow:unknown": True},
        "a critical header that is not there": {"crit": ["urn:createflow:absent"]},
    }
    malformed: dict[str, dict[str, object]] = {"an empty crit": {"crit": []}, "a crit that is no list": {"crit": "exp"}}
    await each_is_401(target, tokens, {form: issuer.sign(token, header=header) for form, header in forms.items()})
    lesser = Lesser.than_our_contract(target.contract)
    with lesser:
        signed = {form: issuer.sign(token, header=header) for form, header in malformed.items()}
        await each_is_401(target, tokens, signed)
    lesser.tell()


@check(
    step=Step.AUTH_CHECK,
    source="RFC 8725 §3.11; RFC 9068 §2.2, §4",
    catches=("any_token_type", "type_not_needed"),
)
async def other_kind_of_token_is_401(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token of another type (another typ or none, no subject) is refused with 401.

    Without ``promises.token_types`` it is a should. Why: an issuer signs ID tokens, refresh tokens and invitations with
    the same key; none is for access to an API.
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
        forms["no type"] = issuer.sign(token, without=["typ"])
        forms["an empty type"] = issuer.sign(token, header={"typ": ""})
    lesser = Lesser(is_promised=target.contract.promises.token_types)
    with lesser:
        await each_is_401(target, tokens, forms)
    lesser.tell()


@check(
    step=Step.AUTH_CHECK,
    level=Level.SHOULD,
    source="draft-ietf-oauth-rfc8725bis-10 §3.13; OWASP API4:2023",
    catches="derives_keys",
)
async def encrypted_token_is_401_quickly(target: Target, tokens: Tokens) -> None:
    """An encrypted token is refused with 401 as quickly as other bad tokens, however much work its header demands.

    How: it is too slow if it takes 20 times as long as the slowest of those that are sent before and after it, and more
    than 2 s longer, twice. Why: p2c is a number of hash rounds that the sender chooses; a verifier that computes them
    can be overloaded.
    """
    writer = tokens.writer()
    token = "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJlbmMiOiJBMTI4R0NNIiwicDJzIjoiYzJGc2RBIiwicDJjIjoyMDAwMDAwMDB9"  # noqa: S105 - no secret: a header
    async with positive_controls(target, who=writer):
        for _ in range(_LOOKS_AT_SLOW):
            before_s = await _slowest_other_s(target, writer)
            reply = await target.create(who=writer.holding(f"{token}.AAAA.AAAA.AAAA.AAAA"))
            form = "an encrypted token that asks for 200,000,000 rounds"
            expect_unauthenticated(reply, form, strictly=target.contract.promises.malformed_tokens)
            other_s = max(before_s, await _slowest_other_s(target, writer))
            longest_s = max(other_s * _TIMES_THE_OTHERS, other_s + _SLOWER_S)
            if reply.elapsed_s <= longest_s:
                return
        told = f"{reply.elapsed_s:.1f} s, and {other_s:.2f} s to other bad tokens"
        expect(reply.elapsed_s <= longest_s, "an answer about as quick as to other bad tokens", told, reply)


async def _slowest_other_s(target: Target, writer: Principal) -> float:
    """How long other tokens take that are refused: of no form at all, and with no signature."""
    tokens = ["no-token", *(token for _, token in forged_tokens.strip_signature(writer.token or ""))]
    return max([(await target.create(who=writer.holding(token))).elapsed_s for token in tokens])


async def each_is_401(target: Target, tokens: Tokens, forms: Mapping[str, str]) -> None:
    """Require that a create, a read, an update and a delete with each of these tokens is refused with 401."""
    writer = tokens.writer()
    async with positive_controls(target, who=writer):
        made = await created(target, who=writer)
        for form, token in forms.items():
            bad = writer.holding(token)
            await expect_refused(target, made, bad, f"by a token with {form}", 401, may_be_malformed=True)


def _around(text: object) -> dict[str, str]:
    """What a comparison by prefix, by part or without outer blanks takes for this text."""
    if not isinstance(text, str):
        return {}
    return {
        "a text before": f"x{text}",
        "a text after": f"{text}x",
        "a part of": text[:-1],
        "a blank after": f"{text} ",
    }
