"""The service process: a request becomes a job, a finished job becomes a reply."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import orjson

from createflow.reference_server.adapters.nats_codec import MalformedMessageError, decode_request
from createflow.reference_server.domain.job import Job, Refused
from createflow.reference_server.domain.ports import BUSY_CODE, Index, ServiceReply, UnavailableError
from createflow.reference_server.domain.read_your_writes import Reader
from createflow.reference_server.pipeline import Pipeline
from createflow.reference_server.process.log import Log
from createflow.reference_server.service.admission import Admission

_BUSY = ServiceReply(503, BUSY_CODE, "This instance has too much to do.", retry_after_s=1.0)
_INTERNAL = ServiceReply(500, "internal_error", "An internal error occurred.")
_STATUS = {"create": 201, "update": 200, "delete": 204, "read": 200, "search": 200}

Respond = Callable[[ServiceReply], None]


class Service:
    """Carries out operations: one instance of the business tier."""

    def __init__(
        self,
        pipeline: Pipeline,
        reader: Reader,
        index: Index,
        wake_relay: Callable[[], None],
        log: Log,
        *,
        private: bool = False,
        admission: Admission | None = None,
    ) -> None:
        self._admission = admission or Admission()
        self._pipeline = pipeline
        self._reader = reader
        self._index = index
        self._wake_relay = wake_relay
        self._log = log
        self._private = private
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, request: bytes, respond: Respond) -> None:
        """Start an encoded request, or refuse it at once."""
        wait_s = self._admission.wait_s(len(self._tasks))
        if wait_s is None:
            respond(_BUSY)
            return
        task = asyncio.create_task(self._handle(request, respond, wait_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait until every accepted request has its reply."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _handle(self, request: bytes, respond: Respond, wait_s: float) -> None:
        if wait_s:
            await asyncio.sleep(wait_s)
        begun_ns = time.perf_counter_ns()
        try:
            job = decode_request(request)
        except MalformedMessageError:
            self._log.exception("malformed_request")
            respond(_INTERNAL)
            return
        try:
            reply = await self.carry_out(job)
        except Refused as refused:
            reply = _refusal(job, refused)
            if refused.__cause__ is not None:
                cause = repr(refused.__cause__)
                self._log.error("refused", request_id=job.request_id, code=refused.code, cause=cause)
        except Exception:  # noqa: BLE001 - the client must get a reply, and no internal detail in it
            self._log.exception("internal_error", request_id=job.request_id)
            reply = _INTERNAL
        respond(reply)
        ms = round((time.perf_counter_ns() - begun_ns) / 1e6, 3)
        self._log.info("request", request_id=job.request_id, op=job.op, status=reply.status, ms=ms)

    async def carry_out(self, job: Job) -> ServiceReply:
        """Carry out one operation.

        Raises:
            Refused: the operation is not carried out.
        """
        if time.time() > job.deadline_s:
            raise Refused(503, "service_unavailable", "The request's deadline has passed.", retry_after_s=1.0)
        try:
            if job.op == "read":
                return await self._read(job)
            if job.op == "search":
                items = [item for item in await self._index.search(job.query) if self._may_see(job, item)]
                return ServiceReply(200, document=orjson.dumps({"items": items}))
            job = await self._pipeline.run(job)
        except UnavailableError as error:
            raise Refused(503, "service_unavailable", "A store does not answer.", retry_after_s=1.0) from error
        self._wake_relay()
        return ServiceReply(
            _STATUS[job.op],
            version=job.version,
            resource_id=job.resource_id,
            timings=job.timings,
            document=job.document,
        )

    async def _read(self, job: Job) -> ServiceReply:
        copy = await self._reader.read(job.resource_id)
        if copy is None or not copy.document or not self._may_see(job, copy.document):
            raise Refused(404, "not_found", "There is no such resource.")
        return ServiceReply(200, version=copy.version, resource_id=job.resource_id, document=copy.document)

    def _may_see(self, job: Job, document: bytes | dict[str, Any]) -> bool:
        """Whether a resource is there for whoever asks: of private ones, the others' are as missing."""
        if not self._private or "others" in job.principal.permissions:
            return True
        shown = orjson.loads(document) if isinstance(document, bytes) else document
        return bool(shown["created_by"] == job.principal.subject)


def _refusal(job: Job, refused: Refused) -> ServiceReply:
    return ServiceReply(
        refused.status,
        refused.code,
        refused.detail,
        retry_after_s=refused.retry_after_s,
        timings=job.timings,
    )
