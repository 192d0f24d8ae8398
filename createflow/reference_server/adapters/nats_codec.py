"""Everything that crosses NATS, as bytes: requests, replies, batches of both, version watermarks and events.

Each kind of message has an ``encode`` and a ``decode`` function. A message that cannot be decoded raises
``MalformedMessageError``.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import orjson

from createflow.reference_server.domain.access import Principal
from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.ports import ServiceReply

Part = tuple[int, bytes]
"""The position of a request in its batch, and the encoded request or its reply."""

PARTS_MAX = 64
BYTES_MAX = 512 * 1024
"""Half of what the broker accepts, because a batch may exceed this by one part."""
_EVENT_SOURCE = "urn:createflow:resources"
_EVENT_TYPE = "createflow.resource."


class MalformedMessageError(ValueError):
    """The bytes are not a message of the expected kind."""


def encode_batch(parts: Sequence[Part]) -> bytes:
    """Put parts into one message: a line with the position and size of each, then all of them.

    A message costs the sender, the broker and the receiver about as much as the work of a create.
    """
    sizes = orjson.dumps([(position, len(content)) for position, content in parts])
    return b"\n".join([sizes, b"".join([content for _, content in parts])])


def decode_batch(message: bytes) -> list[Part]:
    """Return the parts of a batch.

    Raises:
        MalformedMessageError: it is not a batch.
    """
    sizes, _, contents = message.partition(b"\n")
    parts: list[Part] = []
    begin = 0
    try:
        for position, size in orjson.loads(sizes):
            parts.append((position, contents[begin : begin + size]))
            begin += size
    except (ValueError, TypeError) as error:
        raise MalformedMessageError("not a batch") from error
    if begin != len(contents):
        raise MalformedMessageError("the sizes of a batch differ from its contents")
    return parts


def split_into_batches(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Divide parts into batches that each fit into one message; a part that is too large stands alone."""
    batch: list[Part] = []
    size = 0
    for part in parts:
        if batch and (len(batch) == PARTS_MAX or size + len(part[1]) > BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append(part)
        size += len(part[1])
    if batch:
        yield batch


def encode_request(job: Job) -> bytes:
    """Encode what a service needs to know of a job."""
    return orjson.dumps(
        {
            "op": job.op,
            "request_id": job.request_id,
            "deadline_s": job.deadline_s,
            "subject": job.principal.subject,
            "permissions": sorted(job.principal.permissions),
            "id": job.resource_id,
            "body": job.body,
            "if_match": job.if_match,
            "if_none_match": job.if_none_match,
            "idempotency_key": job.idempotency_key,
            "query": job.query,
        }
    )


def decode_request(message: bytes) -> Job:
    """Return the job as the service gets it.

    Raises:
        MalformedMessageError: it is not a request.
    """
    try:
        fields = orjson.loads(message)
        return Job(
            request_id=fields["request_id"],
            op=fields["op"],
            principal=Principal(fields["subject"], frozenset(fields["permissions"])),
            resource_id=fields["id"],
            query=fields["query"],
            body=fields["body"],
            if_match=fields["if_match"],
            if_none_match=fields["if_none_match"],
            idempotency_key=fields["idempotency_key"],
            deadline_s=fields["deadline_s"],
        )
    except (ValueError, TypeError, KeyError) as error:
        raise MalformedMessageError("not a request") from error


def encode_reply(reply: ServiceReply) -> bytes:
    """Encode a reply: one line of JSON, then the representation as it is, so that the gateway need not parse it."""
    head = {
        "status": reply.status,
        "code": reply.code,
        "detail": reply.detail,
        "retry_after_s": reply.retry_after_s,
        "version": reply.version,
        "id": reply.resource_id,
        "timings": reply.timings,
    }
    return orjson.dumps(head) + b"\n" + reply.document


def decode_reply(message: bytes) -> ServiceReply:
    """Return the reply.

    Raises:
        MalformedMessageError: it is not a reply.
    """
    head, _, document = message.partition(b"\n")
    try:
        fields = orjson.loads(head)
        return ServiceReply(
            status=fields["status"],
            code=fields["code"],
            detail=fields["detail"],
            retry_after_s=fields["retry_after_s"],
            version=fields["version"],
            resource_id=fields["id"],
            timings=[(step, took_ns) for step, took_ns in fields["timings"]],
            document=document,
        )
    except (ValueError, TypeError, KeyError) as error:
        raise MalformedMessageError("not a reply") from error


def encode_watermark(resource_id: str, version: int) -> bytes:
    """Encode that reads of the resource must not return a version below this one."""
    return f"{resource_id} {version}".encode("ascii")


def decode_watermark(message: bytes) -> tuple[str, int]:
    """Return the resource's id and the version.

    Raises:
        MalformedMessageError: it is not a watermark.
    """
    resource_id, _, version = message.decode("ascii", "replace").partition(" ")
    if not version.isdecimal():
        raise MalformedMessageError("not a watermark")
    return resource_id, int(version)


def encode_event(event: ResourceEvent) -> bytes:
    """Encode an event as a CloudEvent 1.0 in JSON (schemas/json/event.schema.json)."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": _EVENT_SOURCE,
            "type": _EVENT_TYPE + event.type,
            "subject": event.resource_id,
            "time": event.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": orjson.Fragment(event.document),
            "version": event.version,
            "actor": event.actor,
            "requestid": event.request_id,
        }
    )


def decode_event(message: bytes) -> ResourceEvent:
    """Return the event.

    Raises:
        MalformedMessageError: it is not an event.
    """
    try:
        fields = orjson.loads(message)
        return ResourceEvent(
            id=fields["id"],
            type=fields["type"].removeprefix(_EVENT_TYPE),
            resource_id=fields["subject"],
            version=fields["version"],
            actor=fields["actor"],
            request_id=fields["requestid"],
            occurred_at=datetime.fromisoformat(fields["time"]),
            document=orjson.dumps(fields["data"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MalformedMessageError("not an event") from error
