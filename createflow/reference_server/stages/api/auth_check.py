"""Step 3: who is it, and may they."""

from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.access import InvalidTokenError, Tokens
from createflow.reference_server.domain.job import Job, Principal, Refused
from createflow.reference_server.domain.port import Buckets, Limit
from createflow.schemas.flow import Step

_NEEDS = {"create": "create", "update": "update", "delete": "delete", "read": "read", "search": "read"}

GUESSES = Limit(rate_per_s=50.0, burst=500)
"""Failed authentications of one client address: generous to a broken client, useless for guessing."""


@dataclass(frozen=True, slots=True)
class AuthCheck:
    """Turn the bearer token into a principal, and refuse what its roles do not allow."""

    step: ClassVar[Step] = Step.AUTH_CHECK
    tokens: Tokens
    guesses: Buckets

    async def __call__(self, job: Job) -> Job:
        """Set the principal.

        Raises:
            Refused: 401 with a challenge, 403, or 429 when an address fails too often.
        """
        scheme, token = self.credentials(job)
        try:
            job.principal = self.authenticate("" if self.is_ambiguous(job) else scheme, token)
        except InvalidTokenError:
            quota = await self.guesses.take(f"address:{job.client}", GUESSES)
            if quota.retry_after_s > 0:
                job.quota = quota
                detail = "Too many failed authentications from this address."
                raise Refused(429, "rate_limited", detail, retry_after_s=quota.retry_after_s) from None
            raise self.challenge(given=bool(token)) from None
        self.authorise(job)
        return job

    def credentials(self, job: Job) -> tuple[str, str]:
        """Scheme in lower case and token, both empty when there are none."""
        value = job.exchange.headers.get(b"authorization", b"") if job.exchange else b""
        scheme, _, token = value.decode("latin-1").partition(" ")
        return scheme.lower(), token.strip()

    def is_ambiguous(self, job: Job) -> bool:
        """More than one credential: whoever stands in front of us may have judged another one than we would."""
        return job.exchange is not None and b"authorization" in job.exchange.repeated

    def authenticate(self, scheme: str, token: str) -> Principal:
        """The principal of a bearer token.

        Raises:
            InvalidTokenError: it proves nothing.
        """
        if scheme != "bearer" or not token:
            raise InvalidTokenError("no bearer token")
        return self.tokens.verify(token)

    def challenge(self, *, given: bool) -> Refused:
        """RFC 6750 §3.1: without any authentication information there SHOULD NOT be an error code."""
        value = b'Bearer realm="createflow"' + (b', error="invalid_token"' if given else b"")
        detail = "The token is not valid." if given else "A bearer token is needed."
        return Refused(401, "invalid_token", detail, headers=((b"www-authenticate", value),))

    def authorise(self, job: Job) -> None:
        """Refuse what no role of the principal allows."""
        if _NEEDS[job.op] not in job.principal.permissions:
            raise Refused(403, "permission_denied", "The token's roles do not allow this.")
