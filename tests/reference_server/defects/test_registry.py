"""Each seeded defect shows on the wire or behind it, and the healthy server does not show it."""

# ruff: noqa: D103 - a probe is named after its defect, whose ``breaks`` says what it looks for
import asyncio
import base64
import gzip
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives import serialization

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.registry import DEFECTS, MODULES, find_defect
from createflow.scenarios.target.callback_listener import CallbackListener
from createflow.scenarios.target.forged_tokens import Jws, with_key_at, with_own_key
from createflow.schemas.error import UserError
from createflow.schemas.flow import Step
from tests.reference_server.engine_set import EngineSet
from tests.reference_server.lane import Lane, open_lane, until

JSON = {"content-type": "application/json"}
pytestmark = pytest.mark.anyio

Shows = Callable[[Lane], Awaitable[bool]]


def test_names_are_unique() -> None:
    """A name that stands twice would hide a defect."""
    assert len(DEFECTS) == sum(len(module.DEFECTS) for module in MODULES)


def test_a_module_holds_the_defects_of_its_step() -> None:
    """The file name says where to look."""
    for module in MODULES:
        name = module.__name__.rpartition(".")[2]
        assert all(name.startswith(defect.step.value) for defect in module.DEFECTS), name
    assert {defect.step for defect in DEFECTS.values()} == set(Step) - {Step.LOAD_BALANCER}


def test_every_defect_says_what_it_breaks() -> None:
    """In one sentence."""
    for defect in DEFECTS.values():
        assert defect.breaks.endswith("."), defect.name
        assert ". " not in defect.breaks, defect.name


def test_an_unknown_name_is_an_error_with_a_suggestion() -> None:
    """A typing error in the settings must not start a healthy server."""
    with pytest.raises(UserError, match="no seeded defect 'open_dor'") as caught:
        find_defect("open_dor")
    assert caught.value.hint == "did you mean open_door?"


async def _post(lane: Lane, body: bytes, *, kind: str = "application/json") -> httpx.Response:
    return await lane.http.post("/api/resources", content=body, headers={**lane.as_user(), "content-type": kind})


async def _with_token(lane: Lane, token: str | None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token is not None else {}
    return await lane.http.post("/api/resources", json={"name": "a"}, headers=headers)


def _unsigned(lane: Lane) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    body = lane.token().split(".")[1]
    return f"{part({'alg': 'none', 'typ': 'at+jwt', 'kid': 'key-1'})}.{body}."


def _tampered(lane: Lane) -> str:
    head, body, signature = lane.token().split(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    return f"{head}.{body}.{flipped}"


async def any_media_type(lane: Lane) -> bool:
    return (await _post(lane, b'{"name":"a"}', kind="text/plain")).status_code == 201


async def no_allow_header(lane: Lane) -> bool:
    reply = await lane.http.patch("/api/resources", headers=lane.as_user())
    return reply.status_code == 405 and "allow" not in reply.headers


async def options_differ(lane: Lane) -> bool:
    return "PATCH" in (await lane.http.options("/api/resources")).headers["allow"]


async def empty_condition_dropped(lane: Lane) -> bool:
    location = (await lane.create()).headers["location"]
    return (await lane.put(location, {"name": "b"}, **{"if-match": ""})).status_code == 200


async def unbounded_body(lane: Lane) -> bool:
    return (await _post(lane, b'{"name":"' + b"x" * 70_000 + b'"}')).status_code == 400


async def unbounded_headers(lane: Lane) -> bool:
    return (await lane.create(**{"x-long": "x" * 70_000})).status_code == 201


async def inflates_bodies(lane: Lane) -> bool:
    headers = {**lane.as_user(), **JSON, "content-encoding": "gzip"}
    reply = await lane.http.post("/api/resources", content=gzip.compress(b'{"name":"a"}'), headers=headers)
    return reply.status_code == 201


async def error_code_without_token(lane: Lane) -> bool:
    return "invalid_token" in (await _with_token(lane, None)).headers["www-authenticate"]


async def one_code_for_all(lane: Lane) -> bool:
    return bool((await _with_token(lane, None)).json()["code"] == (await _post(lane, b"{}")).json()["code"])


async def may_be_stored(lane: Lane) -> bool:
    return "cache-control" not in (await lane.create()).headers


async def version_banner(lane: Lane) -> bool:
    return "x-powered-by" in (await lane.create()).headers


async def origin_reflected(lane: Lane) -> bool:
    return "access-control-allow-origin" in (await lane.create(origin="https://else.example")).headers


async def open_door(lane: Lane) -> bool:
    return (await _with_token(lane, None)).status_code == 201


async def no_challenge(lane: Lane) -> bool:
    reply = await _with_token(lane, None)
    return reply.status_code == 401 and "www-authenticate" not in reply.headers


async def malformed_token_crashes(lane: Lane) -> bool:
    return (await _with_token(lane, "rubbish")).status_code == 500


async def ignores_expiry(lane: Lane) -> bool:
    return (await _with_token(lane, lane.token(exp=int(time.time()) - 60))).status_code == 201


async def skips_signature(lane: Lane) -> bool:
    return (await _with_token(lane, _tampered(lane))).status_code == 201


async def accepts_alg_none(lane: Lane) -> bool:
    unsigned, tampered = await _with_token(lane, _unsigned(lane)), await _with_token(lane, _tampered(lane))
    return (unsigned.status_code, tampered.status_code) == (201, 401)


async def no_rbac(lane: Lane) -> bool:
    return (await _with_token(lane, lane.token(roles=["reader"]))).status_code == 201


async def _with_forged(lane: Lane, *, header: dict[str, Any] | None = None, **claims: Any) -> int:
    """The status of a create with a token that the issuer signed."""
    return (await _with_token(lane, lane.signed(header or {}, **claims))).status_code


async def scheme_ignored(lane: Lane) -> bool:
    return (await _with_scheme(lane, "Basic")) == 201


async def _with_scheme(lane: Lane, scheme: str) -> int:
    headers = {"authorization": f"{scheme} {lane.token()}"}
    return (await lane.http.post("/api/resources", json={"name": "a"}, headers=headers)).status_code


async def scheme_case_matters(lane: Lane) -> bool:
    return (await _with_scheme(lane, "bearer")) == 401


async def token_from_query(lane: Lane) -> bool:
    return (await lane.http.post(f"/api/resources?access_token={lane.token()}", json={"name": "a"})).status_code == 201


async def takes_last_credential(lane: Lane) -> bool:
    headers = [("authorization", "Bearer x"), ("authorization", f"Bearer {lane.token()}")]
    return (await lane.http.post("/api/resources", json={"name": "a"}, headers=headers)).status_code == 201


async def loose_token_spelling(lane: Lane) -> bool:
    return (await _with_token(lane, f"{lane.token()}==")).status_code == 201


async def validates_first(lane: Lane) -> bool:
    return (await lane.http.post("/api/resources", content=b"{", headers=JSON)).status_code == 400


async def stripped_signature(lane: Lane) -> bool:
    return (await _with_token(lane, f"{lane.token().rpartition('.')[0]}.")).status_code == 201


async def hmac_with_public_key(lane: Lane) -> bool:
    key = serialization.load_pem_private_key(lane.engines.private_key.encode(), None).public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return (await _with_token(lane, Jws.of(lane.token()).keyed("HS256", pem))).status_code == 201


async def weak_secret(lane: Lane) -> bool:
    return (await _with_token(lane, Jws.of(lane.token()).keyed("HS256", b"secret"))).status_code == 201


async def trusts_embedded_key(lane: Lane) -> bool:
    return (await _with_token(lane, dict(with_own_key(lane.token()))["its own key in jwk"])).status_code == 201


async def fetches_key_url(lane: Lane) -> bool:
    async with CallbackListener().listening() as heard:
        for _, token in with_key_at(lane.token(), heard.url):
            assert (await _with_token(lane, token)).status_code == 401

        async def asked() -> bool:
            return bool(heard.requests)

        return await until(asked, within_s=0.5)


async def key_id_crashes(lane: Lane) -> bool:
    return await _with_forged(lane, header={"kid": "../key"}) == 500


async def long_leeway(lane: Lane) -> bool:
    return await _with_forged(lane, exp=int(time.time()) - 600) == 201


async def timeless_tokens(lane: Lane) -> bool:
    return await _with_forged(lane, exp=None) == 201


async def ignores_not_before(lane: Lane) -> bool:
    return await _with_forged(lane, nbf=int(time.time()) + 500) == 201


async def ignores_issued_at(lane: Lane) -> bool:
    return await _with_forged(lane, iat=int(time.time()) + 500) == 201


async def ignores_audience(lane: Lane) -> bool:
    return await _with_forged(lane, aud="others") == 201


async def ignores_crit(lane: Lane) -> bool:
    return await _with_forged(lane, header={"crit": ["x"], "x": 1}) == 201


async def any_token_type(lane: Lane) -> bool:
    return await _with_forged(lane, header={"typ": "JWT"}) == 201


async def derives_keys(lane: Lane) -> bool:
    start = time.monotonic()
    assert (await _with_token(lane, "a.b.c.d.e")).status_code == 401
    return time.monotonic() - start > 1.0


async def _flood(lane: Lane) -> list[httpx.Response]:
    return [await lane.create() for _ in range(5)]


async def no_rate_limit(lane: Lane) -> bool:
    return all(reply.status_code == 201 for reply in await _flood(lane))


async def retry_after_missing(lane: Lane) -> bool:
    last = (await _flood(lane))[-1]
    return last.status_code == 429 and "retry-after" not in last.headers


async def limit_looks_like_outage(lane: Lane) -> bool:
    last = (await _flood(lane))[-1]
    return (last.status_code, last.json()["code"]) == (429, "service_unavailable")


async def counts_one_of_many(lane: Lane) -> bool:
    replies = await asyncio.gather(*(lane.create() for _ in range(6)))
    return sum(reply.status_code == 201 for reply in replies) > 2


async def shared_bucket(lane: Lane) -> bool:
    await _flood(lane)
    return (await _with_token(lane, lane.token("bob"))).status_code == 429


async def bucket_by_claimed_address(lane: Lane) -> bool:
    replies = [await lane.create(**{"x-forwarded-for": f"192.0.2.{number}"}) for number in range(5)]
    return all(reply.status_code == 201 for reply in replies)


async def no_validation(lane: Lane) -> bool:
    return (await _post(lane, b"{}")).status_code == 201


async def types_unchecked(lane: Lane) -> bool:
    return (await _post(lane, b'{"name":5}')).status_code == 201


async def length_off_by_one(lane: Lane) -> bool:
    return (await lane.create({"name": "x" * 201})).status_code == 201


async def unknown_fields_stored(lane: Lane) -> bool:
    return (await lane.create({"name": "x", "surprise": 1})).status_code == 201


async def broken_json_crashes(lane: Lane) -> bool:
    return (await _post(lane, b'{"name":')).status_code == 500


async def first_error_only(lane: Lane) -> bool:
    return len((await lane.create({"name": 1, "description": 2})).json()["errors"]) == 1


async def blank_accepted(lane: Lane) -> bool:
    return (await lane.create({"name": "\u200b"})).status_code == 201


async def _name_kept(lane: Lane, name: str) -> bool:
    return bool((await lane.create({"name": name})).json()["name"] == name)


async def quotes_doubled(lane: Lane) -> bool:
    return not await _name_kept(lane, "O'Brien")


async def evaluates_templates(lane: Lane) -> bool:
    return not await _name_kept(lane, "{{7*7}}")


async def limits_before_normalising(lane: Lane) -> bool:
    return (await lane.create({"name": "\u0958" * 200})).status_code == 201


async def deep_json_crashes(lane: Lane) -> bool:
    return (await _post(lane, b'{"name":"a","metadata":' + b'{"a":' * 200 + b"1" + b"}" * 201)).status_code == 500


async def metadata_unbounded(lane: Lane) -> bool:
    return (await lane.create({"name": "a", "metadata": {"k": "x" * 17_000}})).status_code == 201


async def unknown_null_passes(lane: Lane) -> bool:
    return (await lane.create({"name": "a", "surprise": None})).status_code == 201


async def loses_empty_values(lane: Lane) -> bool:
    return (await lane.create({"name": "a", "metadata": {"k": 0}})).json()["metadata"] == {}


async def markup_escaped_on_read(lane: Lane) -> bool:
    made = await lane.create({"name": "<b>"})
    return bool((await lane.get(made.headers["location"])).json()["name"] != "<b>")


async def name_in_header(lane: Lane) -> bool:
    return "x-name" in (await lane.create()).headers


async def numbers_rounded(lane: Lane) -> bool:
    return b'"k":1.0' in (await lane.create({"name": "a", "metadata": {"k": 1}})).content


async def strange_key_crashes(lane: Lane) -> bool:
    return (await lane.create({"name": "a"}, **{"idempotency-key": "k" * 300})).status_code == 500


async def key_shared(lane: Lane) -> bool:
    key = {"idempotency-key": uuid.uuid4().hex}
    first = await lane.create({"name": "a"}, **key)
    headers = {**lane.as_user("bob"), **key}
    second = await lane.http.post("/api/resources", json={"name": "a"}, headers=headers)
    return bool(first.json()["id"] == second.json()["id"])


async def contention_crashes(lane: Lane) -> bool:
    location = (await lane.create()).headers["location"]
    replies = await asyncio.gather(*(lane.put(location, {"name": "b"}) for _ in range(2)))
    return any(reply.status_code == 500 for reply in replies)


async def default_missing(lane: Lane) -> bool:
    return "description" not in (await lane.create({"name": "a"})).json()


async def byte_order_mark(lane: Lane) -> bool:
    return (await lane.create()).content.startswith(b"\xef\xbb\xbf")


async def id_repeated(lane: Lane) -> bool:
    return bool((await lane.create()).json()["id"] == (await lane.create()).json()["id"])


async def location_from_header(lane: Lane) -> bool:
    return "else.example" in (await lane.create(**{"x-forwarded-host": "else.example"})).headers["location"]


async def time_of_reading(lane: Lane) -> bool:
    made = await lane.create()
    return bool((await lane.get(made.headers["location"])).json()["created_at"] != made.json()["created_at"])


async def down_is_500(lane: Lane) -> bool:
    return (await lane.create()).status_code == 500


async def breaker_never_opens(lane: Lane) -> bool:
    replies = [await lane.create() for _ in range(15)]
    return all("repeatedly" not in reply.json()["detail"] for reply in replies)


async def idempotency_ignored(lane: Lane) -> bool:
    key = {"idempotency-key": uuid.uuid4().hex}
    first, second = [await lane.create({"name": "a"}, **key) for _ in range(2)]
    return bool(first.json()["id"] != second.json()["id"])


async def key_reuse_accepted(lane: Lane) -> bool:
    key = {"idempotency-key": uuid.uuid4().hex}
    await lane.create({"name": "a"}, **key)
    return (await lane.create({"name": "b"}, **key)).status_code == 201


async def if_match_ignored(lane: Lane) -> bool:
    location = (await lane.create()).headers["location"]
    return (await lane.put(location, {"name": "b"}, **{"if-match": '"7"'})).status_code == 200


async def _row_exists(lane: Lane, name: str) -> bool:
    return bool(await lane.rows("SELECT 1 FROM resources WHERE name = %(name)s", name=name))


async def row_kept_after_refusal(lane: Lane) -> bool:
    name = f"refused {uuid.uuid4()}"
    assert (await lane.create({"name": name, "surprise": 1})).status_code == 400
    return await _row_exists(lane, name)


async def no_rollback(lane: Lane) -> bool:
    """A trigger that fails for one name only, so that other tests do not see it."""
    name = f"doomed {uuid.uuid4()}"
    function = f"fail_{uuid.uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(lane.engines.admin_dsn, autocommit=True) as admin:
        await admin.execute(
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF NEW.data LIKE '%{name}%' THEN RAISE 'injected'; END IF; RETURN NEW; END $$"
        )
        await admin.execute(
            f"CREATE TRIGGER {function} BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
        try:
            reply = await lane.create({"name": name})
        finally:
            await admin.execute(f"DROP FUNCTION {function} CASCADE")
    assert (reply.status_code, reply.json()["code"]) == (500, "database_error")
    assert "injected" not in reply.text
    return await _row_exists(lane, name)


async def _outbox_rows(lane: Lane) -> int:
    resource_id = (await lane.create()).json()["id"]
    return len(await lane.rows("SELECT 1 FROM outbox WHERE resource_id = %(id)s", id=resource_id))


async def event_lost(lane: Lane) -> bool:
    return await _outbox_rows(lane) == 0


async def event_twice(lane: Lane) -> bool:
    return await _outbox_rows(lane) == 2


async def event_wrong_actor(lane: Lane) -> bool:
    reply = await lane.create()
    return bool((await lane.events(reply.json()["id"]))[0]["data"] != reply.json())


async def _auditors(lane: Lane) -> list[tuple[Any, ...]]:
    resource_id = (await lane.create()).json()["id"]
    return await lane.rows("SELECT actor FROM audit_log WHERE resource_id = %(id)s", id=resource_id)


async def audit_lost(lane: Lane) -> bool:
    return await _auditors(lane) == []


async def audit_anonymous(lane: Lane) -> bool:
    return await _auditors(lane) == [("",)]


async def audit_splits_lines(lane: Lane) -> bool:
    resource_id = (await lane.create({"name": "a\nb"})).json()["id"]
    return len(await lane.rows("SELECT 1 FROM audit_log WHERE resource_id = %(id)s", id=resource_id)) == 2


async def pool_leaks(lane: Lane) -> bool:
    return [(await lane.create()).status_code for _ in range(4)][-1] == 503


async def drops_description(lane: Lane) -> bool:
    shown = (await lane.create()).json()
    stored = await lane.rows("SELECT description FROM resources WHERE id = %(id)s", id=shown["id"])
    return stored != [(shown["description"],)]


async def _changed(lane: Lane) -> tuple[str, str]:
    """Location and id of a resource that was updated to the name ``new``."""
    reply = await lane.create({"name": "old"})
    assert (await lane.put(reply.headers["location"], {"name": "new"})).status_code == 200
    return reply.headers["location"], reply.json()["id"]


async def reads_old_version(lane: Lane) -> bool:
    location, _ = await _changed(lane)
    return bool((await lane.get(location)).json()["name"] == "old")


async def cache_not_invalidated(lane: Lane) -> bool:
    _, resource_id = await _changed(lane)
    cached = await lane.cached(resource_id)
    return cached is not None and cached["name"] == "old"


async def cache_wrong_body(lane: Lane) -> bool:
    reply = await lane.create()
    return await lane.cached(reply.json()["id"]) not in (None, reply.json())


async def index_skipped(lane: Lane) -> bool:
    skipped = (await lane.create()).json()["id"]
    seen = await until(lambda: lane.indexed(skipped), within_s=2.0)
    return seen is None


async def index_keeps_old(lane: Lane) -> bool:
    _, resource_id = await _changed(lane)

    async def is_new() -> bool:
        document = await lane.indexed(resource_id)
        return document is not None and document["name"] == "new"

    return not await until(is_new, within_s=2.0)


async def ok_for_created(lane: Lane) -> bool:
    return (await lane.create()).status_code == 200


async def no_location(lane: Lane) -> bool:
    return "location" not in (await lane.create()).headers


async def location_wrong(lane: Lane) -> bool:
    return (await lane.get((await lane.create()).headers["location"])).status_code == 404


async def missing_field(lane: Lane) -> bool:
    return "created_by" not in (await lane.create()).json()


async def local_time(lane: Lane) -> bool:
    return not (await lane.create()).json()["created_at"].endswith("Z")


async def created_by_from_body(lane: Lane) -> bool:
    return bool((await lane.create()).json()["created_by"] != "alice")


async def etag_differs(lane: Lane) -> bool:
    reply = await lane.create()
    return bool((await lane.get(reply.headers["location"])).headers["etag"] != reply.headers["etag"])


async def html_errors(lane: Lane) -> bool:
    return (await _with_token(lane, None)).headers["content-type"].startswith("text/html")


async def stack_trace_leaks(lane: Lane) -> bool:
    return "Traceback" in (await _with_token(lane, None)).text


PROBES: dict[str, Shows] = {name: globals()[name] for name in DEFECTS}
"""One probe a defect, of the same name: true when the defect shows."""
WITHOUT_SERVICE = {"down_is_500", "breaker_never_opens"}


@pytest.mark.parametrize("defect", DEFECTS.values(), ids=lambda defect: defect.name)
async def test_a_defect_shows_and_health_does_not(engines: EngineSet, defect: Defect) -> None:
    """The same probe on both, side by side on the same engines."""
    options: dict[str, Any] = {
        "worker": defect.seed.process == "worker",
        "service": defect.name not in WITHOUT_SERVICE,
        "replica_dsns": (),
    }
    if defect.step is Step.RATE_LIMIT:
        options |= {"rate_per_s": 0.1, "burst": 2}

    async def shows(seeded: str) -> bool:
        async with open_lane(engines, seeded, **options) as lane:
            return await PROBES[defect.name](lane)

    assert await asyncio.gather(shows(defect.name), shows("")) == [True, False]
