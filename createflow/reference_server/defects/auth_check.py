"""Step 3, broken."""

import asyncio
from dataclasses import replace
from typing import Any

import jwt
import orjson

from createflow.reference_server.adapters.jwks_file import Key
from createflow.reference_server.adapters.jwt_tokens import LEEWAY_S, JwtTokens
from createflow.reference_server.defects import token_trust
from createflow.reference_server.defects.twin import Swap, swap, twin_of
from createflow.reference_server.domain.access import PERMISSIONS
from createflow.reference_server.domain.job import Job, Principal, Refused
from createflow.reference_server.stages.api.auth_check import AuthCheck
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step


class OpenDoor(AuthCheck):
    """Serves whoever brings no token."""

    def authenticate(self, scheme: str, token: str) -> Principal:
        """Everybody is a writer."""
        if not token:
            return Principal("anonymous", PERMISSIONS["writer"])
        return AuthCheck.authenticate(self, scheme, token)


class NoChallenge(AuthCheck):
    """Does not say how to authenticate."""

    def challenge(self, *, given: bool) -> Refused:
        """A bare 401."""
        healthy = AuthCheck.challenge(self, given=given)
        return Refused(401, healthy.code, healthy.detail)


class MalformedTokenCrashes(AuthCheck):
    """Takes the token apart without care."""

    def authenticate(self, scheme: str, token: str) -> Principal:
        """Fails on what is not a JWT."""
        if token:
            jwt.get_unverified_header(token)
        return AuthCheck.authenticate(self, scheme, token)


class NoRbac(AuthCheck):
    """Lets everybody with a token do everything."""

    def authorise(self, job: Job) -> None:
        """Look away."""


class SchemeIgnored(AuthCheck):
    """Passes over whatever stands before the token."""

    def credentials(self, job: Job) -> tuple[str, str]:
        """The last word is the token."""
        _, token = AuthCheck.credentials(self, job)
        value = job.exchange.headers.get(b"authorization", b"").decode("latin-1") if job.exchange else ""
        return "bearer", token or value


class SchemeCaseMatters(AuthCheck):
    """Knows Bearer and nothing else."""

    def credentials(self, job: Job) -> tuple[str, str]:
        """As it is written."""
        scheme, token = AuthCheck.credentials(self, job)
        value = job.exchange.headers.get(b"authorization", b"") if job.exchange else b""
        return (scheme if value.startswith(b"Bearer") else "unknown"), token


class TokenFromQuery(AuthCheck):
    """Takes the token from the address as well."""

    def credentials(self, job: Job) -> tuple[str, str]:
        """The header, else the query string."""
        scheme, token = AuthCheck.credentials(self, job)
        if not scheme and job.exchange and job.exchange.query.startswith(b"access_token="):
            return "bearer", job.exchange.query.decode("latin-1").partition("=")[2]
        return scheme, token


class TakesLastCredential(AuthCheck):
    """Believes one of several."""

    def is_ambiguous(self, job: Job) -> bool:  # noqa: ARG002 - the healthy signature
        """Nothing is."""
        return False


class ErrorCodeWithoutToken(AuthCheck):
    """Blames a token that nobody sent."""

    def challenge(self, *, given: bool) -> Refused:  # noqa: ARG002 - the healthy signature
        """Always the same."""
        return AuthCheck.challenge(self, given=True)


class ValidatesFirst(AuthCheck):
    """Judges the content before the sender."""

    async def __call__(self, job: Job) -> Job:
        """Parse, then ask who it is."""
        if job.op == "create":
            try:
                orjson.loads(job.raw)
            except ValueError:
                raise Refused(400, "validation_failed", "This is not JSON.") from None
        return await AuthCheck.__call__(self, job)


class DerivesKeys(AuthCheck):
    """Does the work that it is asked for."""

    async def __call__(self, job: Job) -> Job:
        """A wait stands for it, so that others are not kept waiting."""
        if self.credentials(job)[1].count(".") == 4:
            await asyncio.sleep(2.5)
        return await AuthCheck.__call__(self, job)


class IgnoresExpiry(JwtTokens):
    """Takes yesterday's token."""

    def decode(self, token: str, key: Key) -> dict[str, Any]:
        """Everything but the end is verified."""
        return jwt.decode(
            token,
            key.material,
            algorithms=[key.algorithm],
            issuer=self.issuer,
            audience=self.audience,
            leeway=LEEWAY_S,
            options={"verify_exp": False},
        )


class SkipsSignature(JwtTokens):
    """Believes what a token says."""

    def decode(self, token: str, key: Key) -> dict[str, Any]:
        """Only the claims are verified."""
        return jwt.decode(
            token,
            algorithms=[key.algorithm],
            issuer=self.issuer,
            audience=self.audience,
            leeway=LEEWAY_S,
            options={"verify_signature": False, "verify_exp": True, "verify_aud": True, "verify_iss": True},
        )


class AcceptsAlgNone(SkipsSignature):
    """Believes a token that says it needs no signature."""

    def decode(self, token: str, key: Key) -> dict[str, Any]:
        """Others are verified."""
        if str(jwt.get_unverified_header(token).get("alg", "")).lower() == "none":
            return SkipsSignature.decode(self, token, key)
        return JwtTokens.decode(self, token, key)


def _with_tokens(twin: type[JwtTokens]) -> Swap:
    def make(stage: AuthCheck) -> AuthCheck:
        healthy = stage.tokens
        if not isinstance(healthy, JwtTokens):
            raise TypeError("the twin replaces JwtTokens")
        tokens = twin(healthy.keys, issuer=healthy.issuer, audience=healthy.audience, clock=healthy.clock)
        return replace(stage, tokens=tokens)

    return swap(Step.AUTH_CHECK, make)


SWAPS: dict[Fault, Swap] = {
    Fault.OPEN_DOOR: twin_of(Step.AUTH_CHECK, OpenDoor),
    Fault.NO_CHALLENGE: twin_of(Step.AUTH_CHECK, NoChallenge),
    Fault.MALFORMED_TOKEN_CRASHES: twin_of(Step.AUTH_CHECK, MalformedTokenCrashes),
    Fault.IGNORES_EXPIRY: _with_tokens(IgnoresExpiry),
    Fault.SKIPS_SIGNATURE: _with_tokens(SkipsSignature),
    Fault.ACCEPTS_ALG_NONE: _with_tokens(AcceptsAlgNone),
    Fault.NO_RBAC: twin_of(Step.AUTH_CHECK, NoRbac),
    Fault.SCHEME_IGNORED: twin_of(Step.AUTH_CHECK, SchemeIgnored),
    Fault.SCHEME_CASE_MATTERS: twin_of(Step.AUTH_CHECK, SchemeCaseMatters),
    Fault.TOKEN_FROM_QUERY: twin_of(Step.AUTH_CHECK, TokenFromQuery),
    Fault.TAKES_LAST_CREDENTIAL: twin_of(Step.AUTH_CHECK, TakesLastCredential),
    Fault.ERROR_CODE_WITHOUT_TOKEN: twin_of(Step.AUTH_CHECK, ErrorCodeWithoutToken),
    Fault.VALIDATES_FIRST: twin_of(Step.AUTH_CHECK, ValidatesFirst),
    Fault.DERIVES_KEYS: twin_of(Step.AUTH_CHECK, DerivesKeys),
    **{fault: _with_tokens(twin) for fault, twin in token_trust.TWINS.items()},
}
