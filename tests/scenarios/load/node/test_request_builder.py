"""The bytes of whole requests."""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from createflow.scenarios.load.node.request_builder import RequestBuilder
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.plan.plan import make_plan
from createflow.scenarios.load.plan.schedule import Arrival
from createflow.scenarios.load.plan.write_log import preflight_name
from createflow.scenarios.text.trace_context import trace_id_of
from createflow.schemas.operation import Operation
from createflow.schemas.profile import Profile

CREDENTIALS = (("authorization", "Bearer one"), ("authorization", "Bearer 50%"))


class _Reply(NamedTuple):
    status: int = 201
    location: str | None = None
    body: bytes = b""


def _builder(
    target: Mapping[str, object] | None = None, *, mix: str = "create=1", known: tuple[tuple[str, int], ...] = ()
) -> tuple[RequestBuilder, str]:
    profile = Profile.model_validate({"target": {"base_url": "http://localhost:81", **(target or {})}})
    plan = make_plan(profile, LoadOptions(mix=mix, seed=1))
    (config,) = plan.node_configs(CREDENTIALS, {"run_id": plan.run_id, "tenant": "a b"}, known)
    return RequestBuilder(config), plan.run_id


def _parts(request: bytes) -> tuple[str, dict[str, str], str]:
    head, _, body = request.decode().partition("\r\n\r\n")
    first, *fields = head.split("\r\n")
    return first, {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}, body


def test_a_create_has_credentials_and_length() -> None:
    """Everything that a server needs; principals take turns, and percent signs are kept."""
    builder, run_id = _builder({"headers": {"X-Odd": "100%d"}})
    first, fields, body = _parts(builder.build(Arrival(17, 1.0)))
    assert first == "POST /api/resources HTTP/1.1"
    assert (fields["host"], fields["authorization"], fields["x-odd"]) == ("localhost:81", "Bearer 50%", "100%d")
    assert run_id in fields["user-agent"]
    assert int(fields["content-length"]) == len(body.encode())
    assert json.loads(body)["name"] == f"load {run_id} 17"
    assert _parts(builder.build(Arrival(18, 1.0)))[1]["authorization"] == "Bearer one"


def test_every_request_begins_a_trace_of_its_own() -> None:
    """Which the number of the arrival tells, and which the target need not record (W3C Trace Context §3.2)."""
    builder, run_id = _builder(mix="create=1,read=1", known=(("/api/resources/1", 0),))
    fields = [
        _parts(builder.build(Arrival(k, 1.0, operation)))[1]["traceparent"]
        for k, operation in enumerate((Operation.CREATE, Operation.READ, Operation.READ))
    ]
    assert all(re.fullmatch(r"00-[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00", one) for one in fields)
    assert [one.split("-")[1] for one in fields] == [trace_id_of(run_id, k) for k in range(3)]
    assert len({one.split("-")[1] for one in fields}) == 3


def test_a_traceparent_of_the_profile_is_sent_as_it_is() -> None:
    """Once, and with no number in it."""
    builder, _ = _builder({"headers": {"Traceparent": "00-%d"}})
    request = builder.build(Arrival(0, 1.0))
    assert request is not None
    assert request.lower().count(b"traceparent:") == 1
    assert _parts(request)[1]["traceparent"] == "00-%d"


def test_renewed_tokens_are_used_at_once() -> None:
    """Also in the middle of a run."""
    builder, _ = _builder()
    builder.set_credentials((("authorization", "Bearer young"),) * 2)
    assert _parts(builder.build(Arrival(0, 1.0)))[1]["authorization"] == "Bearer young"


def test_a_client_chosen_id_is_unique_by_arrival() -> None:
    """PUT to create, below a path with a captured variable."""
    builder, run_id = _builder({"method": "PUT", "path": "/{tenant}/things/{new_id}"})
    firsts = [_parts(builder.build(Arrival(k, 1.0)))[0] for k in (10, 11)]
    assert firsts == [f"PUT /a%20b/things/{run_id}-0000-4000-8000-00000000000{digit} HTTP/1.1" for digit in "ab"]


@pytest.mark.parametrize(
    ("target", "reply", "path"),
    [
        ({}, _Reply(location="/api/resources/7?v=1"), "/api/resources/7?v=1"),
        ({}, _Reply(location="http://localhost:81/api/resources/7"), "/api/resources/7"),
        ({}, _Reply(body=b'{"id": 7}'), "/api/resources/7"),
        ({"read_path": "/r/{id}"}, _Reply(location="/no", body=b'{"id": "a/b"}'), "/r/a%2Fb"),
        ({"envelope": {"reply": "/data"}}, _Reply(body=b'{"data": {"id": 7}}'), "/api/resources/7"),
    ],
)
def test_a_created_resource_is_read_at_the_path_in_its_reply(
    target: dict[str, object], reply: _Reply, path: str
) -> None:
    """By the principal that created it."""
    builder, _ = _builder(target, mix="create=1,read=1")
    builder.remember(reply, Arrival(1, 0.5))  # type: ignore[arg-type] # all that is looked at
    first, fields, body = _parts(builder.build(Arrival(4, 1.0, Operation.READ)))
    assert (first, fields["authorization"], body) == (f"GET {path} HTTP/1.1", "Bearer 50%", "")


def test_a_reply_without_a_path_is_ignored() -> None:
    """Known resources are still read."""
    builder, _ = _builder(mix="create=1,read=1", known=(("/api/resources/warm", 0),))
    builder.remember(_Reply(body=b"[not json"), Arrival(1, 0.5))  # type: ignore[arg-type] # as above
    assert _parts(builder.build(Arrival(4, 1.0, Operation.READ)))[0] == "GET /api/resources/warm HTTP/1.1"


def test_an_update_keeps_the_name_of_the_arrival_that_created() -> None:
    """Verification finds creates by their names, and the preflight's name belongs to no arrival."""
    builder, run_id = _builder({"update": True}, mix="create=1,update=1", known=(("/warm", 0),))
    first, fields, body = _parts(builder.build(Arrival(4, 1.0, Operation.UPDATE)))
    assert (first, json.loads(body)["name"]) == ("PUT /warm HTTP/1.1", preflight_name(run_id))
    assert int(fields["content-length"]) == len(body)
    for k in range(1000):
        builder.remember(_Reply(location=f"/r/{k}"), Arrival(k, 0.5))  # type: ignore[arg-type] # as above
    first, _, body = _parts(builder.build(Arrival(5000, 1.0, Operation.UPDATE)))
    number = first.split()[1].rpartition("/")[2]
    assert json.loads(body)["name"] == f"load {run_id} {number}"


def test_a_key_in_the_query_is_in_every_path() -> None:
    """After the query that a path has, percent-encoded; a principal of headers has none."""
    builder, _ = _builder(mix="create=1,read=1", known=(("/api/resources/a?b=c", 0),))
    builder.set_credentials((("?key", "a&b%"), ("cookie", "sid=one", "x-csrf-token", "two")))
    reads = builder.build(Arrival(0, 1.0, Operation.READ)) or b""
    assert _parts(reads)[0] == "GET /api/resources/a?b=c&key=a%26b%25 HTTP/1.1"
    assert _parts(builder.build(Arrival(0, 1.0)))[0] == "POST /api/resources?key=a%26b%25 HTTP/1.1"
