"""Defects of step 7: Idempotency-Keys."""

import asyncio
import hashlib
from dataclasses import replace

import orjson

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import WORKS_S, one_in, replace_stage, trigger
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.domain.unit_of_work import WrittenRow
from createflow.reference_server.stages.business.business_logic import BusinessLogic
from createflow.reference_server.stages.data.write_primary import WritePrimary
from createflow.schemas.flow import Step


class _IdempotencyIgnored(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        job.idempotency_key = ""
        return await BusinessLogic.__call__(self, job)


class _KeyReuseAccepted(BusinessLogic):
    def fingerprint(self, job: Job) -> bytes:  # noqa: ARG002 - the healthy signature
        return b""


class _FingerprintOfTexts(BusinessLogic):
    def fingerprint(self, job: Job) -> bytes:
        return hashlib.sha256(orjson.dumps([job.body["name"], job.body["description"]])).digest()


class _KeyCaseFolded(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        job.idempotency_key = job.idempotency_key.lower()
        return await BusinessLogic.__call__(self, job)


class _KeyShared(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        job = await BusinessLogic.__call__(self, job)
        if job.op == "create" and job.idempotency_key:
            job.principal = replace(job.principal, subject="everybody")
        return job


class _KeyCut(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        job.idempotency_key = job.idempotency_key[:64]
        return await BusinessLogic.__call__(self, job)


class _KeyScopeJoined(_KeyShared):
    """Remembers keys for subjects that ``scope`` makes of the sender's."""

    def scope(self, subject: str, key: str) -> tuple[str, str]:
        return "", f"{subject}:{key}"

    async def __call__(self, job: Job) -> Job:
        if job.op == "create" and job.idempotency_key:
            subject, job.idempotency_key = self.scope(job.principal.subject, job.idempotency_key)
            job = await BusinessLogic.__call__(self, job)
            job.principal = replace(job.principal, subject=subject)
            return job
        return await BusinessLogic.__call__(self, job)


class _KeyScopeCut(_KeyScopeJoined):
    def scope(self, subject: str, key: str) -> tuple[str, str]:
        return subject[:64], key


class _KeyScopeFolded(_KeyScopeJoined):
    def scope(self, subject: str, key: str) -> tuple[str, str]:
        return subject.lower(), key


class _KeyMissedOneInTen(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        if job.op == "create" and job.idempotency_key and _missed():
            job.idempotency_key = ""
        return await BusinessLogic.__call__(self, job)


class _ReplayAnswersOtherwise(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        job = await WritePrimary.__call__(self, job)
        if job.is_replay:
            job.document = orjson.dumps({**orjson.loads(job.document), "description": "", "metadata": {}})
        return job


class _ReplayShowsCurrent(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        job = await WritePrimary.__call__(self, job)
        if job.is_replay and (current := await self.repository.current(job.resource_id)):
            job.version, job.document = current.version, current.document
        return job


class _KeyLookedUpFirst(WritePrimary):
    """Looks whether the key is known, works for a while, and remembers it after the write.

    The memory is that of the process. The reference itself takes less time to write than it collects requests for.
    """

    async def __call__(self, job: Job) -> Job:
        if job.unit is None or job.unit.claim is None:
            return await WritePrimary.__call__(self, job)
        claim, job.unit.claim = job.unit.claim, None
        known = _KNOWN_KEYS.get((claim.subject, claim.key))
        if known is None:
            await asyncio.sleep(WORKS_S)
            job = await WritePrimary.__call__(self, job)
            row = WrittenRow(job.resource_id, job.version, job.document)
            _KNOWN_KEYS[claim.subject, claim.key] = (claim.fingerprint, row)
            return job
        fingerprint, row = known
        if fingerprint != claim.fingerprint:
            raise Refused(422, "idempotency_key_reused", "The Idempotency-Key belongs to another body.")
        job.resource_id, job.version, job.document, job.is_replay = row.resource_id, row.version, row.document, True
        return job


class _KeysInMemory(_KeyLookedUpFirst):
    """Closes that window: a key whose first request still runs is refused."""

    async def __call__(self, job: Job) -> Job:
        if job.unit is None or job.unit.claim is None:
            return await WritePrimary.__call__(self, job)
        claimed = (job.unit.claim.subject, job.unit.claim.key)
        if claimed in _CLAIMED:
            raise Refused(409, "conflict", "The Idempotency-Key is being used by another request.")
        _CLAIMED.add(claimed)
        try:
            return await _KeyLookedUpFirst.__call__(self, job)
        finally:
            _CLAIMED.discard(claimed)


_CLAIMED: set[tuple[str, str]] = set()
_KNOWN_KEYS: dict[tuple[str, str], tuple[bytes, WrittenRow]] = {}
_missed = one_in(10)


DEFECTS = (
    Defect(
        "keys_in_memory",
        Step.BUSINESS_LOGIC,
        "A service that was restarted has forgotten all Idempotency-Keys.",
        replace_stage(_KeysInMemory),
    ),
    Defect(
        "key_forgotten_soon",
        Step.BUSINESS_LOGIC,
        "An Idempotency-Key is forgotten after half a second.",
        trigger(
            "key_forgotten_soon",
            "AFTER INSERT ON idempotency_keys",
            "DELETE FROM idempotency_keys WHERE created_at < now() - interval '0.5 s'; RETURN NULL;",
        ),
    ),
    Defect(
        "key_missed_one_in_ten",
        Step.BUSINESS_LOGIC,
        "One Idempotency-Key in ten is not looked at.",
        replace_stage(_KeyMissedOneInTen),
    ),
    Defect(
        "replay_answers_otherwise",
        Step.BUSINESS_LOGIC,
        "The reply to a repeated Idempotency-Key lacks what the first one showed.",
        replace_stage(_ReplayAnswersOtherwise),
    ),
    Defect(
        "replay_shows_current",
        Step.BUSINESS_LOGIC,
        "The reply to a repeated Idempotency-Key shows the resource as it is now.",
        replace_stage(_ReplayShowsCurrent),
    ),
    Defect(
        "key_looked_up_first",
        Step.BUSINESS_LOGIC,
        "Requests with one Idempotency-Key at the same time create several resources.",
        replace_stage(_KeyLookedUpFirst),
    ),
    Defect(
        "key_forgotten_after_delete",
        Step.BUSINESS_LOGIC,
        "An Idempotency-Key counts as new once its resource was deleted.",
        trigger(
            "key_forgotten_after_delete",
            "AFTER UPDATE ON resources",
            "IF NEW.deleted_at IS NOT NULL THEN DELETE FROM idempotency_keys WHERE resource_id = NEW.id; END IF;"
            " RETURN NULL;",
        ),
    ),
    Defect(
        "key_forgotten_after_update",
        Step.BUSINESS_LOGIC,
        "An Idempotency-Key counts as new once its resource was changed.",
        trigger(
            "key_forgotten_after_update",
            "AFTER UPDATE ON resources",
            "DELETE FROM idempotency_keys WHERE resource_id = NEW.id; RETURN NULL;",
        ),
    ),
    Defect(
        "idempotency_ignored",
        Step.BUSINESS_LOGIC,
        "The same Idempotency-Key creates two resources.",
        replace_stage(_IdempotencyIgnored),
    ),
    Defect(
        "key_reuse_accepted",
        Step.BUSINESS_LOGIC,
        "An Idempotency-Key is accepted again with another body.",
        replace_stage(_KeyReuseAccepted),
    ),
    Defect(
        "fingerprint_of_texts",
        Step.BUSINESS_LOGIC,
        "An Idempotency-Key is accepted again with other metadata.",
        replace_stage(_FingerprintOfTexts),
    ),
    Defect(
        "key_case_folded",
        Step.BUSINESS_LOGIC,
        "Idempotency-Keys that differ in letter case count as one.",
        replace_stage(_KeyCaseFolded),
    ),
    Defect(
        "key_shared",
        Step.BUSINESS_LOGIC,
        "An Idempotency-Key of one subject counts for all subjects.",
        replace_stage(_KeyShared),
    ),
    Defect(
        "key_cut",
        Step.BUSINESS_LOGIC,
        "Idempotency-Keys with the same first 64 characters count as one.",
        replace_stage(_KeyCut),
    ),
    Defect(
        "key_scope_joined",
        Step.BUSINESS_LOGIC,
        "Subject and Idempotency-Key are compared as one text.",
        replace_stage(_KeyScopeJoined),
    ),
    Defect(
        "key_scope_cut",
        Step.BUSINESS_LOGIC,
        "An Idempotency-Key counts for all subjects with the same first 64 letters.",
        replace_stage(_KeyScopeCut),
    ),
    Defect(
        "key_scope_folded",
        Step.BUSINESS_LOGIC,
        "An Idempotency-Key counts for all subjects that differ in letter case only.",
        replace_stage(_KeyScopeFolded),
    ),
)
