"""How a token is sent: in one header, with one scheme, in one spelling; and it is checked before the body."""

from contextlib import nullcontext
from dataclasses import replace

from createflow.scenarios.checks.support.fixtures import created, positive_controls
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import (
    expect,
    expect_exchange,
    expect_header,
    expect_status,
    expect_unauthenticated,
)
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.credentials.forged_tokens import respell
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.probes import RawHttp, Target, Tokens
from createflow.schemas.flow import Step
from createflow.schemas.report import Level


@check(
    step=Step.AUTH_CHECK,
    source="contract: unauthenticated-401; RFC 6750 §2.1; RFC 9110 §11.4",
    catches="scheme_ignored",
    repeats=("auth_check.missing_token_is_401",),
)
async def other_scheme_is_401(target: Target, tokens: Tokens) -> None:
    """A scheme without a token is refused with 401, and so is a valid token with another scheme or without one.

    The second is a should where our own contract is not promised: no standard forbids to take the token.
    """
    writer, lesser = _bearer(tokens), Lesser.than_our_contract(target.contract)
    forms = {
        "the scheme Basic before a good token": replace(writer, scheme="Basic", renew=None),
        "a good token without a scheme": replace(writer, scheme="", renew=None),
        "the scheme Bearer without a token": writer.holding(""),
    }
    async with positive_controls(target, who=writer):
        for form, who in forms.items():
            reply = await target.create(who=who)
            with lesser if who.token else nullcontext():
                expect_unauthenticated(reply, form, strictly=target.contract.promises.malformed_tokens)
    lesser.tell()


@check(step=Step.AUTH_CHECK, level=Level.SHOULD, source="RFC 9110 §11.1", catches="scheme_case_matters")
async def scheme_has_no_case(target: Target, tokens: Tokens) -> None:
    """The scheme is accepted in any letter case: bearer is the same as Bearer."""
    writer = _bearer(tokens)
    async with positive_controls(target, who=writer):
        for scheme in ("bearer", "BEARER"):
            reply = await target.create(who=replace(writer, scheme=scheme, renew=None))
            expect(reply.accepted, f"a create with the scheme {scheme} accepted", str(reply.status), reply)


@check(
    step=Step.AUTH_CHECK,
    level=Level.SHOULD,
    source="RFC 6750 §2.3; RFC 9700 §4.3.2",
    catches="token_from_query",
    repeats=("auth_check.missing_token_is_401",),
)
async def token_in_query_is_401(target: Target, tokens: Tokens) -> None:
    """A token in the query string is not accepted.

    Why: URLs are kept in logs, histories and Referer headers, and the token with them.
    """
    writer = _bearer(tokens)
    async with positive_controls(target, who=writer):
        control = await target.create(who=writer)
        url = f"{control.exchange.url}?access_token={writer.token}"
        reply = await target.send(
            target.contract.method,
            url,
            who=ANONYMOUS,
            headers={"content-type": target.contract.media_type},
            content=target.contract.wire_format.encode(target.contract.document()),
        )
        expect_status(reply, 401, of="a create whose only token is in the query string")


@check(step=Step.AUTH_CHECK, level=Level.SHOULD, source="RFC 6750 §2, §3.1", catches="takes_last_credential")
async def two_credentials_are_refused(target: Target, tokens: Tokens, raw: RawHttp) -> None:
    """A request with two Authorization headers is refused with 400 or 401.

    Why: a proxy may check the first and the service use the second.
    """
    writer = _bearer(tokens)
    async with positive_controls(target, who=writer):
        body = target.contract.wire_format.encode(target.contract.document())
        for order, first, second in (
            ("a bad token first", writer.holding("not-a-token"), writer),
            ("a bad token last", writer, writer.holding("not-a-token")),
        ):
            lines = (f"Content-Length: {len(body)}", f"Authorization: {second.credential(second.token or '')}")
            answer = await raw.send(raw.request(body, who=first, lines=lines))
            statuses = [reply.status for reply in answer.replies]
            refused = not statuses or statuses[0] in {400, 401, 429}
            expect_exchange(refused, f"400 or 401 to two credentials, {order}", str(statuses), answer.exchange)


@check(
    step=Step.AUTH_CHECK,
    source="RFC 7515 §5.2; RFC 7519 §1, §7.2; draft-ietf-oauth-rfc8725bis-10 §3.14",
    catches="loose_token_spelling",
)
async def loose_spelling_is_401(target: Target, tokens: Tokens) -> None:
    """A valid token in another spelling (blanks, other letters, JSON form, quotes) is refused with 401.

    Where ``promises.one_spelling`` says so, so is one with padding or with unused bits set. Why: a list of revoked
    tokens that compares text misses another spelling of the same token.
    """
    writer = _bearer(tokens)
    async with positive_controls(target, who=writer):
        for form, token in respell(writer.token or "", strictly=target.contract.promises.one_spelling):
            reply = await target.create(who=writer.holding(token))
            expect_unauthenticated(reply, f"a token with {form}", strictly=target.contract.promises.malformed_tokens)


@check(
    step=Step.AUTH_CHECK,
    source="contract: unauthenticated-401; OWASP API8:2023",
    catches=("validates_first", "condition_first"),
    needs=(Need.IDENTITY_FIRST,),
    repeats=("auth_check.missing_token_is_401",),
)
async def identity_comes_before_content(target: Target, tokens: Tokens) -> None:
    """A request without a valid token is refused with 401 even if its body or its condition is invalid too.

    How: a create, and an update and a delete where the profile has them. A reader who sends the same invalid body
    several times gets the same status each time. Why: a 400 tells a client without permission how the API works.
    """
    writer = tokens.writer()
    async with positive_controls(target, who=writer):
        for form, body in (("broken JSON", b'{"name":'), ("an empty object", b"{}")):
            expect_status(await target.create(body, who=ANONYMOUS), 401, of=f"{form} without a token")
            bad = writer.holding("not-a-token")
            expect_status(await target.create(body, who=bad), 401, of=f"{form} with a malformed token")
        made = await created(target)
        odd = {"if-match": ","}
        for form, who in (("without a token", ANONYMOUS), ("with a malformed token", writer.holding("not-a-token"))):
            if target.contract.update:
                reply = await target.update(made.url, {}, who=who, headers=odd)
                expect_status(reply, 401, of=f"an empty update with an empty If-Match, {form}")
            if target.contract.delete:
                reply = await target.delete(made.url, who=who, headers=odd)
                expect_status(reply, 401, of=f"a delete with an empty If-Match, {form}")
        try:
            reader = tokens.reader()
        except NotDeclared:
            return
        statuses = {(await target.create(b'{"name":', who=reader)).status for _ in range(3)}
        expect(len(statuses) == 1, "one status for a reader's broken create, each time", str(sorted(statuses)))


@check(
    step=Step.AUTH_CHECK,
    level=Level.SHOULD,
    source="RFC 6750 §3, §3.1",
    catches="error_code_without_token",
    repeats=("auth_check.missing_token_is_401", "auth_check.challenges_are_challenges"),
)
async def challenge_says_what_is_wrong(target: Target, tokens: Tokens) -> None:
    """The challenge to an invalid token says error="invalid_token"; without a token it has no error code."""
    writer = _bearer(tokens)
    async with positive_controls(target, who=writer):
        bare = await target.create(who=ANONYMOUS)
        expect_status(bare, 401, of="a create without a token")
        challenge = expect_header(bare, "WWW-Authenticate")
        expect("error=" not in challenge, "a challenge without an error code when there is no token", challenge, bare)
        bad = await target.create(who=writer.holding("not-a-token"))
        expect_unauthenticated(
            bad, "a create with a malformed token", strictly=target.contract.promises.malformed_tokens
        )
        if bad.status != 401:
            return
        challenge = expect_header(bad, "WWW-Authenticate")
        expect('error="invalid_token"' in challenge, 'error="invalid_token" in the challenge', challenge, bad)


def _bearer(tokens: Tokens) -> Principal:
    writer = tokens.writer()
    if writer.signer is not None or writer.scheme.lower() != "bearer" or writer.header != "authorization":
        raise NotDeclared("the target's credential is no bearer token in Authorization")
    return writer
