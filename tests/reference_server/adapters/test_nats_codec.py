"""Messages that cross NATS arrive as they were sent, and malformed ones raise one error."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from createflow.reference_server.adapters.nats_codec import (
    BYTES_MAX,
    PARTS_MAX,
    MalformedMessageError,
    decode_batch,
    decode_event,
    decode_reply,
    decode_request,
    decode_watermark,
    encode_batch,
    encode_event,
    encode_reply,
    encode_request,
    encode_watermark,
    split_into_batches,
)
from createflow.reference_server.domain.access import Principal
from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.ports import ServiceReply


def test_the_parts_of_a_batch_arrive_as_they_were() -> None:
    """Whatever bytes they hold, empty ones and line ends included, and in whatever order they are."""
    parts = [(3, b"{}\n[1]"), (0, b""), (7, b"\n"), (1, "ü".encode())]
    assert decode_batch(encode_batch(parts)) == parts


@pytest.mark.parametrize("message", [b"", b"[[0,3]]\nab", b"[[0,1]]\nab", b"[0]\na", b"ab"])
def test_a_malformed_batch_is_refused(message: bytes) -> None:
    """With an error that says so, not with parts that were never sent."""
    with pytest.raises(MalformedMessageError):
        decode_batch(message)


def test_a_batch_fits_into_a_message() -> None:
    """By number and by size; a large part is sent alone."""
    small = [(position, b"x") for position in range(PARTS_MAX + 1)]
    assert [len(batch) for batch in split_into_batches(small)] == [PARTS_MAX, 1]
    large = [(0, b"x" * BYTES_MAX), (1, b"x"), (2, b"x" * (BYTES_MAX + 1)), (3, b"x")]
    assert [[position for position, _ in batch] for batch in split_into_batches(large)] == [[0], [1], [2], [3]]
    assert list(split_into_batches([])) == []


def test_a_request_arrives_as_it_was() -> None:
    """What stays on the gateway does not cross."""
    job = Job(
        request_id="request-1",
        op="update",
        principal=Principal("alice", frozenset({"read", "update"})),
        resource_id="id",
        query="q",
        body={"name": "Café", "metadata": {"a": [1, None]}},
        if_match='"1"',
        if_none_match='"2"',
        idempotency_key="key",
        deadline_s=1.5,
    )
    assert decode_request(encode_request(job)) == job


def test_a_reply_arrives_as_it_was() -> None:
    """The document's bytes are not touched."""
    reply = ServiceReply(503, "busy", "later", 1.0, 3, "id", [("transaction", 5)], b'{"a": 1}\n\n')
    assert decode_reply(encode_reply(reply)) == reply


def test_a_watermark_arrives_as_it_was() -> None:
    """Id and version."""
    assert decode_watermark(encode_watermark("id", 12)) == ("id", 12)


def test_an_event_arrives_as_it_was() -> None:
    """With its time in UTC."""
    at = datetime(2024, 5, 6, 7, 8, 9, 123, tzinfo=UTC)
    event = ResourceEvent("event-1", "deleted", "id", 2, "alice", "request-1", at, b'{"id":"id"}')
    assert decode_event(encode_event(event)) == event
    assert b'"type":"createflow.resource.deleted"' in encode_event(event)
    assert b'"time":"2024-05-06T07:08:09.000123Z"' in encode_event(event)


@pytest.mark.parametrize("decode", [decode_request, decode_reply, decode_watermark, decode_event])
@pytest.mark.parametrize("message", [b"", b"x", b"{}", b"[]", b"[]\n", b"null", b'{"id":1}', b"\xff \xff"])
def test_a_malformed_message_raises_one_error(decode: Callable[[bytes], object], message: bytes) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(MalformedMessageError):
        decode(message)
