"""The whole flow through real engines: what a client gets, and what the stores hold."""

import asyncio
import json
import uuid

import jsonschema
import pytest

from createflow.schemas.flow import Step
from createflow.schemas.wire import wire_schema
from tests.reference_server.engine_set import EngineSet
from tests.reference_server.in_process_server import InProcessServer, open_server, until

pytestmark = pytest.mark.anyio


async def test_a_create_answers_201_with_the_six_fields(server: InProcessServer) -> None:
    """Location, ETag and body are those of the new resource."""
    reply = await server.create({"name": "Café", "metadata": {"a": 1.0, "b": [None, True]}})
    assert reply.status_code == 201
    document = reply.json()
    jsonschema.validate(document, wire_schema("resource"))
    assert (document["name"], document["description"], document["created_by"]) == ("Café", "", "alice")
    assert reply.headers["location"] == f"/api/resources/{document['id']}"
    assert reply.headers["etag"] == '"1"'
    assert reply.headers["cache-control"] == "no-store"
    got = await server.get(reply.headers["location"])
    assert (got.json(), got.headers["etag"]) == (document, '"1"')


async def test_server_timing_names_every_step_before_the_reply(server: InProcessServer) -> None:
    """All steps but the index, which is updated later, and the wait for the creates before it."""
    timing = (await server.create()).headers["server-timing"]
    names = {part.split(";")[0].strip() for part in timing.split(",")}
    assert names == {str(step) for step in Step if step is not Step.INDEX_UPDATE} | {"group_commit_wait"}


async def test_the_metrics_of_server_timing_do_not_overlap(server: InProcessServer) -> None:
    """Together they take no longer than the reply did, though a step contains others and the service's steps."""
    for _ in range(5):
        reply = await server.create()
        took_ms = sum(float(part.partition("dur=")[2]) for part in reply.headers["server-timing"].split(","))
        assert 0 < took_ms <= reply.elapsed.total_seconds() * 1000


async def test_a_create_leaves_one_audit_entry_and_one_outbox_row(server: InProcessServer) -> None:
    """Both carry the actor and the request id."""
    reply = await server.create(**{"x-request-id": "request-0001"})
    found = {"id": reply.json()["id"]}
    audit = await server.rows(
        "SELECT actor, action, outcome, request_id FROM audit_log WHERE resource_id = %(id)s", **found
    )
    outbox = await server.rows("SELECT actor, type, request_id FROM outbox WHERE resource_id = %(id)s", **found)
    assert audit == [("alice", "create", "success", "request-0001")]
    assert outbox == [("alice", "created", "request-0001")]


async def test_a_known_key_gets_the_same_answer_and_makes_one_row(server: InProcessServer) -> None:
    """Parallel requests with one Idempotency-Key."""
    body, key = {"name": f"once {uuid.uuid4()}"}, {"idempotency-key": uuid.uuid4().hex}
    replies = await asyncio.gather(*(server.create(body, **key) for _ in range(5)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({(reply.text, reply.headers["location"], reply.headers["etag"]) for reply in replies}) == 1
    assert await server.rows("SELECT count(*) FROM resources WHERE name = %(name)s", **body) == [(1,)]
    other = await server.create({"name": "another"}, **key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_an_update_needs_the_version_it_names(server: InProcessServer) -> None:
    """If-Match decides, and a read afterwards shows the new version."""
    location = (await server.create()).headers["location"]
    changed = await server.put(location, {"name": "second"}, **{"if-match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    stale = await server.put(location, {"name": "third"}, **{"if-match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    got = await server.get(location)
    assert (got.json()["name"], got.headers["etag"]) == ("second", '"2"')
    known = await server.http.get(location, headers={**server.as_user(), "if-none-match": '"2"'})
    assert (known.status_code, known.content) == (304, b"")


async def test_a_deleted_resource_is_gone(server: InProcessServer) -> None:
    """For reads, updates and a second delete."""
    location = (await server.create()).headers["location"]
    assert (await server.http.delete(location, headers=server.as_user())).status_code == 204
    assert (await server.get(location)).status_code == 404
    assert (await server.put(location, {"name": "x"})).status_code == 404
    assert (await server.http.delete(location, headers=server.as_user())).status_code == 404


async def test_only_the_creator_or_an_admin_may_change_a_resource(server: InProcessServer) -> None:
    """Ownership is decided in the service."""
    location = (await server.create()).headers["location"]
    bob = await server.http.put(location, json={"name": "x"}, headers=server.as_user("bob"))
    assert (bob.status_code, bob.json()["code"]) == (403, "permission_denied")
    admin = await server.http.put(location, json={"name": "x"}, headers=server.as_user("root", roles=("admin",)))
    assert admin.status_code == 200
    reader = await server.http.get(location, headers=server.as_user("carol", roles=("reader",)))
    assert reader.status_code == 200


async def test_reads_are_never_older_than_an_own_write(server: InProcessServer) -> None:
    """Twenty updates; each is read at once."""
    location = (await server.create()).headers["location"]
    for number in range(20):
        await server.put(location, {"name": f"n{number}"})
        assert (await server.get(location)).json()["name"] == f"n{number}"


async def test_events_and_index_follow(engines: EngineSet) -> None:
    """Create, update, delete: three events in order; the document is added, changed and removed."""
    async with open_server(engines, worker=True) as server:
        reply = await server.create()
        resource_id, location = reply.json()["id"], reply.headers["location"]
        assert await until(lambda: server.indexed(resource_id)) == reply.json()
        found = await server.http.get("/api/resources", params={"q": reply.json()["name"]}, headers=server.as_user())
        await server.put(location, {"name": "second"})
        await server.http.delete(location, headers=server.as_user())
        events = await server.events(resource_id, wanted=3)
        assert [event["type"].rpartition(".")[2] for event in events] == ["created", "updated", "deleted"]
        assert [event["version"] for event in events] == [1, 2, 3]
        assert events[0]["data"] == reply.json()
        schema = {**wire_schema("event")}
        schema["properties"] = {**schema["properties"], "data": wire_schema("resource")}
        jsonschema.validate(events[0], schema)
        assert found.status_code == 200

        async def gone() -> bool:
            return await server.indexed(resource_id) is None

        assert await until(gone)


HOSTILE = [
    (b"", 400),
    (b"{", 400),
    (b"[]", 400),
    (b"null", 400),
    (b"\xef\xbb\xbf{}", 400),
    (b'{"name":"a","name":"b"}', 400),
    (b'{"name":"a\\u0000"}', 400),
    (b'{"name":"\\ud800"}', 400),
    (b'{"name":"\xff"}', 400),
    (b'{"name":" \\u200b"}', 400),
    (b'{"name":"a\\u202eb"}', 400),
    (b'{"name":"a","metadata":{"x":NaN}}', 400),
    (b'{"name":"a","metadata":{"x":1e400}}', 400),
    (b'{"name":"a","metadata":{"x":99999999999999999999}}', 400),
    (b'{"name":"a","metadata":{"\\u0000":1}}', 400),
    (b'{"name":"a","metadata":' + b'{"a":' * 9 + b"1" + b"}" * 10, 400),
    (b'{"name":"a","metadata":' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
    (b'{"name":"a","metadata":{"x":"' + b"y" * 17000 + b'"}}', 400),
    (b'{"name":"' + b"y" * 70000 + b'"}', 413),
    (b'{"name":"ok","metadata":' + b'{"a":' * 7 + b"{}" + b"}" * 8, 201),
    ('{"name":"👩‍👩‍👧 é"}'.encode(), 201),
]


async def test_hostile_bodies_get_the_right_answer(server: InProcessServer) -> None:
    """Never a 5xx, and always a problem document."""
    headers = {**server.as_user(), "content-type": "application/json"}
    for body, expected in HOSTILE:
        reply = await server.http.post("/api/resources", content=body, headers=headers)
        assert reply.status_code == expected, (body[:80], reply.text)
        if expected >= 400:
            jsonschema.validate(reply.json(), wire_schema("problem"))
            assert reply.headers["content-type"] == "application/problem+json"


async def test_hostile_tokens_are_refused(server: InProcessServer) -> None:
    """401 with a challenge, whatever the token is."""
    good = server.token()
    head, body, _ = good.split(".")
    tokens = [
        "", "x", "a.b", "a.b.c", "a.b.c.d", ".." , f"{head}.{body}.", f"{head}.{body}.AAAA", "é.é.é",
        server.token(exp=1), server.token(aud="other"), server.token(iss="other"), server.token(sub=""),
        server.token(sub="a\x00b"), server.token(exp="soon"), server.token(iat="x"), "x" * 9000,
        good.replace(head, "eyJhbGciOiJub25lIn0"), good.replace(head, "W10"),
    ]  # fmt: skip
    for token in tokens:
        reply = await server.http.get(
            f"/api/resources/{uuid.uuid4()}", headers={"authorization": f"Bearer {token}".encode()}
        )
        assert (reply.status_code, reply.json()["code"]) == (401, "invalid_token"), token
        assert reply.headers["www-authenticate"].startswith("Bearer"), token


async def test_protocol_refusals(server: InProcessServer) -> None:
    """Method, path, media type, encoding, headers and ids."""
    me, json_type = server.as_user(), {"content-type": "application/json"}
    cases = [
        ("DELETE", "/api/resources", me, 405),
        ("PATCH", f"/api/resources/{uuid.uuid4()}", me, 405),
        ("GET", "/nothing", me, 404),
        ("GET", "/api/resources/1/2", me, 404),
        ("GET", "/api/resources/not-a-uuid", me, 404),
        ("GET", f"/api/resources/{uuid.uuid4()}", me, 404),
        ("GET", "/api/resources", me, 400),
        ("POST", "/api/resources", {**me, "content-type": "text/plain"}, 415),
        ("POST", "/api/resources", {**me, **json_type, "content-encoding": "gzip"}, 415),
        ("POST", "/api/resources", {**me, **json_type, "idempotency-key": "x" * 256}, 400),
        ("POST", "/api/resources", {**me, **json_type, "x-big": "x" * 17000}, 431),
        ("POST", "/api/resources", {**server.as_user(roles=("reader",)), **json_type}, 403),
        ("POST", "/api/resources", {**server.as_user(roles=()), **json_type}, 403),
    ]
    for method, path, headers, expected in cases:
        reply = await server.http.request(method, path, headers=headers, content=b'{"name":"a"}')
        assert reply.status_code == expected, (method, path)
        jsonschema.validate(reply.json(), wire_schema("problem"))
        assert reply.json()["request_id"] == reply.headers["x-request-id"]
        assert ("allow" in reply.headers) == (expected == 405)


async def test_options_lists_the_methods(server: InProcessServer) -> None:
    """Without a token, and the same as a 405."""
    for path in ("/api/resources", f"/api/resources/{uuid.uuid4()}"):
        listed, refused = await server.http.options(path), await server.http.patch(path, headers=server.as_user())
        assert (listed.status_code, listed.content) == (204, b"")
        assert listed.headers["allow"] == refused.headers["allow"]
        assert "OPTIONS" in listed.headers["allow"]
    assert (await server.http.options("/nothing")).status_code == 404


async def test_every_violation_is_named_and_no_value_echoed(server: InProcessServer) -> None:
    """Pointers of all bad fields in one reply."""
    reply = await server.create({"name": 5, "description": "s3cret" * 1000, "metadata": [], "extra/one": 1})
    pointers = {error["pointer"] for error in reply.json()["errors"]}
    assert pointers == {"/name", "/description", "/metadata", "/extra~1one"}
    assert "s3cret" not in reply.text


async def test_the_rate_limit_says_when_to_come_back(engines: EngineSet) -> None:
    """429 with Retry-After and RateLimit headers, for this subject only."""
    async with open_server(engines, rate_per_s=0.5, burst=2) as server:
        replies = [await server.create() for _ in range(3)]
        assert [reply.status_code for reply in replies] == [201, 201, 429]
        assert 1 <= int(replies[2].headers["retry-after"]) <= 2
        assert replies[2].headers["ratelimit"].startswith('"default";r=0;t=')
        other = await server.http.post("/api/resources", json={"name": "a"}, headers=server.as_user("bob"))
        assert other.status_code == 201


async def test_no_service_is_503_at_once(engines: EngineSet) -> None:
    """With Retry-After; after enough of them the breaker answers."""
    async with open_server(engines, service=False) as server:
        replies = [await server.create() for _ in range(12)]
        assert {reply.status_code for reply in replies} == {503}
        assert all(int(reply.headers["retry-after"]) >= 1 for reply in replies)
        assert "repeatedly" in replies[-1].json()["detail"]


async def test_operators_addresses_answer(server: InProcessServer) -> None:
    """Health, metrics, keys and the description of the API."""
    assert (await server.http.get("/healthz")).json() == {"alive": True}
    assert b"step_seconds_bucket" in (await server.http.get("/metrics")).content
    assert json.loads((await server.http.get("/.well-known/jwks.json")).content)["keys"]
    assert (await server.http.get("/openapi.json")).json()["openapi"] == "3.1.0"
    assert (await server.http.post("/healthz")).headers["content-type"] == "application/problem+json"
