"""No body gives a 5xx: what is JSON is accepted where the schema allows it, and what is not is refused with 400."""

from collections.abc import Callable

import pytest

from tests.reference_server import hostile_json
from tests.reference_server.engine_set import EngineSet
from tests.reference_server.in_process_server import InProcessServer, open_server

pytestmark = pytest.mark.anyio

IN_METADATA = b'{"name": "hostile", "metadata": {"value": %s}}'
PLACES: dict[str, Callable[[bytes], bytes]] = {
    "alone": lambda text: text,
    "in metadata": lambda text: IN_METADATA % text,
    "as the name": lambda text: b'{"name": %s}' % text,
    "after the body": lambda text: b'{"name": "hostile"}' + text,
    "as a member": lambda text: b'{"name": "hostile", %s}' % text,
}


SANITISED = {'"\\b\\f\\n\\r\\t"', '"\\uFFFF"'}
"""JSON that step 5 refuses all the same: control characters, and what is no character."""


async def post(server: InProcessServer, body: bytes) -> int:
    """Create with this body; every refusal is a problem document."""
    headers = {**server.as_user(), "content-type": "application/json"}
    reply = await server.http.post("/api/resources", content=body, headers=headers)
    if reply.status_code >= 400:
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json()["status"] == reply.status_code
    return reply.status_code


async def test_what_is_json_is_accepted_in_metadata(server: InProcessServer) -> None:
    """Any value may be a member of metadata, except for what the sanitising rules refuse."""
    statuses = {text: await post(server, IN_METADATA % text.encode()) for text in hostile_json.accepted()}
    refused = {text for text, status in statuses.items() if status == 400}
    assert set(statuses.values()) == {201, 400}
    assert refused == SANITISED


@pytest.mark.parametrize("place", [place for place in PLACES if place != "alone"])
async def test_what_is_not_json_is_refused(server: InProcessServer, place: str) -> None:
    """At any place of a body that is fine without it."""
    texts = [text.encode("utf-8", "surrogatepass") for text in hostile_json.REFUSED]
    texts += [text for text in hostile_json.REFUSED_BYTES if len(text) < 60_000]
    blank = {text for text in texts if not text.strip(b" \n")}
    wrong = {}
    for text in texts:
        status = await post(server, PLACES[place](text))
        if status != (201 if place == "after the body" and text in blank else 400):
            wrong[text[:40]] = status
    assert wrong == {}


@pytest.mark.parametrize("place", PLACES)
async def test_nothing_gives_a_5xx(engines: EngineSet, place: str) -> None:
    """Whether it is JSON or not, fits or not: 201, 400 or 413."""
    texts = [text.encode("utf-8", "surrogatepass") for text in (*hostile_json.accepted(), *hostile_json.REFUSED)]
    texts += [*hostile_json.REFUSED_BYTES, *(text.encode() for text in hostile_json.EITHER)]
    async with open_server(engines, burst=2 * len(texts)) as server:
        statuses = {text[:40]: await post(server, PLACES[place](text)) for text in texts}
        assert {text: status for text, status in statuses.items() if status not in {201, 400, 413}} == {}
        assert (await server.create()).status_code == 201


@pytest.mark.parametrize(
    "field",
    ["Host", "Content-Type", "Content-Encoding", "Content-Length", "Idempotency-Key", "If-Match", "If-None-Match"],
)
@pytest.mark.parametrize("same", [True, False], ids=["the same value", "two values"])
async def test_two_lines_of_a_field_that_has_one_value_are_400(
    server: InProcessServer,
    field: str,
    same: bool,  # noqa: FBT001 - a parameter
) -> None:
    """A proxy may have used the other one (RFC 9110 §5.3)."""
    values = {
        "Host": ("gateway", "other"),
        "Content-Type": ("application/json", "text/plain"),
        "Content-Encoding": ("identity", "gzip"),
        "Content-Length": ("18", "19"),
    }.get(field, ('"1"', '"2"'))
    name = f"two lines of {field} {same}"
    body = b'{"name": "%s"}' % name.encode()
    usual = {
        **server.as_user(),
        "host": "gateway",
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    headers = [item for item in usual.items() if item[0] != field.lower()]
    headers += [(field, values[0]), (field, values[0] if same else values[1])]
    reply = await server.http.post("/api/resources", content=body, headers=headers)
    assert (reply.status_code, reply.json()["code"]) == (400, "bad_request")
    assert not await server.rows("SELECT 1 FROM resources WHERE name = %(name)s", name=name)


async def test_one_line_of_each_is_accepted(server: InProcessServer) -> None:
    """The control of the test above."""
    headers = {"content-encoding": "identity", "idempotency-key": '"1"', "if-none-match": '"1"'}
    assert (await server.create(**headers)).status_code == 201
