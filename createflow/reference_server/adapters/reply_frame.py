"""How an answer travels over the bus: one line of JSON about it, then the representation as it is.

The gateway passes the representation on without parsing it.
"""

import orjson

from createflow.reference_server.domain.port import Answer


def pack(answer: Answer) -> bytes:
    """The frame of an answer."""
    head = {
        "status": answer.status,
        "code": answer.code,
        "detail": answer.detail,
        "retry_after_s": answer.retry_after_s,
        "version": answer.version,
        "id": answer.resource_id,
        "timings": answer.timings,
    }
    return orjson.dumps(head) + b"\n" + answer.document


def unpack(frame: bytes) -> Answer:
    """The answer of a frame."""
    head_bytes, _, document = frame.partition(b"\n")
    head = orjson.loads(head_bytes)
    return Answer(
        status=head["status"],
        code=head["code"],
        detail=head["detail"],
        retry_after_s=head["retry_after_s"],
        version=head["version"],
        resource_id=head["id"],
        timings=[(name, took_ns) for name, took_ns in head["timings"]],
        document=document,
    )
