"""Tokens that an attacker can make from a valid one and public data."""

import asyncio

from createflow.scenarios.checks.support.fixtures import positive_controls
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.expect import expect, expect_status, expect_unauthenticated
from createflow.scenarios.outcome import Inconclusive, Prevented
from createflow.scenarios.target.credentials import forged_tokens
from createflow.scenarios.target.credentials.forged_tokens import HMAC_ALGORITHMS, Jws
from createflow.scenarios.target.probes import Callbacks, Issuer, Target, Tokens
from createflow.schemas.flow import Step

_WEAK = (
    b"",
    b" ",
    b"secret",
    b"password",
    b"changeme",
    b"key",
    b"jwt",
    b"your-256-bit-secret",
    b"123456",
    b"\x00" * 32,
)
_FETCHED_WITHIN_S = 0.3
_TIMES_THE_CONTROL = 20
_SLOW_S = 2.0


@check(step=Step.AUTH_CHECK, source="RFC 8725 §3.3", catches="stripped_signature")
async def stripped_signature_is_401(target: Target, tokens: Tokens) -> None:
    """A token whose signature is empty, missing or all zeros is refused with 401, whatever its alg."""
    writer = tokens.writer()
    async with positive_controls(target, who=writer):
        for form, token in forged_tokens.strip_signature(writer.token or ""):
            reply = await target.create(who=writer.holding(token))
            expect_unauthenticated(reply, f"a token with {form}", strictly=target.contract.promises.malformed_tokens)


@check(step=Step.AUTH_CHECK, source="RFC 8725 §3.1", catches="hmac_with_public_key")
async def public_key_is_no_secret(target: Target, tokens: Tokens, issuer: Issuer) -> None:
    """A token signed by HMAC with the issuer's public key as the secret is refused with 401.

    Why: a verifier that trusts the token's alg uses the public key, which everybody has, as a shared secret.
    """
    writer = tokens.writer()
    good = Jws.parse(writer.token or "")
    async with positive_controls(target, who=writer):
        for form, secret in issuer.public_key_encodings().items():
            for algorithm in HMAC_ALGORITHMS:
                forged = writer.holding(good.sign_with_hmac(algorithm, secret))
                reply = await target.create(who=forged)
                expect_status(reply, 401, of=f"{algorithm} keyed with the public key as {form}")


@check(step=Step.AUTH_CHECK, source="RFC 8725 §3.5; RFC 7518 §3.2", catches="weak_secret")
async def guessed_secret_is_401(target: Target, tokens: Tokens) -> None:
    """A token signed by HMAC with an empty or common secret is refused with 401, and the issuer uses no such secret."""
    writer = tokens.writer()
    token = writer.token or ""
    good = Jws.parse(token)
    # The secret itself is not shown: a report is read by more people than may know it.
    expect(not _is_guessed(token), "a secret that cannot be guessed", f"one of {len(_WEAK)} that everybody tries")
    async with positive_controls(target, who=writer):
        for secret in _WEAK:
            reply = await target.create(who=writer.holding(good.sign_with_hmac("HS256", secret)))
            expect_status(reply, 401, of=f"HS256 keyed with {secret!r}")


@check(step=Step.AUTH_CHECK, source="RFC 8725 §3.3, §3.8", catches="trusts_embedded_key")
async def embedded_key_is_401(target: Target, tokens: Tokens) -> None:
    """A token that contains its own verification key, in jwk or x5c, is refused with 401."""
    writer = tokens.writer()
    async with positive_controls(target, who=writer):
        for form, token in forged_tokens.embed_key(writer.token or ""):
            expect_status(await target.create(who=writer.holding(token)), 401, of=f"a token with {form}")


@check(step=Step.AUTH_CHECK, source="RFC 7515 §4.1.2, §4.1.5; RFC 8725 §3.3, §3.10", catches="fetches_key_url")
async def key_url_is_not_fetched(target: Target, tokens: Tokens, callbacks: Callbacks) -> None:
    """A token that names a URL of its key, in jku or x5u, is refused with 401, and the URL is not fetched.

    Why: the attacker chooses the URL, and so makes the server send requests inside its own network (SSRF).
    """
    writer = tokens.writer()
    async with callbacks.listening() as callback, positive_controls(target, who=writer):
        for form, token in forged_tokens.reference_key(writer.token or "", callback.url):
            reply = await target.create(who=writer.holding(token))
            expect_status(reply, 401, of=f"a token with {form}")
            await asyncio.sleep(_FETCHED_WITHIN_S)
            expect(not callback.requests, f"nothing fetched for {form}", "; ".join(callback.requests), reply)


@check(step=Step.AUTH_CHECK, source="RFC 8725 §3.3, §3.10", catches="key_id_crashes")
async def strange_key_id_is_401(target: Target, tokens: Tokens) -> None:
    """A key id with a path, SQL, a NUL or 5,000 letters is refused with 401, as quickly as any other.

    That it is quick is a should.
    """
    writer, lesser = tokens.writer(), Lesser.than_our_contract(target.contract)
    good = Jws.parse(writer.token or "")
    if _is_guessed(writer.token or ""):
        raise Prevented("auth_check.guessed_secret_is_401", "the secret is one that this check signs with")
    forms: dict[str, object] = {
        "a path": "../../../../dev/null",
        "an absolute path": "/dev/null",
        "SQL": "x' UNION SELECT 'secret' --",
        "a command": "key|id",
        "a NUL": "key\x00",
        "5,000 letters": "k" * 5000,
        "a number": 7,
        "a list": ["key"],
        "an object": {"key": 1},
    }
    async with positive_controls(target, who=writer):
        control = await target.create(who=writer.holding(good.sign_with_hmac("HS256", b"")))
        if control.status != 401:
            raise Inconclusive("a forged token with the usual key id is not refused; other checks test that")
        longest_s = max(_SLOW_S, control.elapsed_s * _TIMES_THE_CONTROL)
        for form, key_id in forms.items():
            for secret in (b"", b"secret"):
                forged = good.replace(header={"kid": key_id}).sign_with_hmac("HS256", secret)
                reply = await target.create(who=writer.holding(forged))
                is_strict = target.contract.promises.malformed_tokens
                expect_unauthenticated(reply, f"a key id of {form}", strictly=is_strict)
                with lesser:
                    quick = reply.elapsed_s <= longest_s
                    told = f"an answer within {longest_s:g} s to a key id of {form}"
                    expect(quick, told, f"{reply.elapsed_s:.1f} s", reply)
    lesser.tell()


def _is_guessed(token: str) -> bool:
    """Whether the token is signed with an empty or common secret."""
    algorithm = str(Jws.parse(token).header.get("alg"))
    signing_input, _, signature = token.rpartition(".")
    return algorithm in HMAC_ALGORITHMS and any(
        forged_tokens.hmac_signature(signing_input.encode(), algorithm, secret) == signature for secret in _WEAK
    )
