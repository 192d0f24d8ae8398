"""Requests without a valid token, or without the right role."""

from createflow.scenarios.checks.support.every_method import expect_refused
from createflow.scenarios.checks.support.fixtures import created, positive_controls
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.expect import expect, expect_header, expect_status, expect_unauthenticated
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.credentials import forged_tokens
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.probes import Target, Tokens
from createflow.scenarios.target.received import challenge_schemes
from createflow.schemas.flow import Step

_OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")
"""With which clients behind proxies that pass GET and POST only name another method."""


@check(
    step=Step.AUTH_CHECK,
    source="contract: unauthenticated-401; RFC 9110 §11.4",
    catches=("open_door", "reads_need_no_token", "lists_need_no_token", "head_needs_no_token"),
)
async def missing_token_is_401(target: Target, _tokens: Tokens) -> None:
    """A create, update or delete without a token is refused with 401, and a read where the contract asks for it."""
    async with positive_controls(target):
        made = await created(target)
        await expect_refused(target, made, ANONYMOUS, "without a token", 401)


@check(
    step=Step.AUTH_CHECK,
    source="contract: unauthenticated-401; RFC 9110 §15.5.2; RFC 6750 §3",
    catches=("no_challenge", "changes_without_challenge"),
    repeats=("auth_check.missing_token_is_401", "auth_check.challenges_are_challenges"),
)
async def refusal_carries_challenge(target: Target, tokens: Tokens) -> None:
    """Every 401 names the required scheme in WWW-Authenticate, whatever the method.

    Why: without the challenge a client cannot tell "log in" from "not allowed".
    """
    async with positive_controls(target):
        bad = tokens.writer().holding("not-a-token")
        scheme = bad.scheme or "any"
        made = await created(target)
        for who, case in ((ANONYMOUS, "no token"), (bad, "a malformed token")):
            reply = await target.create(who=who)
            is_strict = who is ANONYMOUS or target.contract.promises.malformed_tokens
            expect_unauthenticated(reply, f"a create with {case}", strictly=is_strict)
            others = [await target.send("GET", made.url, who=who)]
            if target.contract.update:
                others.append(await target.update(made.url, target.contract.document(), who=who))
            if target.contract.delete:
                others.append(await target.delete(made.url, who=who))
            for refusal in [one for one in (reply, *others) if one.status == 401]:
                challenge = expect_header(refusal, "WWW-Authenticate")
                expect(
                    not bad.scheme or scheme.lower() in challenge_schemes(challenge),
                    f"the scheme {scheme} in WWW-Authenticate",
                    challenge,
                    refusal,
                )


@check(
    step=Step.AUTH_CHECK,
    source="contract: unauthenticated-401; RFC 9110 §11.4; RFC 6750 §3.1",
    catches="malformed_token_crashes",
)
async def malformed_token_is_401(target: Target, tokens: Tokens) -> None:
    """A malformed token is refused with 401, or with 400 unless 401 is promised, and never causes a server error."""
    writer = tokens.writer()
    is_strict = target.contract.promises.malformed_tokens
    good = writer.token or ""
    forms = {
        "one word": "not-a-token",
        "two segments": ".".join(good.split(".")[:2]) if good.count(".") == 2 else "a.b",
        "four segments": f"{good}.x",
        "empty segments": "..",
        "a header that is not base64": "!!!.e30.e30",
        "a header that is not JSON": "bm90LWpzb24.e30.e30",
        "a header that is a list": "W10.e30.e30",
        "4 KiB of one letter": "a" * 4096,
        "characters beyond ASCII": "tökén.ü.ñ",
    }
    async with positive_controls(target, who=writer):
        for form, token in forms.items():
            reply = await target.create(who=writer.holding(token))
            expect_unauthenticated(reply, f"a token of {form}", strictly=is_strict)
        basic = Principal(writer.subject, "d3JpdGVyOndyaXRlcg==", scheme="Basic")
        expect_unauthenticated(await target.create(who=basic), "the scheme Basic", strictly=is_strict)


@check(
    step=Step.AUTH_CHECK,
    source="contract: unauthenticated-401; RFC 7519 §4.1.4",
    catches="ignores_expiry",
)
async def expired_token_is_401(target: Target, tokens: Tokens) -> None:
    """An expired token that is otherwise valid is refused with 401, for creates, reads, updates and deletes."""
    writer, expired = tokens.writer(), tokens.expired()
    async with positive_controls(target, who=writer):
        await expect_refused(target, await created(target, who=writer), expired, "with an expired token", 401)


@check(
    step=Step.AUTH_CHECK,
    source="RFC 8725 §3.3",
    catches=("skips_signature", "changes_believe_tokens", "reads_believe_tokens"),
)
async def tampered_token_is_401(target: Target, tokens: Tokens) -> None:
    """A token that was changed after it was signed is refused with 401."""
    writer = tokens.writer()
    token = writer.token or ""
    forms = {
        "one bit of its signature flipped": forged_tokens.flip_signature_bit(token),
        "another subject in its payload": forged_tokens.change_claims(token, sub=f"{writer.subject}-forged"),
    }
    async with positive_controls(target, who=writer):
        made = await created(target, who=writer)
        for form, forged in forms.items():
            await expect_refused(target, made, writer.holding(forged), f"by a token with {form}", 401)


@check(step=Step.AUTH_CHECK, source="RFC 8725 §3.3, §3.8", catches="skips_signature")
async def foreign_key_is_401(target: Target, tokens: Tokens) -> None:
    """A token that is properly signed, but not with a key of the issuer, is refused with 401."""
    writer = tokens.writer()
    foreign = writer.holding(forged_tokens.sign_with_foreign_key(writer.token or ""))
    async with positive_controls(target, who=writer):
        await expect_refused(
            target, await created(target, who=writer), foreign, "by a token signed with a foreign key", 401
        )


@check(step=Step.AUTH_CHECK, source="RFC 8725 §3.1, §3.2", catches="accepts_alg_none")
async def alg_none_is_401(target: Target, tokens: Tokens) -> None:
    """A token whose header says alg "none", in any letter case, is refused with 401."""
    writer = tokens.writer()
    async with positive_controls(target, who=writer):
        for spelling in ("none", "None", "NONE", "nOnE"):
            for keep in (False, True):
                forged = forged_tokens.mark_unsigned(writer.token or "", spelling, keep_signature=keep)
                reply = await target.create(who=writer.holding(forged))
                signature = "the old signature" if keep else "no signature"
                expect_status(reply, 401, of=f'a token with alg "{spelling}" and {signature}')


@check(
    step=Step.AUTH_CHECK,
    source="contract: forbidden-403",
    catches=("no_rbac", "reader_may_change", "reader_may_delete", "override_unchecked"),
)
async def reader_is_403(target: Target, tokens: Tokens) -> None:
    """A valid token whose role does not allow to write is refused with 403, not 401: creates, updates and deletes.

    Where the profile declares deletes, a read whose header names DELETE as its method is none either.
    """
    writer, reader = tokens.writer(), tokens.reader()
    if writer.token == reader.token:
        raise NotDeclared("reader and writer are one principal")
    async with positive_controls(target, who=writer):
        made = await created(target, who=writer)
        await expect_refused(target, made, reader, "by a reader", 403, reads=False)
        if target.contract.delete:
            override = await target.send("GET", made.url, who=reader, headers=dict.fromkeys(_OVERRIDES, "DELETE"))
            kept = await target.read(made.url, who=writer, may_be_lost=True)
            is_gone = kept.status in {404, 410}
            expect(not is_gone, "no delete by a reader whose GET names DELETE", str(kept.status), override, kept)
