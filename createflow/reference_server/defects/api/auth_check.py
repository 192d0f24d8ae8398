"""Defects of step 3: authentication and authorisation."""

import asyncio
from dataclasses import replace
from typing import ClassVar

import jwt
import orjson

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import for_operations, replace_stage
from createflow.reference_server.domain.access import PERMISSIONS, Principal
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.stages.api.auth_check import AuthCheck
from createflow.schemas.flow import Step


class _OpenDoor(AuthCheck):
    def authenticate(self, scheme: str, token: str) -> Principal:
        if not token:
            return Principal("anonymous", PERMISSIONS["writer"])
        return AuthCheck.authenticate(self, scheme, token)


class _NoChallenge(AuthCheck):
    def challenge(self, *, has_token: bool) -> Refused:
        healthy = AuthCheck.challenge(self, has_token=has_token)
        return Refused(401, healthy.code, healthy.detail)


class _ChallengeMalformed(AuthCheck):
    def challenge(self, *, has_token: bool) -> Refused:
        healthy = AuthCheck.challenge(self, has_token=has_token)
        value = b"Bearer realm=createflow api"
        return Refused(401, healthy.code, healthy.detail, headers=((b"www-authenticate", value),))


class _MalformedTokenCrashes(AuthCheck):
    def authenticate(self, scheme: str, token: str) -> Principal:
        if token:
            jwt.get_unverified_header(token)
        return AuthCheck.authenticate(self, scheme, token)


class _NoRbac(AuthCheck):
    def authorise(self, job: Job) -> None:
        pass


class _ReadsNeedNoToken(AuthCheck):
    async def __call__(self, job: Job) -> Job:
        if job.op == "read" and not self.credentials(job)[1]:
            job.principal = Principal("anonymous", PERMISSIONS["reader"])
            return job
        return await AuthCheck.__call__(self, job)


class _ReadsPrivate(AuthCheck):
    async def __call__(self, job: Job) -> Job:
        job = await AuthCheck.__call__(self, job)
        if job.op == "read":
            job.principal = replace(job.principal, permissions=job.principal.permissions | {"others"})
        return job


class _SearchShowsPrivate(AuthCheck):
    async def __call__(self, job: Job) -> Job:
        job = await AuthCheck.__call__(self, job)
        if job.op == "search":
            job.principal = replace(job.principal, permissions=job.principal.permissions | {"others"})
        return job


class _ReaderMayDelete(AuthCheck):
    def authorise(self, job: Job) -> None:
        if job.op != "delete":
            AuthCheck.authorise(self, job)


class _ReaderMayChange(AuthCheck):
    def authorise(self, job: Job) -> None:
        if job.op not in {"update", "delete"}:
            AuthCheck.authorise(self, job)


class _ChangesBelieveTokens(AuthCheck):
    operations: ClassVar[set[str]] = {"update", "delete"}

    async def __call__(self, job: Job) -> Job:
        token = self.credentials(job)[1] if job.op in self.operations else ""
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            return await AuthCheck.__call__(self, job)
        job.principal = Principal(str(claims.get("sub")), PERMISSIONS["writer"])
        return job


class _ReadsBelieveTokens(_ChangesBelieveTokens):
    operations: ClassVar[set[str]] = {"read", "search"}


class _ListsNeedNoToken(AuthCheck):
    async def __call__(self, job: Job) -> Job:
        if job.op == "search" and not self.credentials(job)[1]:
            job.principal = Principal("anonymous", PERMISSIONS["reader"])
            return job
        return await AuthCheck.__call__(self, job)


class _HeadNeedsNoToken(AuthCheck):
    async def __call__(self, job: Job) -> Job:
        is_head = job.exchange is not None and job.exchange.method == "HEAD"
        if is_head and not self.credentials(job)[1]:
            job.principal = Principal("anonymous", PERMISSIONS["reader"])
            return job
        return await AuthCheck.__call__(self, job)


class _PowerlessMayRead(AuthCheck):
    def authorise(self, job: Job) -> None:
        if job.op != "read":
            AuthCheck.authorise(self, job)


class _SchemeIgnored(AuthCheck):
    def credentials(self, job: Job) -> tuple[str, str]:
        _, token = AuthCheck.credentials(self, job)
        value = job.exchange.headers.get(b"authorization", b"").decode("latin-1") if job.exchange else ""
        return "bearer", token or value


class _SchemeCaseMatters(AuthCheck):
    def credentials(self, job: Job) -> tuple[str, str]:
        scheme, token = AuthCheck.credentials(self, job)
        value = job.exchange.headers.get(b"authorization", b"") if job.exchange else b""
        return (scheme if value.startswith(b"Bearer") else "unknown"), token


class _TokenFromQuery(AuthCheck):
    def credentials(self, job: Job) -> tuple[str, str]:
        scheme, token = AuthCheck.credentials(self, job)
        if not scheme and job.exchange and job.exchange.query.startswith(b"access_token="):
            return "bearer", job.exchange.query.decode("latin-1").partition("=")[2]
        return scheme, token


class _TakesLastCredential(AuthCheck):
    def is_ambiguous(self, job: Job) -> bool:  # noqa: ARG002 - the healthy signature
        return False


class _ErrorCodeWithoutToken(AuthCheck):
    def challenge(self, *, has_token: bool) -> Refused:  # noqa: ARG002 - the healthy signature
        return AuthCheck.challenge(self, has_token=True)


class _ValidatesFirst(AuthCheck):
    async def __call__(self, job: Job) -> Job:
        if job.op == "create":
            try:
                orjson.loads(await job.receive_body())
            except ValueError:
                raise Refused(400, "validation_failed", "This is not JSON.") from None
        return await AuthCheck.__call__(self, job)


class _DerivesKeys(AuthCheck):
    async def __call__(self, job: Job) -> Job:
        if self.credentials(job)[1].count(".") == 4:
            await asyncio.sleep(2.5)  # stands for the work, without keeping other requests waiting
        return await AuthCheck.__call__(self, job)


class _UserFromHeader(AuthCheck):
    async def __call__(self, job: Job) -> Job:
        job = await AuthCheck.__call__(self, job)
        user = job.exchange.headers.get(b"x-forwarded-user") if job.exchange else None
        if user is not None:
            job.principal = Principal(user.decode("latin-1"), job.principal.permissions)
        return job


class _OverrideFollowed(AuthCheck):
    """Takes the method that a header names, once the roles were checked for the one of the request."""

    async def __call__(self, job: Job) -> Job:
        job = await AuthCheck.__call__(self, job)
        named = job.exchange.headers.get(b"x-http-method-override") if job.exchange else None
        if named == b"DELETE" and job.op == "read":
            job.op = "delete"
            job.principal = Principal(job.principal.subject, job.principal.permissions | {"others"})
        return job


DEFECTS = (
    Defect(
        "user_from_header",
        Step.AUTH_CHECK,
        "The user that X-Forwarded-User names is believed, whosever the token is.",
        replace_stage(_UserFromHeader),
    ),
    Defect(
        "override_unchecked",
        Step.AUTH_CHECK,
        "A read with X-HTTP-Method-Override deletes, whatever the roles of its token allow.",
        replace_stage(_OverrideFollowed),
    ),
    Defect(
        "search_shows_private",
        Step.AUTH_CHECK,
        "A search shows the private resources of others.",
        replace_stage(_SearchShowsPrivate),
    ),
    Defect(
        "lists_need_no_token", Step.AUTH_CHECK, "A list without a token is answered.", replace_stage(_ListsNeedNoToken)
    ),
    Defect(
        "head_needs_no_token", Step.AUTH_CHECK, "HEAD without a token is answered.", replace_stage(_HeadNeedsNoToken)
    ),
    Defect(
        "changes_without_challenge",
        Step.AUTH_CHECK,
        "The 401 to an update or a delete has no WWW-Authenticate header.",
        for_operations({"update", "delete"}, replace_stage(_NoChallenge), Step.AUTH_CHECK),
    ),
    Defect(
        "reads_believe_tokens",
        Step.AUTH_CHECK,
        "Reads believe every token that can be read, an expired or forged one too.",
        replace_stage(_ReadsBelieveTokens),
    ),
    Defect(
        "powerless_may_read", Step.AUTH_CHECK, "A read needs a token and no role.", replace_stage(_PowerlessMayRead)
    ),
    Defect(
        "reads_need_no_token",
        Step.AUTH_CHECK,
        "A read without a token is answered.",
        replace_stage(_ReadsNeedNoToken),
    ),
    Defect(
        "reads_private",
        Step.AUTH_CHECK,
        "Whoever may read at all may read the private resources of others.",
        replace_stage(_ReadsPrivate),
    ),
    Defect(
        "reader_may_delete",
        Step.AUTH_CHECK,
        "Deletes need no role.",
        replace_stage(_ReaderMayDelete),
    ),
    Defect(
        "reader_may_change",
        Step.AUTH_CHECK,
        "Updates and deletes need no role.",
        replace_stage(_ReaderMayChange),
    ),
    Defect(
        "changes_believe_tokens",
        Step.AUTH_CHECK,
        "Updates and deletes believe every token that can be read, an expired or forged one too.",
        replace_stage(_ChangesBelieveTokens),
    ),
    Defect("open_door", Step.AUTH_CHECK, "A request without a token is served as a writer.", replace_stage(_OpenDoor)),
    Defect("no_challenge", Step.AUTH_CHECK, "A 401 has no WWW-Authenticate header.", replace_stage(_NoChallenge)),
    Defect(
        "malformed_token_crashes",
        Step.AUTH_CHECK,
        "A malformed token is answered with 500.",
        replace_stage(_MalformedTokenCrashes),
    ),
    Defect("no_rbac", Step.AUTH_CHECK, "Roles are not checked.", replace_stage(_NoRbac)),
    Defect(
        "scheme_ignored",
        Step.AUTH_CHECK,
        "The authentication scheme in front of the token is ignored.",
        replace_stage(_SchemeIgnored),
    ),
    Defect(
        "scheme_case_matters",
        Step.AUTH_CHECK,
        "The scheme is compared case-sensitively: bearer is refused.",
        replace_stage(_SchemeCaseMatters),
    ),
    Defect(
        "token_from_query",
        Step.AUTH_CHECK,
        "A token in the query string (access_token) is accepted.",
        replace_stage(_TokenFromQuery),
    ),
    Defect(
        "takes_last_credential",
        Step.AUTH_CHECK,
        "Of two Authorization fields the last one is used.",
        replace_stage(_TakesLastCredential),
    ),
    Defect(
        "validates_first",
        Step.AUTH_CHECK,
        "The body is parsed before the token is checked.",
        replace_stage(_ValidatesFirst),
    ),
    Defect(
        "error_code_without_token",
        Step.AUTH_CHECK,
        "The challenge to a request without a token has an error code.",
        replace_stage(_ErrorCodeWithoutToken),
    ),
    Defect(
        "derives_keys",
        Step.AUTH_CHECK,
        "The server derives a key with as many rounds as the token asks for.",
        replace_stage(_DerivesKeys),
    ),
    Defect(
        "challenge_malformed",
        Step.AUTH_CHECK,
        "The realm of the challenge has a blank and no quotes.",
        replace_stage(_ChallengeMalformed),
    ),
)
