"""The service process: a message to a job, a finished job to an answer, nothing else."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import orjson

from createflow.reference_server.domain.job import Job, Principal, Refused
from createflow.reference_server.domain.port import Answer, Index, UnavailableError
from createflow.reference_server.domain.reads import Reader
from createflow.reference_server.pipeline import Pipeline
from createflow.reference_server.process.log import Log

RUNNING_MAX = 256
"""Requests at once; one more is refused while it is still free to go elsewhere."""
_BUSY = Answer(503, "service_unavailable", "This instance has too much to do.", retry_after_s=1.0)
_INTERNAL = Answer(500, "internal_error", "An error that is ours.")
_STATUS = {"create": 201, "update": 200, "delete": 204, "read": 200, "search": 200}

Respond = Callable[[Answer], None]


class Service:
    """Carries out operations. One instance of the business tier."""

    def __init__(self, pipeline: Pipeline, reader: Reader, index: Index, nudge: Callable[[], None], log: Log) -> None:
        self._pipeline = pipeline
        self._reader = reader
        self._index = index
        self._nudge = nudge
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, envelope: bytes, respond: Respond) -> None:
        """Begin one request, or refuse it at once."""
        if len(self._tasks) >= RUNNING_MAX:
            respond(_BUSY)
            return
        task = asyncio.create_task(self._carry_out(envelope, respond))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Until everything begun is answered."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _carry_out(self, envelope: bytes, respond: Respond) -> None:
        begun_ns = time.perf_counter_ns()
        job = Job(request_id="")
        try:
            _fill(job, orjson.loads(envelope))
            answer = await self.answer(job)
        except Refused as refused:
            answer = _refusal(job, refused)
            if refused.__cause__ is not None:
                cause = repr(refused.__cause__)
                self._log.error("refused", request_id=job.request_id, code=refused.code, cause=cause)
        except Exception:  # noqa: BLE001 - the last line: the library would answer with the error's own text
            self._log.exception("internal_error", request_id=job.request_id)
            answer = _INTERNAL
        respond(answer)
        ms = round((time.perf_counter_ns() - begun_ns) / 1e6, 3)
        self._log.info("request", request_id=job.request_id, op=job.op, status=answer.status, ms=ms)

    async def answer(self, job: Job) -> Answer:
        """Carry out one operation.

        Raises:
            Refused: it cannot be carried out.
        """
        if time.time() > job.deadline_s:
            raise Refused(503, "service_unavailable", "The request's deadline has passed.", retry_after_s=1.0)
        try:
            if job.op == "read":
                return await self._read(job)
            if job.op == "search":
                items = await self._index.search(job.query)
                return Answer(200, document=orjson.dumps({"items": items}))
            job = await self._pipeline.run(job)
        except UnavailableError as error:
            raise Refused(503, "service_unavailable", "A store does not answer.", retry_after_s=1.0) from error
        self._nudge()
        return Answer(
            _STATUS[job.op],
            version=job.version,
            resource_id=job.resource_id,
            timings=job.timings,
            document=job.document,
        )

    async def _read(self, job: Job) -> Answer:
        copy = await self._reader.read(job.resource_id)
        if copy is None or not copy.document:
            raise Refused(404, "not_found", "There is no such resource.")
        return Answer(200, version=copy.version, resource_id=job.resource_id, document=copy.document)


def _fill(job: Job, envelope: dict[str, Any]) -> None:
    job.op = envelope["op"]
    job.request_id = envelope["request_id"]
    job.deadline_s = envelope["deadline_s"]
    job.principal = Principal(envelope["subject"], frozenset(envelope["permissions"]))
    job.resource_id = envelope["id"]
    job.body = envelope["body"]
    job.if_match = envelope["if_match"]
    job.if_none_match = envelope["if_none_match"]
    job.idempotency_key = envelope["idempotency_key"]
    job.query = envelope["query"]


def _refusal(job: Job, refused: Refused) -> Answer:
    return Answer(
        refused.status,
        refused.code,
        refused.detail,
        retry_after_s=refused.retry_after_s,
        timings=job.timings,
    )
