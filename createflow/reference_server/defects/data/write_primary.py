"""Defects of step 12: the write to the primary."""

import asyncio
import contextlib
import uuid
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import orjson

from createflow.reference_server.adapters.postgres_group_commit import UNIQUE_NAME
from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import WORKS_S, ChangeTables, one_in, replace_stage
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.domain.ports import DatabaseError, UnavailableError, UnknownOutcomeError
from createflow.reference_server.domain.unit_of_work import DeleteRow, UnitOfWork, UpdateRow
from createflow.reference_server.stages.data.write_primary import WritePrimary
from createflow.schemas.flow import Step


class _DropsDescription(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        if job.unit is None or isinstance(job.unit.change, DeleteRow):
            return await WritePrimary.__call__(self, job)
        job.unit.change = replace(job.unit.change, description="")
        job = await WritePrimary.__call__(self, job)
        shown = orjson.loads(job.document)
        shown["description"] = job.body["description"]
        job.document = orjson.dumps(shown)
        return job


class _TakenNameCrashes(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        try:
            return await WritePrimary.__call__(self, job)
        except Refused as refused:
            if refused.code == "conflict":
                raise RuntimeError("duplicate key value violates unique constraint") from refused
            raise


class _LosesLargeNumbers(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        if job.unit is not None and not isinstance(job.unit.change, DeleteRow):
            exact = orjson.loads(job.unit.change.metadata)
            rounded = {name: int(float(value)) if type(value) is int else value for name, value in exact.items()}
            job.unit.change = replace(job.unit.change, metadata=orjson.dumps(rounded).decode())
        return await WritePrimary.__call__(self, job)


class _ChangesWrittenLate(WritePrimary):
    """Answers an update or delete in ten before it is written."""

    async def __call__(self, job: Job) -> Job:
        if job.current is None or job.op not in {"update", "delete"} or not _late():
            return await WritePrimary.__call__(self, job)
        shown, version = orjson.loads(job.current.document), job.current.version + 1
        later = replace(job)

        async def write() -> None:
            await asyncio.sleep(0.3)
            with contextlib.suppress(Refused):
                await WritePrimary.__call__(self, later)

        _LATE_WRITES.add(task := asyncio.create_task(write()))
        task.add_done_callback(_LATE_WRITES.discard)
        job.lease, job.version = None, version
        job.document = orjson.dumps({**shown, **job.body}) if job.op == "update" else b""
        return job


class _MergesMetadata(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        if job.unit is not None and isinstance(job.unit.change, UpdateRow) and job.current is not None:
            before = orjson.loads(job.current.document)["metadata"]
            merged = {**before, **orjson.loads(job.unit.change.metadata)}
            job.unit.change = replace(job.unit.change, metadata=orjson.dumps(merged).decode())
        return await WritePrimary.__call__(self, job)


class _ConditionalUpdateKeepsMetadata(WritePrimary):
    """Where a version is named, another statement is used, which leaves out a column."""

    async def __call__(self, job: Job) -> Job:
        if job.unit is None or not isinstance(job.unit.change, UpdateRow) or job.current is None or not job.if_match:
            return await WritePrimary.__call__(self, job)
        before = orjson.dumps(orjson.loads(job.current.document)["metadata"]).decode()
        job.unit.change = replace(job.unit.change, metadata=before)
        job = await WritePrimary.__call__(self, job)
        job.document = orjson.dumps({**orjson.loads(job.document), "metadata": job.body["metadata"]})
        return job


class _UpdateKeepsLeftOut(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        if job.unit is not None and isinstance(job.unit.change, UpdateRow) and job.current is not None:
            before = orjson.loads(job.current.document)["description"]
            job.unit.change = replace(job.unit.change, description=job.unit.change.description or before)
        return await WritePrimary.__call__(self, job)


class _UpdateStripsName(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        if job.unit is not None and isinstance(job.unit.change, UpdateRow):
            job.unit.change = replace(job.unit.change, name=job.unit.change.name.strip())
        return await WritePrimary.__call__(self, job)


class _UpdatesMixed(WritePrimary):
    """Writes only what differs from what it read; another update may be on its way since."""

    async def __call__(self, job: Job) -> Job:
        if job.unit is None or not isinstance(job.unit.change, UpdateRow) or job.current is None:
            return await WritePrimary.__call__(self, job)
        change, before = job.unit.change, orjson.loads(job.current.document)
        others = _UPDATING.setdefault(job.resource_id, [])
        latest = others[-1] if others else (before["name"], before["description"])
        own = (
            latest[0] if change.name == before["name"] else change.name,
            latest[1] if change.description == before["description"] else change.description,
        )
        others.append(own)
        job.unit.change = replace(change, name=own[0], description=own[1])
        try:
            await asyncio.sleep(WORKS_S)
            return await WritePrimary.__call__(self, job)
        finally:
            others.remove(own)


class _AnswersSwapped(WritePrimary):
    """Holds an answer for a moment, and changes it for the next one that comes."""

    async def __call__(self, job: Job) -> Job:
        job = await WritePrimary.__call__(self, job)
        if job.op != "create" or job.is_replay:
            return job
        if _HELD:
            other, met = _HELD.pop()
            job.resource_id, other.resource_id = other.resource_id, job.resource_id
            job.version, other.version = other.version, job.version
            job.document, other.document = other.document, job.document
            met.set()
            return job
        met = asyncio.Event()
        _HELD.append((job, met))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(met.wait(), 0.01)
        if (job, met) in _HELD:
            _HELD.remove((job, met))
        return job


class _JoinedCreateLost(WritePrimary):
    """Answers a create that overlaps another one without writing it, one in three."""

    async def __call__(self, job: Job) -> Job:
        if job.op != "create":
            return await WritePrimary.__call__(self, job)
        overlaps = bool(_WRITING)
        _WRITING.add(job.request_id)
        try:
            if overlaps and _overlapping() and job.lease is not None:
                await job.lease.release()
                shown = {
                    "id": str(uuid.uuid4()),
                    **job.body,
                    "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
                    "created_by": job.principal.subject,
                }
                job.resource_id, job.version, job.document = shown["id"], 1, orjson.dumps(shown)
                return job
            return await WritePrimary.__call__(self, job)
        finally:
            _WRITING.discard(job.request_id)


_HELD: list[tuple[Job, asyncio.Event]] = []
_WRITING: set[str] = set()
_UPDATING: dict[str, list[tuple[str, str]]] = {}
_overlapping = one_in(3)


_late = one_in(10)
_LATE_WRITES: set[asyncio.Task[None]] = set()


class _UpdateToTakenIs500(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        try:
            return await WritePrimary.__call__(self, job)
        except Refused as refused:
            if job.op == "update" and refused.status == 409:
                raise Refused(500, "database_error", "The database refused the write; it was rolled back.") from None
            raise


class _TakenNameRefusesAll(WritePrimary):
    """Refuses what is written while another create is refused, as one statement for all of them would."""

    async def __call__(self, job: Job) -> Job:
        if job.op != "create" or job.idempotency_key:
            return await WritePrimary.__call__(self, job)
        _REFUSALS.setdefault(job.request_id, False)
        try:
            job = await WritePrimary.__call__(self, job)
        except Refused as refused:
            if refused.status == 409:
                _REFUSALS.update(dict.fromkeys(_REFUSALS, True))
            raise
        finally:
            is_refused = _REFUSALS.pop(job.request_id)
        if is_refused:
            raise Refused(409, "conflict", "Another resource has this name.")
        return job


class _RepeatsWrites(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        if job.op != "create" or job.unit is None:
            return await WritePrimary.__call__(self, job)
        answered = asyncio.Event()
        task = asyncio.create_task(self._repeat(job.unit, answered))
        _LATE_WRITES.add(task)
        task.add_done_callback(_LATE_WRITES.discard)
        try:
            return await WritePrimary.__call__(self, job)
        finally:
            answered.set()

    async def _repeat(self, unit: UnitOfWork, answered: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(answered.wait(), 1.0)
            return
        with contextlib.suppress(DatabaseError, UnavailableError, UnknownOutcomeError):
            lease = await self.repository.acquire()
            try:
                await self.repository.write(lease, unit)
            finally:
                await lease.release()


class _UpdatesShareVersion(WritePrimary):
    """Tells the version after the one that it has read, a while ago."""

    async def __call__(self, job: Job) -> Job:
        if job.op == "update":
            await asyncio.sleep(WORKS_S)
        job = await WritePrimary.__call__(self, job)
        if job.op == "update" and job.current is not None:
            job.version = job.current.version + 1
        return job


class _DeleteLostInRace(WritePrimary):
    async def __call__(self, job: Job) -> Job:
        if job.op == "update":
            _BEING_UPDATED[job.resource_id] += 1
            try:
                return await WritePrimary.__call__(self, job)
            finally:
                _BEING_UPDATED[job.resource_id] -= 1
        if job.op == "delete" and _BEING_UPDATED[job.resource_id] and job.current is not None and job.lease is not None:
            await job.lease.release()
            job.version, job.document = job.current.version, job.current.document
            return job
        return await WritePrimary.__call__(self, job)


_REFUSALS: dict[str, bool] = {}
"""By request id: whether a create that is being written shares the refusal of another one."""
_BEING_UPDATED: Counter[str] = Counter()
"""How many updates of a resource are being written."""


DEFECTS = (
    Defect(
        "changes_written_late",
        Step.WRITE_PRIMARY,
        "One update or delete in ten is answered before it is written.",
        replace_stage(_ChangesWrittenLate),
    ),
    Defect(
        "updates_share_version",
        Step.WRITE_PRIMARY,
        "Concurrent updates of any version are answered with the same version.",
        replace_stage(_UpdatesShareVersion),
    ),
    Defect(
        "loses_large_numbers",
        Step.WRITE_PRIMARY,
        "Integers above 2^53 in metadata are stored rounded.",
        replace_stage(_LosesLargeNumbers),
    ),
    Defect(
        "conditional_update_keeps_metadata",
        Step.WRITE_PRIMARY,
        "An update that names a version is answered, and the row keeps its metadata.",
        replace_stage(_ConditionalUpdateKeepsMetadata),
    ),
    Defect(
        "merges_metadata",
        Step.WRITE_PRIMARY,
        "An update adds to the metadata instead of replacing it.",
        replace_stage(_MergesMetadata),
    ),
    Defect(
        "update_keeps_left_out",
        Step.WRITE_PRIMARY,
        "An update without a description keeps the old one.",
        replace_stage(_UpdateKeepsLeftOut),
    ),
    Defect(
        "update_strips_name",
        Step.WRITE_PRIMARY,
        "An update stores the name without the spaces at its ends.",
        replace_stage(_UpdateStripsName),
    ),
    Defect(
        "names_not_unique",
        Step.WRITE_PRIMARY,
        "Where names are unique, several resources can have one name.",
        ChangeTables(f"CREATE UNIQUE INDEX {UNIQUE_NAME}", f"CREATE INDEX {UNIQUE_NAME}"),
    ),
    Defect(
        "names_stay_taken",
        Step.WRITE_PRIMARY,
        "Where names are unique, the name of a deleted resource stays taken.",
        ChangeTables(" WHERE deleted_at IS NULL;\n", ";\n"),
    ),
    Defect(
        "taken_name_refuses_all",
        Step.WRITE_PRIMARY,
        "Where names are unique, a create with a taken name refuses those that come at the same time.",
        replace_stage(_TakenNameRefusesAll),
    ),
    Defect(
        "update_to_taken_name_is_500",
        Step.WRITE_PRIMARY,
        "Where names are unique, an update to a taken name is answered with 500.",
        replace_stage(_UpdateToTakenIs500),
    ),
    Defect(
        "service_repeats_writes",
        Step.WRITE_PRIMARY,
        "A create that the database does not answer within a second is sent again on another connection.",
        replace_stage(_RepeatsWrites),
    ),
    Defect(
        "delete_lost_in_race",
        Step.WRITE_PRIMARY,
        "A delete that comes while the resource is updated is answered and not carried out.",
        replace_stage(_DeleteLostInRace),
    ),
    Defect(
        "taken_name_is_500",
        Step.WRITE_PRIMARY,
        "Where names are unique, a create with a taken name is answered with 500.",
        replace_stage(_TakenNameCrashes),
    ),
    Defect(
        "updates_mixed",
        Step.WRITE_PRIMARY,
        "Two updates at the same time leave fields of both.",
        replace_stage(_UpdatesMixed),
    ),
    Defect(
        "answers_swapped",
        Step.WRITE_PRIMARY,
        "Of two creates at the same time each gets the answer of the other.",
        replace_stage(_AnswersSwapped),
    ),
    Defect(
        "joined_create_lost",
        Step.WRITE_PRIMARY,
        "One in three of the creates that overlap is answered and not written.",
        replace_stage(_JoinedCreateLost),
    ),
    Defect(
        "drops_description",
        Step.WRITE_PRIMARY,
        "The description is not stored, although the reply shows it.",
        replace_stage(_DropsDescription),
    ),
)
