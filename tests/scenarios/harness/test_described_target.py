"""A deployment that is in nothing like the seed is asked as its profile says."""

import asyncio
import json
from typing import Any

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.harness.probe_set import ProbeSet
from createflow.scenarios.target.principal import ANONYMOUS
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile import Profile
from tests.scenarios.malformed_server import Habit, malformed_server, reply


class Recorder:
    """A server that keeps every request and answers from a table of method and path."""

    def __init__(self, **answers: bytes) -> None:
        self.answers = answers
        self.requests: list[tuple[str, str, str, bytes]] = []

    def __call__(self, request: bytes) -> bytes:
        """Answer one request."""
        head, _, body = request.partition(b"\r\n\r\n")
        method, path, _ = head.decode().split("\r\n")[0].split(" ")
        self.requests.append((method, path, head.decode().lower(), body))
        return self.answers.get(method, reply("200 OK"))


def _with_probes(habit: Habit, target: dict[str, Any], **sections: Any) -> tuple[Reply, str, tuple[str, ...]]:
    """One create with a probe set and its cleanup: the reply, the resource's URL, and what the tear-down said."""

    async def run() -> tuple[Reply, str, tuple[str, ...]]:
        async with malformed_server(habit) as url:
            profile = Profile.model_validate({"target": {"base_url": url, **target}, **sections})
            probes = ProbeSet(profile, "r1", Mask())
            async with probes:
                asked = probes.target_for(CHECKS[0], 0)
                made = await asked.create(who=ANONYMOUS, headers={"Idempotency-Key": "k"})
                where = asked.url_of(made).removeprefix(url)
                return made, where, (await probes.finish()).listed

    return asyncio.run(run())


def test_what_must_exist_is_made_first_and_taken_away_last() -> None:
    """In order, with what earlier replies showed; the path's parameters are filled and encoded."""
    server = Recorder(POST=reply("201 Created", b'{"id": 5, "org": {"key": "a b"}}'))
    _, where, troubles = _with_probes(
        server,
        {"path": "/orgs/{org}/things", "cleanup": True},
        setup=[{"path": "/orgs", "body": {"name": "of {run_id}"}, "capture": {"org": "/org/key"}, "statuses": 201}],
        teardown=[{"method": "DELETE", "path": "/orgs/{org}"}, {"method": "DELETE", "path": "/x", "statuses": [410]}],
    )
    lines = [f"{method} {path}" for method, path, _, _ in server.requests]
    assert lines == [
        "GET /orgs/",
        "POST /orgs",
        "POST /orgs/a%20b/things",
        "DELETE /orgs/a%20b/things/5",
        "DELETE /orgs/a%20b",
        "DELETE /x",
    ]
    assert json.loads(server.requests[1][3]) == {"name": "of r1"}
    assert where == "/orgs/a%20b/things/5"
    assert troubles == ("teardown request 2, DELETE /x: answered 200",)


def test_a_set_up_request_that_is_refused_ends_the_run_and_the_tear_down_is_sent_all_the_same() -> None:
    """Nothing that was half made stays."""
    server = Recorder(POST=reply("403 Forbidden"))
    with pytest.raises(TargetError, match="setup request 1, POST /orgs: answered 403"):
        _with_probes(server, {}, setup=[{"path": "/orgs"}], teardown=[{"method": "DELETE", "path": "/orgs"}])
    assert [method for method, *_ in server.requests] == ["GET", "POST", "DELETE"]


def test_a_variable_that_nothing_gives_a_value_is_told_before_the_first_check() -> None:
    """With what to write."""
    with pytest.raises(UserError, match=r"/orgs/\{org\}/things: the variable \{org\} has no value"):
        _with_probes(Recorder(), {"path": "/orgs/{org}/things"})


def test_put_creates_under_an_id_of_ours() -> None:
    """Each create has another one."""
    server = Recorder(PUT=reply("201 Created", b'{"id": "x"}'))
    _, where, _ = _with_probes(server, {"method": "PUT", "path": "/things/{new_id}"})
    method, path, _, _ = server.requests[1]
    assert (method, path[:8], len(path)) == ("PUT", "/things/", 44)
    assert where == "/things/x"


def test_the_targets_own_words_go_out() -> None:
    """Media types, headers, the name of the idempotency header, and a Host of its own."""
    server = Recorder(POST=reply("201 Created", b'{"id": 1}'))
    _with_probes(
        server,
        {
            "media_type": "application/vnd.api+json",
            "accept": "application/vnd.api+json",
            "headers": {"X-Tenant": "t", "Host": "api.example.com"},
            "idempotency_header": "X-Once",
        },
    )
    head = server.requests[1][2]
    for line in (
        "content-type: application/vnd.api+json",
        "accept: application/vnd.api+json",
        "x-tenant: t",
        "x-once: k",
        "host: api.example.com",
    ):
        assert f"\r\n{line}" in head
    assert "idempotency-key" not in head


def test_a_body_file_is_sent_byte_for_byte(tmp_path: Any) -> None:
    """No mark of the run is in it."""
    file = tmp_path / "body.json"
    file.write_bytes(b'{ "name" : "x" }\n')
    server = Recorder(POST=reply("201 Created", b'{"id": 1}'))
    _with_probes(server, {"body_file": str(file)})
    assert server.requests[1][3] == b'{ "name" : "x" }\n'


def test_what_a_partial_reply_does_not_show_is_read() -> None:
    """The id is taken from the Location when the body is empty."""
    server = Recorder(
        POST=reply("201 Created", b"", headers="location: /things/7\r\n"), GET=reply("200 OK", b'{"name": "x"}')
    )
    made, where, _ = _with_probes(server, {"reply": "partial", "fields": {"id": "@location"}})
    assert made.document == {"name": "x", "@location": "7"}
    assert where == "/things/7"


def test_a_self_link_stands_for_a_location_and_a_read_path_for_both() -> None:
    """As the profile declares it."""
    server = Recorder(POST=reply("201 Created", b'{"id": 3, "links": {"self": "/r/3"}}'))
    assert _with_probes(server, {"self_link": "/links/self"})[1] == "/r/3"
    assert _with_probes(server, {"read_path": "/read/{id}.json"})[1] == "/read/3.json"


def test_a_cleanup_request_is_built_from_the_reply() -> None:
    """Method, path and body as declared."""
    server = Recorder(POST=reply("201 Created", b'{"id": 3}'))
    request = {"method": "PATCH", "path": "/bin/{id}", "body": {"gone": "{id}"}}
    _with_probes(server, {"cleanup": True, "cleanup_request": request})
    method, path, _, body = server.requests[-1]
    assert (method, path, json.loads(body)) == ("PATCH", "/bin/3", {"gone": "3"})


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"kind": "basic", "writer_env": "W"}, "authorization: basic dtpwdy13ywl0"),
        ({"kind": "api_key", "writer_env": "W"}, "x-api-key: u:pw-wait"),
        ({"kind": "static", "header": "X-Auth", "scheme": "Key", "writer_env": "W"}, "x-auth: key u:pw-wait"),
    ],
    ids=["basic", "api_key", "another header and scheme"],
)
def test_a_credential_travels_as_declared(auth: dict[str, str], header: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its own header, behind its own scheme, and never in a record."""
    monkeypatch.setenv("W", "u:pw-wait")
    server = Recorder(POST=reply("201 Created", b'{"id": 3}'))

    async def run() -> str:
        async with malformed_server(server) as url:
            probes = ProbeSet(Profile.model_validate({"target": {"base_url": url}, "auth": auth}), "r1", Mask())
            async with probes:
                made = await probes.target_for(CHECKS[0], 0).create()
                return made.exchange.model_dump_json()

    record = asyncio.run(run())
    assert header in server.requests[1][2]
    assert "pw-wait" not in record
    assert "dTpwdy13YWl0" not in record
    assert "$TOKEN" in record
