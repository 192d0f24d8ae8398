"""Defects of step 7: domain rules."""

import asyncio
import unicodedata
from dataclasses import replace
from typing import ClassVar

from createflow.reference_server.adapters.postgres_repository import PostgresRepository
from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import replace_stage
from createflow.reference_server.domain.access import Principal
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.stages.business.business_logic import BusinessLogic
from createflow.schemas.flow import Step


class _SameBodyIsRepeat(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        if job.op == "create" and not job.idempotency_key:
            job.idempotency_key = self.fingerprint(job).hex()
        return await BusinessLogic.__call__(self, job)


class _ConditionNotNeeded(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        return await BusinessLogic.__call__(replace(self, conditional_updates=False), job)


class _UpdateRevives(BusinessLogic):
    op: ClassVar[str] = "update"

    async def __call__(self, job: Job) -> Job:
        if job.op == self.op and isinstance(self.repository, PostgresRepository):
            pool = self.repository._pool  # noqa: SLF001 - it does what the repository does not offer
            undelete = "UPDATE resources SET deleted_at = NULL WHERE id = %(id)s RETURNING version"
            await pool.fetch(undelete, {"id": job.resource_id})
        return await BusinessLogic.__call__(self, job)


class _DeletesTwice(_UpdateRevives):
    op = "delete"


class _IfMatchIgnored(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        job.if_match = ""
        return await BusinessLogic.__call__(self, job)


class _ContentionCrashes(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        if job.op != "update":
            return await BusinessLogic.__call__(self, job)
        if job.resource_id in _BUSY:
            raise RuntimeError("deadlock detected")
        _BUSY.add(job.resource_id)
        try:
            await asyncio.sleep(0.02)
            return await BusinessLogic.__call__(self, job)
        finally:
            _BUSY.discard(job.resource_id)


class _ConditionalDeleteIgnored(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        if job.op == "delete":
            job.if_match = ""
        return await BusinessLogic.__call__(self, job)


class _RefusalRaisesVersion(BusinessLogic):
    """Touches the row before it looks whose it is."""

    async def __call__(self, job: Job) -> Job:
        try:
            return await BusinessLogic.__call__(self, job)
        except Refused as refused:
            if refused.status == 403 and isinstance(self.repository, PostgresRepository):
                pool = self.repository._pool  # noqa: SLF001 - it does what the repository does not offer
                touch = "UPDATE resources SET version = version + 1 WHERE id = %(id)s RETURNING version"
                await pool.fetch(touch, {"id": job.resource_id})
            raise


class _OthersMayUpdate(BusinessLogic):
    op: ClassVar[str] = "update"

    async def __call__(self, job: Job) -> Job:
        sender = job.principal
        if job.op == self.op:
            job.principal = Principal(sender.subject, sender.permissions | {"others"})
        job = await BusinessLogic.__call__(self, job)
        job.principal = sender
        return job


class _OthersMayDelete(_OthersMayUpdate):
    op = "delete"


class _OwnerByBeginning(BusinessLogic):
    """Takes a sender for the owner of what an alike subject created."""

    def alike(self, owner: str, subject: str) -> bool:
        return owner.startswith(subject)

    async def __call__(self, job: Job) -> Job:
        sender = job.principal
        if job.op in {"update", "delete"}:
            current = await self.repository.current(job.resource_id)
            if current is not None and self.alike(current.owner, sender.subject):
                job.principal = replace(sender, subject=current.owner)
        job = await BusinessLogic.__call__(self, job)
        job.principal = sender
        return job


class _OwnerCaseFolded(_OwnerByBeginning):
    def alike(self, owner: str, subject: str) -> bool:
        return owner.casefold() == subject.casefold()


class _OwnerCut(_OwnerByBeginning):
    def alike(self, owner: str, subject: str) -> bool:
        return owner[:128] == subject[:128]


class _OwnerNormalised(_OwnerByBeginning):
    def alike(self, owner: str, subject: str) -> bool:
        return unicodedata.normalize("NFC", owner) == unicodedata.normalize("NFC", subject)


class _FirstTagOnly(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        job.if_match = job.if_match.partition(",")[0].strip()
        return await BusinessLogic.__call__(self, job)


class _StarIsNoTag(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        job.if_match = job.if_match.replace("*", '"*"')
        return await BusinessLogic.__call__(self, job)


class _IfNoneMatchIgnored(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        job.if_none_match = ""
        return await BusinessLogic.__call__(self, job)


class _StarCreates(BusinessLogic):
    """Tells that what it did not find was updated."""

    async def __call__(self, job: Job) -> Job:
        try:
            return await BusinessLogic.__call__(self, job)
        except Refused as refused:
            if (refused.status, job.op, job.if_match) == (404, "update", "*"):
                job.op, job.if_match = "create", ""
                return await BusinessLogic.__call__(self, job)
            raise


_BUSY: set[str] = set()


class _ForbidsPrivate(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        shown = replace(self, private=False) if job.op == "delete" else self
        return await BusinessLogic.__call__(shown, job)


DEFECTS = (
    Defect(
        "forbids_private",
        Step.BUSINESS_LOGIC,
        "A delete of another user's private resource is answered with 403, which tells that it is there.",
        replace_stage(_ForbidsPrivate),
    ),
    Defect(
        "owner_by_beginning",
        Step.BUSINESS_LOGIC,
        "A subject may change what was created by one whose name begins with its own.",
        replace_stage(_OwnerByBeginning),
    ),
    Defect(
        "owner_case_folded",
        Step.BUSINESS_LOGIC,
        "A subject may change what was created by one that differs in letter case.",
        replace_stage(_OwnerCaseFolded),
    ),
    Defect(
        "owner_cut",
        Step.BUSINESS_LOGIC,
        "A subject may change what was created by one with the same first 128 letters.",
        replace_stage(_OwnerCut),
    ),
    Defect(
        "owner_normalised",
        Step.BUSINESS_LOGIC,
        "A subject may change what was created by one in another normal form.",
        replace_stage(_OwnerNormalised),
    ),
    Defect(
        "first_tag_only", Step.BUSINESS_LOGIC, "Only the first tag of an If-Match counts.", replace_stage(_FirstTagOnly)
    ),
    Defect("star_is_no_tag", Step.BUSINESS_LOGIC, "An If-Match of * is never met.", replace_stage(_StarIsNoTag)),
    Defect(
        "if_none_match_ignored",
        Step.BUSINESS_LOGIC,
        "An update whose If-None-Match names the current version is carried out.",
        replace_stage(_IfNoneMatchIgnored),
    ),
    Defect(
        "star_creates",
        Step.BUSINESS_LOGIC,
        "An update with an If-Match of * creates what is not there.",
        replace_stage(_StarCreates),
    ),
    Defect(
        "condition_not_needed",
        Step.BUSINESS_LOGIC,
        "Where updates must name a version, those that name none are carried out.",
        replace_stage(_ConditionNotNeeded),
    ),
    Defect(
        "conditional_delete_ignored",
        Step.BUSINESS_LOGIC,
        "A delete with a stale If-Match deletes the resource.",
        replace_stage(_ConditionalDeleteIgnored),
    ),
    Defect(
        "refusal_raises_version",
        Step.BUSINESS_LOGIC,
        "An update or delete by another subject is refused, and the resource has another version then.",
        replace_stage(_RefusalRaisesVersion),
    ),
    Defect(
        "others_may_update",
        Step.BUSINESS_LOGIC,
        "A writer may update what another subject created.",
        replace_stage(_OthersMayUpdate),
    ),
    Defect(
        "others_may_delete",
        Step.BUSINESS_LOGIC,
        "A writer may delete what another subject created.",
        replace_stage(_OthersMayDelete),
    ),
    Defect(
        "same_body_is_repeat",
        Step.BUSINESS_LOGIC,
        "Two creates of the same body make one resource.",
        replace_stage(_SameBodyIsRepeat),
    ),
    Defect(
        "update_revives",
        Step.BUSINESS_LOGIC,
        "An update of a deleted resource brings it back.",
        replace_stage(_UpdateRevives),
    ),
    Defect(
        "deletes_twice",
        Step.BUSINESS_LOGIC,
        "A deleted resource can be deleted again.",
        replace_stage(_DeletesTwice),
    ),
    Defect(
        "if_match_ignored",
        Step.BUSINESS_LOGIC,
        "An update with a stale If-Match overwrites the resource.",
        replace_stage(_IfMatchIgnored),
    ),
    Defect(
        "contention_crashes",
        Step.BUSINESS_LOGIC,
        "Two concurrent updates of one resource are answered with 500.",
        replace_stage(_ContentionCrashes),
    ),
)
