"""Step 3: who sends the request (authentication), and may they (authorisation).

It refuses with 401 and a challenge, with 403 when the roles do not allow the operation, with 429 when an address fails
to authenticate too often, and with 503 while there is no key to verify a token with.
"""

from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.access import InvalidTokenError, NoKeysError, Principal, TokenVerifier
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.domain.ports import Limit, RateLimiter
from createflow.schemas.flow import Step

_PERMISSION = {"create": "create", "update": "update", "delete": "delete", "read": "read", "search": "read"}

_KEYS_WAIT_S = 1.0
"""The key file is looked for once a second."""

FAILURE_LIMIT = Limit(rate_per_s=50.0, burst=500)
"""Failed authentications of one client address: enough for a client with a defect, too few to guess a token."""


@dataclass(frozen=True, slots=True)
class AuthCheck:
    """Sets the principal of the bearer token, and refuses what its roles do not allow."""

    step: ClassVar[Step] = Step.AUTH_CHECK
    verifier: TokenVerifier
    failures: RateLimiter
    """Counts failed authentications."""

    async def __call__(self, job: Job) -> Job:
        """Set the principal.

        Raises:
            Refused: 401, 403, 429 or 503.
        """
        scheme, token = self.credentials(job)
        try:
            job.principal = self.authenticate("" if self.is_ambiguous(job) else scheme, token)
        except InvalidTokenError:
            quota = await self.failures.take(f"address:{job.client}", FAILURE_LIMIT)
            if quota.retry_after_s > 0:
                job.quota = quota
                detail = "Too many failed authentications from this address."
                raise Refused(429, "rate_limited", detail, retry_after_s=quota.retry_after_s) from None
            raise self.challenge(has_token=bool(token)) from None
        except NoKeysError:
            detail = "The keys of the token issuer are not there, so no token can be verified."
            raise Refused(503, "service_unavailable", detail, retry_after_s=_KEYS_WAIT_S) from None
        self.authorise(job)
        return job

    def credentials(self, job: Job) -> tuple[str, str]:
        """Return the scheme in lower case and the token; both are empty when there are none."""
        value = job.exchange.headers.get(b"authorization", b"") if job.exchange else b""
        scheme, _, token = value.decode("latin-1").partition(" ")
        return scheme.lower(), token.strip()

    def is_ambiguous(self, job: Job) -> bool:
        """Whether there are several credentials: a proxy in front of us may have used another one than we would."""
        return job.exchange is not None and b"authorization" in job.exchange.repeated

    def authenticate(self, scheme: str, token: str) -> Principal:
        """Return the principal of a bearer token.

        Raises:
            InvalidTokenError: there is no valid bearer token.
        """
        if scheme != "bearer" or not token:
            raise InvalidTokenError("no bearer token")
        return self.verifier.verify(token)

    def challenge(self, *, has_token: bool) -> Refused:
        """Return the 401. RFC 6750 §3.1: without any authentication information there SHOULD NOT be an error code."""
        value = b'Bearer realm="createflow"' + (b', error="invalid_token"' if has_token else b"")
        detail = "The token is not valid." if has_token else "A bearer token is needed."
        return Refused(401, "invalid_token", detail, headers=((b"www-authenticate", value),))

    def authorise(self, job: Job) -> None:
        """Check that a role of the principal allows the operation.

        Raises:
            Refused: 403.
        """
        if _PERMISSION[job.op] not in job.principal.permissions:
            raise Refused(403, "permission_denied", "The token's roles do not allow this.")
