"""Whatever bytes a store or a target shows: what reads them ends with a result or with one of its own errors."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import SecretStr

from createflow.scenarios.load.http.errors import ExchangeError
from createflow.scenarios.load.http.reply_parser import KeepingParser, ReplyParser
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.copy_problem import (
    Provenance,
    entry_problem,
    envelope_problem,
    json_state_problem,
    row_state_problem,
)
from createflow.scenarios.sinks.nats.stream import NatsStream
from createflow.scenarios.sinks.sink import PublishedEvent
from createflow.scenarios.target.location import LocationElsewhere, LocationMalformed, Origins
from createflow.scenarios.target.representation import WireFormat
from createflow.scenarios.text.json_pointer import value_at
from createflow.scenarios.verification.copy_comparison import CopyComparison
from createflow.scenarios.verification.event_sink import EventSink
from createflow.scenarios.verification.observed import ResourceIds
from createflow.scenarios.verification.sent_writes import SentWrites
from createflow.schemas.profile import Profile
from createflow.schemas.profile_sinks import EventSink as EventSection
from tests.scenarios.verification.fakes import writes_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["id", "name", "metadata", "data", "actor", "time", "occurred_at", "action", "resource_id"])
OBJECTS = st.dictionaries(NAMES, JSON, max_size=6)
BYTES = (
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | OBJECTS.map(lambda value: json.dumps({"data": value, "id": value.get("id")}).encode())
)
TARGET = Profile.model_validate({"target": {"base_url": "http://stub.test"}}).target
SECTION = EventSection(
    url=SecretStr("nats://127.0.0.1:1"),
    stream="S",
    subject="s",
    envelope={"actor": "/data/actor", "time": "/data/time", "request_id": "/id", "resource_id": "/data/id"},
)
TRIES = settings(max_examples=100, deadline=None)


@TRIES
@given(BYTES)
@example(b"[" * 100_000)
@example(b'{"data": {"id": "\\ud800", "name": "load ab12 0"}}')
def test_any_event_is_kept_or_ignored(data: bytes) -> None:
    """By what receives events while checks run, and by the verification of a load."""
    stream = NatsStream(SECTION, "id")
    message = Msg(Client(), subject="s", reply="$JS.ACK.S.c.1.1.1.1.0", data=data)
    with pytest.raises(StopIteration):
        stream._receive(message).send(None)
    assert len(stream.all()) == 1
    writes = writes_of("aaa")
    sent = SentWrites(['{"name":"load ab12 %d"}'], TARGET, subjects=["s"])
    comparison = CopyComparison(sent, ResourceIds(writes))
    sink = EventSink(None, SECTION, "name", writes=writes, comparison=comparison, deadline_s=1)  # type: ignore[arg-type]
    sink._add(PublishedEvent(data, None))


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"\$JS\.ACK(\.[^.]{0,9}){0,12}", fullmatch=True))
@example("$JS.ACK.S.c.1.x.1.1.0")
def test_any_position_of_an_event_is_read_or_told(reply: str) -> None:
    """An event that has no id of its own and no place in the stream would be taken for another one, or for none."""
    stream = NatsStream(SECTION, "id")
    with pytest.raises(StopIteration):
        stream._receive(Msg(Client(), subject="s", reply=reply, data=b"{}")).send(None)
    try:
        assert len(stream.all()) == 1
    except Inconclusive as doubt:
        assert "without a position" in str(doubt)  # noqa: PT017 - it need not be raised


@TRIES
@given(OBJECTS, OBJECTS)
def test_any_copy_is_compared_with_any_state(state: dict[str, Any], copy: dict[str, Any]) -> None:
    """Two that are the same never differ, whatever they hold."""
    for problem in (row_state_problem, json_state_problem):
        assert isinstance(problem(state, copy, "name"), str)
        if "NaN" not in json.dumps(state):
            assert not problem(state, {"name": None, **state}, "metadata" if "metadata" in state else "")
    wrote = Provenance("a", "b", "c", 0.0, datetime.now(UTC).timestamp())
    assert isinstance(envelope_problem(copy, wrote), str)
    try:
        assert isinstance(entry_problem(copy, wrote), str)
    except Inconclusive as doubt:
        assert "occurred_at is no time" in str(doubt)  # noqa: PT017 - it need not be raised


@TRIES
@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([b"HTTP/1.1 201 Created\r\n", b"Content-Length: 5\r\n"]), max_size=6
    )
)
@example([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-2\r\n"])
@example([b"HTTP/1.1 99999 \r\n\r\n"])
def test_any_bytes_on_a_connection_of_a_load_end_in_an_error_or_a_reply(parts: list[bytes]) -> None:
    """In pieces of any size."""
    for parser in (ReplyParser(), KeepingParser()):
        try:
            for part in parts:
                parser.feed(part)
                if parser.complete:
                    break
        except ExchangeError:
            continue


@TRIES
@given(st.text(max_size=80) | st.from_regex(r"(https?:)?//[^/]{0,20}(:\d{0,7})?(/.{0,20})?", fullmatch=True))
@example("http://[::1")
@example("//h:99999999999/")
def test_any_location_names_a_path_or_is_refused(location: str) -> None:
    """Malformed or elsewhere; it never names another origin's path."""
    origins = Origins.of("http://stub.test", ())
    try:
        path = origins.path_of(location, "http://stub.test/api/resources")
    except (LocationMalformed, LocationElsewhere):
        return
    assert path.startswith("/")


@TRIES
@given(BYTES, st.text(max_size=40), st.booleans())
def test_any_body_has_a_representation_or_none(body: bytes, url: str, is_read: bool) -> None:  # noqa: FBT001 - generated
    """With its links and its exact numbers."""
    target = TARGET.model_copy(update={"self_link": "/data/id"})
    shown = WireFormat(target).decode(body, {"location": url}, url, is_read=is_read)
    assert shown is None or isinstance(shown, dict)
    WireFormat(target).self_link(body)
    WireFormat(target).sent(body)
    WireFormat(target).exact(body, is_read=is_read)


@TRIES
@given(JSON, st.text(max_size=30) | st.from_regex(r"(/[~01a-z0-9]{0,4}){0,4}", fullmatch=True))
def test_any_pointer_into_any_document_finds_something_or_nothing(document: Any, pointer: str) -> None:
    """No error."""
    value_at(document, pointer)
