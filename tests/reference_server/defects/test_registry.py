"""Each seeded defect shows on the wire or behind it, and the healthy server does not show it."""

# ruff: noqa: D103 - a probe is named after its defect, whose ``breaks`` says what it looks for
import asyncio
import base64
import contextlib
import gzip
import json
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx
import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives import serialization

from createflow.reference_server.adapters import engine_admin
from createflow.reference_server.adapters.jwt_verifier import LEEWAY_S
from createflow.reference_server.adapters.postgres_outbox import PostgresOutbox
from createflow.reference_server.adapters.search_index import SearchIndex
from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.registry import DEFECTS, MODULES, find_defect, seed_of
from createflow.reference_server.defects.seeds import ChangeBalancer, ChangeCertificate, ChangeDatabase, ChangeReplicas
from createflow.reference_server.defects.table import MARKER, defect_tables
from createflow.reference_server.domain.cache_writer import CacheWriter
from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.ports import (
    CacheStore,
    Copy,
    EventSource,
    EventStream,
    Index,
    IndexAction,
    UnavailableError,
)
from createflow.reference_server.domain.read_your_writes import Reader, VersionWatermarks
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.credentials import make_certificates
from createflow.reference_server.stack.state import State
from createflow.reference_server.stages.api.load_balancer import BalancerConfig, render
from createflow.reference_server.stages.business.audit_log import AuditLog
from createflow.reference_server.stages.business.publish_event import PublishEvent
from createflow.reference_server.stages.data.index_update import IndexUpdate
from createflow.reference_server.stages.data.invalidate_cache import InvalidateCache
from createflow.reference_server.stages.data.replicate import Replicate
from createflow.scenarios.target.callback_listener import CallbackListener
from createflow.scenarios.target.credentials.forged_tokens import Jws, embed_key, reference_key
from createflow.schemas.error import UserError
from createflow.schemas.flow import Step
from tests.reference_server.defects.write_history import SINGLE, Seen, WriteHistory
from tests.reference_server.engine_set import EngineSet
from tests.reference_server.in_process_server import InProcessServer, open_server, until

_LONG_SUBJECT = "Alice-" * 20
JSON = {"content-type": "application/json"}
pytestmark = pytest.mark.anyio

Shows = Callable[[InProcessServer], Awaitable[bool]]


def test_names_are_unique() -> None:
    """A name that stands twice would hide a defect."""
    assert len(DEFECTS) == sum(len(module.DEFECTS) for module in MODULES)


def test_a_module_holds_the_defects_of_its_step() -> None:
    """The file name says where to look."""
    for module in MODULES:
        name = module.__name__.rpartition(".")[2]
        tier = module.__name__.split(".")[-2]
        assert all(name.startswith(defect.step.value) for defect in module.DEFECTS), name
        assert all(defect.step.tier.value == tier for defect in module.DEFECTS), name
    assert {defect.step for defect in DEFECTS.values()} == set(Step)


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


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("event", "did you mean event_"),
        ("INDEX_SKIPED", "did you mean index_skipped"),
        ("zzz", "docs/defects.md lists all names"),
    ],
)
def test_near_names_are_listed(name: str, hint: str) -> None:
    """Names that are spelt alike, then names with the same word."""
    with pytest.raises(UserError) as caught:
        find_defect(name)
    assert str(caught.value.hint).startswith(hint)


def test_the_document_lists_every_defect() -> None:
    """It is generated."""
    text = (Path(__file__).parents[3] / "docs" / "defects.md").read_text(encoding="utf-8")
    assert text.partition(MARKER)[2] == defect_tables()


def test_several_defects_go_into_one_process() -> None:
    """Each changes what the others left."""
    stages = (PublishEvent(), AuditLog())
    changed = seed_of(["event_lost", "audit_lost"]).change_stages(stages)
    assert [type(stage).__name__ for stage in changed] == ["_EventLost", "_AuditLost"]


async def _post(server: InProcessServer, body: bytes, *, kind: str = "application/json") -> httpx.Response:
    return await server.http.post("/api/resources", content=body, headers={**server.as_user(), "content-type": kind})


async def _with_token(server: InProcessServer, token: str | None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token is not None else {}
    return await server.http.post("/api/resources", json={"name": "a"}, headers=headers)


def _unsigned(server: InProcessServer) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    body = server.token().split(".")[1]
    return f"{part({'alg': 'none', 'typ': 'at+jwt', 'kid': 'key-1'})}.{body}."


def _tampered(server: InProcessServer) -> str:
    head, body, signature = server.token().split(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    return f"{head}.{body}.{flipped}"


async def any_media_type(server: InProcessServer) -> bool:
    return (await _post(server, b'{"name":"a"}', kind="text/plain")).status_code == 201


async def condition_first(server: InProcessServer) -> bool:
    path, headers = f"/api/resources/{uuid.uuid4()}", {"content-type": "text/plain"}
    return (await server.http.put(path, content=b"x", headers=headers)).status_code == 415


async def host_not_needed(server: InProcessServer) -> bool:
    fields = [*server.as_user().items(), ("host", "a"), ("host", "b")]
    return (await server.http.post("/api/resources", json={"name": "a"}, headers=fields)).status_code == 201


async def missing_is_500(server: InProcessServer) -> bool:
    return (await server.get(f"/api/resources/{uuid.uuid4()}")).status_code == 500


async def no_allow_header(server: InProcessServer) -> bool:
    reply = await server.http.patch("/api/resources", headers=server.as_user())
    return reply.status_code == 405 and "allow" not in reply.headers


async def allow_without_put(server: InProcessServer) -> bool:
    made = await server.create()
    reply = await server.http.patch(made.headers["location"], headers=server.as_user())
    return "PUT" not in reply.headers["allow"]


async def takes_any_method(server: InProcessServer) -> bool:
    reply = await server.http.request("PROPFIND", "/api/resources", headers=server.as_user(), json={"name": "x"})
    return reply.status_code == 201


async def options_differ(server: InProcessServer) -> bool:
    return "PATCH" in (await server.http.options("/api/resources")).headers["allow"]


async def empty_condition_dropped(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    return (await server.put(location, {"name": "b"}, **{"if-match": ""})).status_code == 200


async def unbounded_body(server: InProcessServer) -> bool:
    return (await _post(server, b'{"name":"' + b"x" * 70_000 + b'"}')).status_code == 400


async def unbounded_headers(server: InProcessServer) -> bool:
    return (await server.create(**{"x-long": "x" * 70_000})).status_code == 201


async def inflates_bodies(server: InProcessServer) -> bool:
    headers = {**server.as_user(), **JSON, "content-encoding": "gzip"}
    reply = await server.http.post("/api/resources", content=gzip.compress(b'{"name":"a"}'), headers=headers)
    return reply.status_code == 201


async def error_code_without_token(server: InProcessServer) -> bool:
    return "invalid_token" in (await _with_token(server, None)).headers["www-authenticate"]


async def one_code_for_all(server: InProcessServer) -> bool:
    return bool((await _with_token(server, None)).json()["code"] == (await _post(server, b"{}")).json()["code"])


async def may_be_stored(server: InProcessServer) -> bool:
    return "cache-control" not in (await server.create()).headers


async def version_banner(server: InProcessServer) -> bool:
    return "x-powered-by" in (await server.create()).headers


async def origin_reflected(server: InProcessServer) -> bool:
    return "access-control-allow-origin" in (await server.create(origin="https://else.example")).headers


async def open_door(server: InProcessServer) -> bool:
    return (await _with_token(server, None)).status_code == 201


async def no_challenge(server: InProcessServer) -> bool:
    reply = await _with_token(server, None)
    return reply.status_code == 401 and "www-authenticate" not in reply.headers


async def malformed_token_crashes(server: InProcessServer) -> bool:
    return (await _with_token(server, "rubbish")).status_code == 500


async def ignores_expiry(server: InProcessServer) -> bool:
    return (await _with_token(server, server.token(exp=int(time.time()) - 60))).status_code == 201


async def skips_signature(server: InProcessServer) -> bool:
    return (await _with_token(server, _tampered(server))).status_code == 201


async def accepts_alg_none(server: InProcessServer) -> bool:
    unsigned, tampered = await _with_token(server, _unsigned(server)), await _with_token(server, _tampered(server))
    return (unsigned.status_code, tampered.status_code) == (201, 401)


async def no_rbac(server: InProcessServer) -> bool:
    return (await _with_token(server, server.token(roles=["reader"]))).status_code == 201


async def _with_forged(server: InProcessServer, *, header: dict[str, Any] | None = None, **claims: Any) -> int:
    """The status of a create with a token that the issuer signed."""
    return (await _with_token(server, server.signed(header or {}, **claims))).status_code


async def scheme_ignored(server: InProcessServer) -> bool:
    return (await _with_scheme(server, "Basic")) == 201


async def _with_scheme(server: InProcessServer, scheme: str) -> int:
    headers = {"authorization": f"{scheme} {server.token()}"}
    return (await server.http.post("/api/resources", json={"name": "a"}, headers=headers)).status_code


async def scheme_case_matters(server: InProcessServer) -> bool:
    return (await _with_scheme(server, "bearer")) == 401


async def token_from_query(server: InProcessServer) -> bool:
    return (
        await server.http.post(f"/api/resources?access_token={server.token()}", json={"name": "a"})
    ).status_code == 201


async def takes_last_credential(server: InProcessServer) -> bool:
    headers = [("authorization", "Bearer x"), ("authorization", f"Bearer {server.token()}")]
    return (await server.http.post("/api/resources", json={"name": "a"}, headers=headers)).status_code == 201


async def loose_token_spelling(server: InProcessServer) -> bool:
    return (await _with_token(server, f"{server.token()}==")).status_code == 201


async def validates_first(server: InProcessServer) -> bool:
    return (await server.http.post("/api/resources", content=b"{", headers=JSON)).status_code == 400


async def stripped_signature(server: InProcessServer) -> bool:
    return (await _with_token(server, f"{server.token().rpartition('.')[0]}.")).status_code == 201


async def hmac_with_public_key(server: InProcessServer) -> bool:
    key = serialization.load_pem_private_key(server.engines.private_key.encode(), None).public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return (await _with_token(server, Jws.parse(server.token()).sign_with_hmac("HS256", pem))).status_code == 201


async def weak_secret(server: InProcessServer) -> bool:
    return (await _with_token(server, Jws.parse(server.token()).sign_with_hmac("HS256", b"secret"))).status_code == 201


async def trusts_embedded_key(server: InProcessServer) -> bool:
    return (await _with_token(server, dict(embed_key(server.token()))["its own key in jwk"])).status_code == 201


async def fetches_key_url(server: InProcessServer) -> bool:
    async with CallbackListener().listening() as heard:
        for _, token in reference_key(server.token(), heard.url):
            assert (await _with_token(server, token)).status_code == 401

        async def was_fetched() -> bool:
            return bool(heard.requests)

        return await until(was_fetched, within_s=0.5)


async def key_id_crashes(server: InProcessServer) -> bool:
    return await _with_forged(server, header={"kid": "../key"}) == 500


async def long_leeway(server: InProcessServer) -> bool:
    return await _with_forged(server, exp=int(time.time()) - 600) == 201


async def timeless_tokens(server: InProcessServer) -> bool:
    return await _with_forged(server, exp=None) == 201


async def ignores_not_before(server: InProcessServer) -> bool:
    return await _with_forged(server, nbf=int(time.time()) + 500) == 201


async def ignores_issued_at(server: InProcessServer) -> bool:
    return await _with_forged(server, iat=int(time.time()) + 500) == 201


async def ignores_audience(server: InProcessServer) -> bool:
    return await _with_forged(server, aud="others") == 201


async def ignores_crit(server: InProcessServer) -> bool:
    return await _with_forged(server, header={"crit": ["x"], "x": 1}) == 201


async def any_token_type(server: InProcessServer) -> bool:
    return await _with_forged(server, header={"typ": "JWT"}) == 201


async def derives_keys(server: InProcessServer) -> bool:
    start = time.monotonic()
    assert (await _with_token(server, "a.b.c.d.e")).status_code == 401
    return time.monotonic() - start > 1.0


async def _flood(server: InProcessServer) -> list[httpx.Response]:
    return [await server.create() for _ in range(5)]


async def no_rate_limit(server: InProcessServer) -> bool:
    return all(reply.status_code == 201 for reply in await _flood(server))


async def retry_after_missing(server: InProcessServer) -> bool:
    last = (await _flood(server))[-1]
    return last.status_code == 429 and "retry-after" not in last.headers


async def limit_looks_like_outage(server: InProcessServer) -> bool:
    last = (await _flood(server))[-1]
    return (last.status_code, last.json()["code"]) == (429, "service_unavailable")


async def counts_one_of_many(server: InProcessServer) -> bool:
    replies = await asyncio.gather(*(server.create() for _ in range(6)))
    return sum(reply.status_code == 201 for reply in replies) > 2


async def shared_bucket(server: InProcessServer) -> bool:
    await _flood(server)
    return (await _with_token(server, server.token("bob"))).status_code == 429


async def bucket_by_claimed_address(server: InProcessServer) -> bool:
    replies = [await server.create(**{"x-forwarded-for": f"192.0.2.{number}"}) for number in range(5)]
    return all(reply.status_code == 201 for reply in replies)


async def no_validation(server: InProcessServer) -> bool:
    return (await _post(server, b"{}")).status_code == 201


async def types_unchecked(server: InProcessServer) -> bool:
    return (await _post(server, b'{"name":5}')).status_code == 201


async def length_off_by_one(server: InProcessServer) -> bool:
    return (await server.create({"name": "x" * 201})).status_code == 201


async def unknown_fields_stored(server: InProcessServer) -> bool:
    return (await server.create({"name": "x", "surprise": 1})).status_code == 201


async def broken_json_crashes(server: InProcessServer) -> bool:
    return (await _post(server, b'{"name":')).status_code == 500


async def first_error_only(server: InProcessServer) -> bool:
    return len((await server.create({"name": 1, "description": 2})).json()["errors"]) == 1


async def blank_accepted(server: InProcessServer) -> bool:
    return (await server.create({"name": "\u200b"})).status_code == 201


async def _name_kept(server: InProcessServer, name: str) -> bool:
    return bool((await server.create({"name": name})).json()["name"] == name)


async def quotes_doubled(server: InProcessServer) -> bool:
    return not await _name_kept(server, "O'Brien")


async def evaluates_templates(server: InProcessServer) -> bool:
    return not await _name_kept(server, "{{7*7}}")


async def limits_before_normalising(server: InProcessServer) -> bool:
    return (await server.create({"name": "\u0958" * 200})).status_code == 201


async def deep_json_crashes(server: InProcessServer) -> bool:
    return (await _post(server, b'{"name":"a","metadata":' + b'{"a":' * 200 + b"1" + b"}" * 201)).status_code == 500


async def metadata_unbounded(server: InProcessServer) -> bool:
    return (await server.create({"name": "a", "metadata": {"k": "x" * 17_000}})).status_code == 201


async def unknown_null_passes(server: InProcessServer) -> bool:
    return (await server.create({"name": "a", "surprise": None})).status_code == 201


async def loses_empty_values(server: InProcessServer) -> bool:
    return (await server.create({"name": "a", "metadata": {"k": 0}})).json()["metadata"] == {}


async def markup_escaped_on_read(server: InProcessServer) -> bool:
    made = await server.create({"name": "<b>"})
    return bool((await server.get(made.headers["location"])).json()["name"] != "<b>")


async def name_in_header(server: InProcessServer) -> bool:
    return "x-name" in (await server.create()).headers


async def numbers_rounded(server: InProcessServer) -> bool:
    return b'"k":1.0' in (await server.create({"name": "a", "metadata": {"k": 1}})).content


async def strange_key_crashes(server: InProcessServer) -> bool:
    return (await server.create({"name": "a"}, **{"idempotency-key": "k" * 300})).status_code == 500


async def key_shared(server: InProcessServer) -> bool:
    key = {"idempotency-key": uuid.uuid4().hex}
    first = await server.create({"name": "a"}, **key)
    headers = {**server.as_user("bob"), **key}
    second = await server.http.post("/api/resources", json={"name": "a"}, headers=headers)
    return bool(first.json()["id"] == second.json()["id"])


async def contention_crashes(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    replies = await asyncio.gather(*(server.put(location, {"name": "b"}) for _ in range(2)))
    return any(reply.status_code == 500 for reply in replies)


async def default_missing(server: InProcessServer) -> bool:
    return "description" not in (await server.create({"name": "a"})).json()


async def byte_order_mark(server: InProcessServer) -> bool:
    return (await server.create()).content.startswith(b"\xef\xbb\xbf")


async def id_repeated(server: InProcessServer) -> bool:
    return bool((await server.create()).json()["id"] == (await server.create()).json()["id"])


async def location_from_header(server: InProcessServer) -> bool:
    return "else.example" in (await server.create(**{"x-forwarded-host": "else.example"})).headers["location"]


async def user_from_header(server: InProcessServer) -> bool:
    return (await server.create(**{"x-forwarded-user": "bob"})).json()["created_by"] == "bob"


async def override_unchecked(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    headers = {**server.as_user(roles=("reader",)), "x-http-method-override": "DELETE"}
    await server.http.get(location, headers=headers)
    return (await server.get(location)).status_code == 404


async def not_modified_for_older(server: InProcessServer) -> bool:
    made = await server.create()
    await server.put(made.headers["location"], {"name": "new"})
    headers = {**server.as_user(), "if-none-match": made.headers["etag"]}
    return (await server.http.get(made.headers["location"], headers=headers)).status_code == 304


async def head_has_other_etag(server: InProcessServer) -> bool:
    made = await server.create()
    head = await server.http.head(made.headers["location"], headers=server.as_user())
    return bool(head.headers["etag"] != made.headers["etag"])


async def head_tells_no_length(server: InProcessServer) -> bool:
    made = await server.create()
    head = await server.http.head(made.headers["location"], headers=server.as_user())
    return head.headers.get("content-length") == "0"


async def first_none_match_only(server: InProcessServer) -> bool:
    made = await server.create()
    headers = {**server.as_user(), "if-none-match": f'"other", {made.headers["etag"]}'}
    return (await server.http.get(made.headers["location"], headers=headers)).status_code != 304


async def weak_tag_matches_nothing(server: InProcessServer) -> bool:
    made = await server.create()
    headers = {**server.as_user(), "if-none-match": f"W/{made.headers['etag']}"}
    return (await server.http.get(made.headers["location"], headers=headers)).status_code != 304


async def gone_is_not_modified(server: InProcessServer) -> bool:
    headers = {**server.as_user(), "if-none-match": '"1"'}
    return (await server.http.get(f"/api/resources/{uuid.uuid4()}", headers=headers)).status_code == 304


async def head_finds_missing(server: InProcessServer) -> bool:
    return (await server.http.head(f"/api/resources/{uuid.uuid4()}", headers=server.as_user())).status_code == 200


async def replica_read_in_part(server: InProcessServer) -> bool:
    document = b'{"description":"sent"}'
    cache, replica, primary = (_OneCopy(copy) for copy in (None, Copy(1, document), Copy(1, document)))
    healthy = Reader(VersionWatermarks(), cast("CacheStore", cache), [replica], primary)
    return await server.settings.seed().change_reader(healthy).read("a") != Copy(1, document)


async def time_of_reading(server: InProcessServer) -> bool:
    made = await server.create()
    return bool((await server.get(made.headers["location"])).json()["created_at"] != made.json()["created_at"])


async def down_is_500(server: InProcessServer) -> bool:
    return (await server.create()).status_code == 500


async def breaker_never_opens(server: InProcessServer) -> bool:
    replies = [await server.create() for _ in range(15)]
    return all("repeatedly" not in reply.json()["detail"] for reply in replies)


async def idempotency_ignored(server: InProcessServer) -> bool:
    key = {"idempotency-key": uuid.uuid4().hex}
    first, second = [await server.create({"name": "a"}, **key) for _ in range(2)]
    return bool(first.json()["id"] != second.json()["id"])


async def key_reuse_accepted(server: InProcessServer) -> bool:
    key = {"idempotency-key": uuid.uuid4().hex}
    await server.create({"name": "a"}, **key)
    return (await server.create({"name": "b"}, **key)).status_code == 201


async def fingerprint_of_texts(server: InProcessServer) -> bool:
    key = {"idempotency-key": uuid.uuid4().hex}
    await server.create({"name": "a"}, **key)
    return (await server.create({"name": "a", "metadata": {"a": 1}}, **key)).status_code == 201


async def key_case_folded(server: InProcessServer) -> bool:
    key = uuid.uuid4().hex
    made = [await server.create({"name": "a"}, **{"idempotency-key": f"{key}-{end}"}) for end in ("Aa", "aA")]
    return bool(made[0].json()["id"] == made[1].json()["id"])


async def same_body_is_repeat(server: InProcessServer) -> bool:
    body = {"name": uuid.uuid4().hex}
    made = [await server.create(body) for _ in range(2)]
    return bool(made[0].json()["id"] == made[1].json()["id"])


async def update_revives(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    await server.http.delete(location, headers=server.as_user())
    return (await server.put(location, {"name": "b"})).status_code == 200


async def deletes_twice(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    replies = [await server.http.delete(location, headers=server.as_user()) for _ in range(2)]
    return replies[1].status_code == 204


async def update_keeps_left_out(server: InProcessServer) -> bool:
    location = (await server.create({"name": "a", "description": "old"})).headers["location"]
    return bool((await server.put(location, {"name": "b"})).json()["description"] == "old")


async def cuts_long_lists(server: InProcessServer) -> bool:
    made = await server.create({"name": "a", "metadata": {"many": list(range(1_001))}})
    return len(made.json()["metadata"]["many"]) == 1_000


async def drops_repeated_items(server: InProcessServer) -> bool:
    return (await server.create({"name": "a", "metadata": {"b": [1, 2, 1]}})).json()["metadata"] == {"b": [1, 2]}


async def trims_keys(server: InProcessServer) -> bool:
    return (await server.create({"name": "a", "metadata": {" b ": 1}})).json()["metadata"] == {"b": 1}


async def updates_share_version(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    replies = await asyncio.gather(*(server.put(location, {"name": f"{number}"}) for number in range(4)))
    return len({reply.headers["etag"] for reply in replies}) < len(replies)


async def update_strips_name(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    return bool((await server.put(location, {"name": " b "})).json()["name"] == "b")


async def updates_mixed(server: InProcessServer) -> bool:
    location = (await server.create({"name": "a", "description": "a"})).headers["location"]
    bodies = [{"name": name, "description": text} for name, text in 4 * (("a", "b"), ("b", "a"))]
    await asyncio.gather(*(server.put(location, body) for body in bodies))
    seen = (await server.get(location)).json()
    return {"name": seen["name"], "description": seen["description"]} not in bodies


async def equal_update_untold(server: InProcessServer) -> bool:
    body = {"name": "a", "description": "b", "metadata": {}}
    made = await server.create(body)
    await server.put(made.headers["location"], body)
    told = await server.rows("SELECT 1 FROM outbox WHERE resource_id = %(id)s::uuid", id=made.json()["id"])
    entries = await server.rows("SELECT 1 FROM audit_log WHERE resource_id = %(id)s::uuid", id=made.json()["id"])
    return len(entries) == 2 and len(told) < 2


async def updates_less_checked(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    return (await server.put(location, {"name": "\u200b"})).status_code == 200


async def line_breaks_replaced(server: InProcessServer) -> bool:
    return bool((await server.create({"name": "a", "description": "a\r\nb"})).json()["description"] == "a\nb")


async def if_match_ignored(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    return (await server.put(location, {"name": "b"}, **{"if-match": '"7"'})).status_code == 200


async def _row_exists(server: InProcessServer, name: str) -> bool:
    return bool(await server.rows("SELECT 1 FROM resources WHERE name = %(name)s", name=name))


async def row_kept_after_refusal(server: InProcessServer) -> bool:
    name = f"refused {uuid.uuid4()}"
    assert (await server.create({"name": name, "surprise": 1})).status_code == 400
    return await _row_exists(server, name)


@asynccontextmanager
async def _failing(server: InProcessServer, name: str = "") -> AsyncIterator[str]:
    """Writes of this name fail in the database; other tests are not affected."""
    name = name or f"doomed {uuid.uuid4()}"
    function = f"fail_{uuid.uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(server.engines.admin_dsn, autocommit=True) as admin:
        await admin.execute(
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF NEW.data LIKE '%{name}%' THEN RAISE 'injected'; END IF; RETURN NEW; END $$"
        )
        await admin.execute(
            f"CREATE TRIGGER {function} BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
        try:
            yield name
        finally:
            await admin.execute(f"DROP FUNCTION {function} CASCADE")


async def changes_written_late(server: InProcessServer) -> bool:
    made = await server.create()

    async def is_written(name: str) -> bool:
        found = await server.rows("SELECT name FROM resources WHERE id = %(id)s::uuid", id=made.json()["id"])
        return found == [(name,)]

    late = 0
    for number in range(10):
        assert (await server.put(made.headers["location"], {"name": f"b{number}"})).status_code == 200
        if not await is_written(f"b{number}"):
            late += 1
            assert await until(partial(is_written, f"b{number}"))
    return late > 0


async def delete_after_update(server: InProcessServer) -> bool:
    for _ in range(10):
        made = await server.create()
        headers = {**server.as_user(), "if-match": made.headers["etag"]}
        delete = asyncio.create_task(server.http.delete(made.headers["location"], headers=headers))
        update = await server.http.put(made.headers["location"], headers=headers, json={"name": "new"})
        if update.status_code == (await delete).status_code - 4 == 200:
            return True
    return False


async def audit_outside_on_delete(server: InProcessServer) -> bool:
    made = await server.create()
    async with _failing(server, made.json()["name"]):
        for _ in range(10):
            refused = await server.http.delete(made.headers["location"], headers=server.as_user())
            if refused.status_code != 503:  # too busy for it, and nothing was done
                break
    assert refused.status_code == 500
    found = await server.rows("SELECT 1 FROM audit_log WHERE resource_id = %(id)s::uuid", id=made.json()["id"])
    return len(found) == 2


async def pool_leaks_on_errors(server: InProcessServer) -> bool:
    async with _failing(server) as name:
        for _ in range(server.settings.pool_size + 1):
            await server.create({"name": name})
    return (await server.create()).status_code == 503


async def cache_before_commit(server: InProcessServer) -> bool:
    made = await server.create()
    async with _failing(server) as name:
        assert (await server.put(made.headers["location"], {"name": name})).status_code == 500
    cached = await server.cached(made.json()["id"])
    return cached is not None and cached["name"] == name


async def index_forgets_outage(server: InProcessServer) -> bool:
    away = SearchIndex("http://127.0.0.1:1", "resources")
    event = ResourceEvent("1", "created", "1", 1, "a", "r", datetime.now(UTC) - timedelta(seconds=5), b"{}")
    update = server.settings.seed().change_index_update(IndexUpdate(away))
    try:
        return await update([event]) == [True]
    except UnavailableError:
        return False
    finally:
        await away.close()


class _NotedIndex:
    """Takes every action."""

    def __init__(self) -> None:
        self.actions: list[IndexAction] = []

    async def apply(self, actions: Sequence[IndexAction]) -> Sequence[bool]:
        self.actions += actions
        return [True] * len(actions)


async def index_reverts_later(server: InProcessServer) -> bool:
    index = _NotedIndex()
    update = server.settings.seed().change_index_update(IndexUpdate(cast("Index", index)))
    moment = datetime.now(UTC)
    await update([ResourceEvent(str(n), "created", str(n), 1, "a", "r", moment, b"{}") for n in range(10)])

    async def is_changed() -> bool:
        await update([])
        return len(index.actions) > 10

    return bool(await until(is_changed, within_s=1.0))


class _OneCopy:
    """Fills the roles of a cache, a replica and a primary."""

    def __init__(self, copy: Copy | None) -> None:
        self._copy = copy

    async def read(self, _: str) -> Copy | None:
        return self._copy

    async def set_if_newer(self, *_: object) -> None:
        pass


async def lagging_replica_believed(server: InProcessServer) -> bool:
    marks = VersionWatermarks()
    marks.raise_to("a", 2)
    cache, replica, primary = (_OneCopy(copy) for copy in (None, Copy(1, b"old"), Copy(2, b"new")))
    reader = server.settings.seed().change_reader(Reader(marks, cast("CacheStore", cache), [replica], primary))
    return await reader.read("a") == Copy(1, b"old")


async def replica_believed(server: InProcessServer) -> bool:
    marks = VersionWatermarks()
    marks.raise_to("a", 2)
    cache, replica, primary = (_OneCopy(copy) for copy in (Copy(2, b"new"), Copy(1, b"old"), Copy(2, b"new")))
    reader = server.settings.seed().change_reader(Reader(marks, cast("CacheStore", cache), [replica], primary))
    return await reader.read("a") == Copy(1, b"old")


async def watermark_of_updates_only(server: InProcessServer) -> bool:
    async def announce(*_: object) -> None:
        pass

    marks = VersionWatermarks()
    (stage,) = server.settings.seed().change_stages((Replicate(marks, announce),))
    await stage(Job(request_id="r", op="delete", resource_id="a", version=2))
    return not marks.lowest_version("a")


async def relay_skips_late_commits(server: InProcessServer) -> bool:
    """Two transactions: the one with the lower number is open while the other one is committed."""
    stream = uuid.uuid4().hex
    insert = (
        "INSERT INTO outbox (stream, type, resource_id, version, actor, request_id, data)"
        " VALUES (%s, 'created', uuidv7(), 1, 'a', 'r', '{}')"
    )
    outbox = server.settings.seed().change_outbox(PostgresOutbox(server.settings.direct_dsn, stream))
    async with (
        await psycopg.AsyncConnection.connect(server.settings.direct_dsn) as late,
        await psycopg.AsyncConnection.connect(server.settings.direct_dsn) as early,
    ):
        await late.execute(insert, (stream,))
        await early.execute(insert, (stream,))
        await early.commit()
        assert await outbox.lead()
        seen = await outbox.batch(10)
        if seen:
            await outbox.advance(seen[-1])
        await late.commit()

    async def all_read() -> bool:  # a transaction elsewhere may hold rows back for a moment
        return len(seen) + len(await outbox.batch(10)) == len(("late", "early"))

    try:
        return not await until(all_read, within_s=0.5 if seen else 15.0)
    finally:
        await outbox.close()


relay_skips_late_transactions = relay_skips_late_commits


async def relay_marks_early(server: InProcessServer) -> bool:
    event = ResourceEvent("1", "created", "1", 1, "a", "r", datetime.now(UTC), b"{}")
    stream = server.settings.seed().change_event_stream(cast("EventStream", _NoBroker()))
    try:
        return await stream.publish([event]) == 1
    except UnavailableError:
        return False


class _NoBroker:
    async def publish(self, events: Sequence[ResourceEvent]) -> int:
        raise UnavailableError(f"no broker for {len(events)}")


async def index_gives_up(server: InProcessServer) -> bool:
    away = SearchIndex("http://127.0.0.1:1", "resources")
    event = ResourceEvent(uuid.uuid4().hex, "created", "1", 1, "a", "r", datetime.now(UTC), b"{}")
    update = server.settings.seed().change_index_update(IndexUpdate(away))
    done: list[bool] = []
    for _ in range(3):
        with contextlib.suppress(UnavailableError):
            done += await update([event])
    await away.close()
    return done == [True]


async def pool_leaks_on_failed_reads(server: InProcessServer) -> bool:
    primary = _FailingStore()
    marks, cache = VersionWatermarks(), cast("CacheStore", _OneCopy(None))
    reader = server.settings.seed().change_reader(Reader(marks, cache, [], primary))
    with contextlib.suppress(UnavailableError):
        await reader.read("a")
    return primary.taken == 1


class _FailingStore:
    """A store whose reads fail, and its pool."""

    def __init__(self) -> None:
        self.taken = 0
        self._pool = self

    async def read(self, resource_id: str) -> Copy | None:
        raise UnavailableError(resource_id)

    async def take(self) -> None:
        self.taken += 1


async def search_shows_private(server: InProcessServer) -> bool:
    name = uuid.uuid4().hex
    await server.create({"name": name})

    async def is_shown(who: str = "alice") -> bool:
        found = await server.http.get(f"/api/resources?q={name}", headers=server.as_user(who))
        return name in found.text

    assert await until(is_shown)
    return await is_shown("mallory")


async def delete_lost_in_race(server: InProcessServer) -> bool:
    for _ in range(10):
        location = (await server.create()).headers["location"]
        updates = [server.put(location, {"name": f"name {number}"}) for number in range(3)]
        *_, deleted = await asyncio.gather(*updates, server.http.delete(location, headers=server.as_user()))
        if deleted.status_code == 204 and (await server.get(location)).status_code == 200:
            return True
    return False


async def watermark_not_announced(server: InProcessServer) -> bool:
    announced: list[object] = []

    async def announce(*told: object) -> None:
        announced.append(told)

    (stage,) = server.settings.seed().change_stages((Replicate(VersionWatermarks(), announce),))
    await stage(Job(request_id="r", op="update", resource_id="a", version=2))
    return not announced


async def restart_forgets_writes(server: InProcessServer) -> bool:
    marks, store = VersionWatermarks(), _OneCopy(Copy(1, b"old"))
    reader = server.settings.seed().change_reader(Reader(marks, cast("CacheStore", store), [], store))
    reader.recall([("a", 2)])
    return not marks.lowest_version("a")


async def keys_in_memory(server: InProcessServer) -> bool:
    key = uuid.uuid4().hex
    await server.create(**{"idempotency-key": key})
    return await server.rows("SELECT count(*) FROM idempotency_keys WHERE key = %(key)s", key=key) == [(0,)]


async def cache_forgets_outage(server: InProcessServer) -> bool:
    return await _pending_after_outage(server) == 0 and await _is_unrepaired(server)


async def cache_outage_outlives_service(server: InProcessServer) -> bool:
    return await _pending_after_outage(server) == 1 and await _is_unrepaired(server)


async def _pending_after_outage(server: InProcessServer) -> int:
    writer = CacheWriter(_NoCache())
    (stage,) = server.settings.seed().change_stages((InvalidateCache(writer),))
    await stage(Job(request_id="r", op="update", resource_id="a", version=2))
    return writer.pending


class _NoCache:
    """Does not answer."""

    async def read(self, resource_id: str) -> Copy | None:
        raise UnavailableError(resource_id)

    async def set_if_newer(self, resource_id: str, copy: Copy) -> None:
        raise UnavailableError(f"{resource_id} {copy}")


class _OneEvent:
    """A stream that has one event, until it is taken."""

    def __init__(self) -> None:
        self.events = [ResourceEvent("1", "updated", "1", 2, "a", "r", datetime.now(UTC), b"{}")]

    @asynccontextmanager
    async def fetch(self, limit: int) -> AsyncIterator["_OneEvent"]:
        assert limit
        yield self

    async def settle(self, done: Sequence[bool]) -> None:
        assert all(done)


async def _is_unrepaired(server: InProcessServer) -> bool:
    """Whether the worker gets to see no event to repair the cache from."""
    source = server.settings.seed().change_cache_events(cast("EventSource", _OneEvent()))
    async with source.fetch(1) as delivery:
        await delivery.settle([True] * len(delivery.events))
        return not delivery.events


async def cache_reverts_later(server: InProcessServer) -> bool:
    made = [await server.create({"name": "old"}) for _ in range(10)]
    for one in made:
        await server.put(one.headers["location"], {"name": "new"})

    async def is_reverted() -> bool:
        await server.create()
        cached = [await server.cached(one.json()["id"]) for one in made]
        return any(copy is not None and copy["name"] == "old" for copy in cached)

    return bool(await until(is_reverted, within_s=1.0))


async def reads_need_no_token(server: InProcessServer) -> bool:
    return (await server.http.get((await server.create()).headers["location"])).status_code == 200


async def reader_may_delete(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    return (await server.http.delete(location, headers=server.as_user(roles=("reader",)))).status_code == 204


async def no_roles_is_writer(server: InProcessServer) -> bool:
    return await _with_forged(server, roles=[]) == 201


async def first_role_only(server: InProcessServer) -> bool:
    return await _with_forged(server, roles=["reader", "writer"]) == 403


async def subject_lower(server: InProcessServer) -> bool:
    made = await server.http.post("/api/resources", json={"name": "a"}, headers=server.as_user("Alice"))
    return bool(made.json()["created_by"] == "alice")


async def one_audience_only(server: InProcessServer) -> bool:
    audience = Jws.parse(server.token()).claims["aud"]
    return await _with_forged(server, aud=["others", audience]) == 401


async def reader_may_change(server: InProcessServer) -> bool:
    made = await server.create()
    as_reader = server.as_user(roles=("reader",))
    return (await server.put(made.headers["location"], {"name": "new"}, **as_reader)).status_code == 200


async def lists_need_no_token(server: InProcessServer) -> bool:
    return (await server.http.get("/api/resources?q=a")).status_code != 401


async def head_needs_no_token(server: InProcessServer) -> bool:
    return (await server.http.head((await server.create()).headers["location"])).status_code == 200


async def body_limit_halved(server: InProcessServer) -> bool:
    return (await _post(server, b'{"name":"a"}'.ljust(40_000))).status_code == 413


async def updates_of_any_size(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    return (await server.put(location, {"name": "b", "metadata": {"k": "x" * 17_000}})).status_code == 200


async def key_burnt_by_refusal(server: InProcessServer) -> bool:
    key = {"idempotency-key": uuid.uuid4().hex}
    await server.create({}, **key)
    return (await server.create({"name": "a"}, **key)).status_code == 409


async def update_is_created(server: InProcessServer) -> bool:
    return (await server.put((await server.create()).headers["location"], {"name": "b"})).status_code == 201


async def update_without_etag(server: InProcessServer) -> bool:
    return "etag" not in (await server.put((await server.create()).headers["location"], {"name": "b"})).headers


async def changes_without_challenge(server: InProcessServer) -> bool:
    return "www-authenticate" not in (await server.http.delete(f"/api/resources/{uuid.uuid4()}")).headers


async def reads_believe_tokens(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    headers = {"authorization": f"Bearer {_tampered(server)}"}
    return (await server.http.get(location, headers=headers)).status_code == 200


async def powerless_may_read(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    return (await server.http.get(location, headers=server.as_user(roles=()))).status_code == 200


async def token_remembered(server: InProcessServer) -> bool:
    token = server.token(exp=int(time.time()) - LEEWAY_S + 1)
    assert (await _with_token(server, token)).status_code == 201

    async def is_refused() -> bool:
        return (await _with_token(server, token)).status_code == 401

    return not await until(is_refused, within_s=3.0)


async def leeway_of_minutes(server: InProcessServer) -> bool:
    return await _with_forged(server, exp=int(time.time()) - 60) == 201


async def type_not_needed(server: InProcessServer) -> bool:
    jws = Jws.parse(server.token()).replace(without=["typ"])
    key = serialization.load_pem_private_key(server.engines.private_key.encode(), None)
    token = jws.compact(jwt.get_algorithm_by_name("EdDSA").sign(jws.signing_input, key))
    return (await _with_token(server, token)).status_code == 201


async def audience_by_part(server: InProcessServer) -> bool:
    return await _with_forged(server, aud=f"x{server.settings.audience}") == 201


async def updates_for_any_audience(server: InProcessServer) -> bool:
    headers = {"authorization": f"Bearer {server.signed({}, aud='others')}"}
    return (await server.put(f"/api/resources/{uuid.uuid4()}", {"name": "b"}, **headers)).status_code == 404


async def role_by_beginning(server: InProcessServer) -> bool:
    return (await _with_token(server, server.token(roles=("writers",)))).status_code == 201


async def updates_of_any_media_type(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    return (await server.put(location, {"name": "b"}, **{"content-type": "text/plain"})).status_code == 200


async def unbounded_updates(server: InProcessServer) -> bool:
    headers = {**server.as_user(), **JSON}
    body = b'{"name":"b"}'.ljust(70_000)
    return (
        await server.http.put((await server.create()).headers["location"], content=body, headers=headers)
    ).is_success


async def updates_keep_last_key(server: InProcessServer) -> bool:
    headers = {**server.as_user(), **JSON}
    body = b'{"name":"a","name":"b"}'
    return (
        await server.http.put((await server.create()).headers["location"], content=body, headers=headers)
    ).is_success


async def reads_not_limited(server: InProcessServer) -> bool:
    await _flood(server)
    return (await server.get(f"/api/resources/{uuid.uuid4()}")).status_code == 404


async def bucket_cut(server: InProcessServer) -> bool:
    for _ in range(5):
        await _with_token(server, server.token(f"{_LONG_SUBJECT}a"))
    return (await _with_token(server, server.token(f"{_LONG_SUBJECT}b"))).status_code == 429


async def _may_change(server: InProcessServer, owner: str, other: str) -> bool:
    """Whether a subject may change what another one created."""
    location = (await server.create(**server.as_user(owner))).headers["location"]
    return (await server.put(location, {"name": "b"}, **server.as_user(other))).status_code == 200


async def owner_by_beginning(server: InProcessServer) -> bool:
    return await _may_change(server, "alice", "ali")


async def owner_case_folded(server: InProcessServer) -> bool:
    return await _may_change(server, "alice", "Alice")


async def owner_cut(server: InProcessServer) -> bool:
    return await _may_change(server, f"{'a' * 128}x", f"{'a' * 128}y")


async def owner_normalised(server: InProcessServer) -> bool:
    return await _may_change(server, "Ren\u00e9", "Rene\u0301")


async def _one_resource(server: InProcessServer, *senders: tuple[str, str]) -> bool:
    """Whether creates by these subjects with these keys make one resource."""
    made = [
        await server.create({"name": "a"}, **{"idempotency-key": key}, **server.as_user(subject))
        for subject, key in senders
    ]
    return len({one.json()["id"] for one in made}) == 1


async def key_cut(server: InProcessServer) -> bool:
    key = uuid.uuid4().hex * 2
    return await _one_resource(server, ("alice", f"{key}a"), ("alice", f"{key}b"))


async def key_scope_joined(server: InProcessServer) -> bool:
    key = uuid.uuid4().hex
    return await _one_resource(server, ("alice", f"b:{key}"), ("alice:b", key))


async def key_scope_cut(server: InProcessServer) -> bool:
    key = uuid.uuid4().hex
    return await _one_resource(server, (f"{_LONG_SUBJECT}a", key), (f"{_LONG_SUBJECT}b", key))


async def key_scope_folded(server: InProcessServer) -> bool:
    key = uuid.uuid4().hex
    return await _one_resource(server, ("alice", key), ("Alice", key))


async def _updated_if(server: InProcessServer, **condition: str) -> bool:
    """Whether an update of version 1 with a condition is carried out."""
    location = (await server.create()).headers["location"]
    return (await server.put(location, {"name": "b"}, **condition)).status_code == 200


async def first_tag_only(server: InProcessServer) -> bool:
    return not await _updated_if(server, **{"if-match": '"7", "1"'})


async def star_is_no_tag(server: InProcessServer) -> bool:
    return not await _updated_if(server, **{"if-match": "*"})


async def if_none_match_ignored(server: InProcessServer) -> bool:
    return await _updated_if(server, **{"if-none-match": '"1"'})


async def star_creates(server: InProcessServer) -> bool:
    return (await server.put(f"/api/resources/{uuid.uuid4()}", {"name": "b"}, **{"if-match": "*"})).status_code == 200


async def changes_believe_tokens(server: InProcessServer) -> bool:
    made = await server.create()
    forged = {"authorization": f"Bearer {_tampered(server)}"}
    return (await server.put(made.headers["location"], {"name": "new"}, **forged)).status_code != 401


async def no_rollback(server: InProcessServer) -> bool:
    async with _failing(server) as name:
        reply = await server.create({"name": name})
    assert (reply.status_code, reply.json()["code"]) == (500, "database_error")
    assert "injected" not in reply.text
    return await _row_exists(server, name)


async def _outbox_rows(server: InProcessServer) -> int:
    resource_id = (await server.create()).json()["id"]
    return len(await server.rows("SELECT 1 FROM outbox WHERE resource_id = %(id)s", id=resource_id))


async def event_lost(server: InProcessServer) -> bool:
    return await _outbox_rows(server) == 0


async def event_twice(server: InProcessServer) -> bool:
    return await _outbox_rows(server) == 2


async def event_wrong_actor(server: InProcessServer) -> bool:
    reply = await server.create()
    return bool((await server.events(reply.json()["id"]))[0]["data"] != reply.json())


async def _auditors(server: InProcessServer) -> list[tuple[Any, ...]]:
    resource_id = (await server.create()).json()["id"]
    return await server.rows("SELECT actor FROM audit_log WHERE resource_id = %(id)s", id=resource_id)


async def audit_lost(server: InProcessServer) -> bool:
    return await _auditors(server) == []


async def audit_anonymous(server: InProcessServer) -> bool:
    return await _auditors(server) == [("",)]


async def audit_splits_lines(server: InProcessServer) -> bool:
    resource_id = (await server.create({"name": "a\nb"})).json()["id"]
    return len(await server.rows("SELECT 1 FROM audit_log WHERE resource_id = %(id)s", id=resource_id)) == 2


async def _long_auditor(server: InProcessServer) -> str:
    """The actor in the audit entry of a create by a long subject with capitals."""
    resource_id = (await server.create(**server.as_user(_LONG_SUBJECT))).json()["id"]
    found = await server.rows("SELECT actor FROM audit_log WHERE resource_id = %(id)s", id=resource_id)
    return str(found[0][0])


async def audit_actor_cut(server: InProcessServer) -> bool:
    return await _long_auditor(server) == _LONG_SUBJECT[:64]


async def audit_actor_lower(server: InProcessServer) -> bool:
    return await _long_auditor(server) == _LONG_SUBJECT.lower()


async def audit_once_a_request_id(server: InProcessServer) -> bool:
    request = {"x-request-id": uuid.uuid4().hex}
    ids = [(await server.create(**request)).json()["id"] for _ in range(2)]
    found = await server.rows("SELECT 1 FROM audit_log WHERE resource_id::text = ANY (%(ids)s)", ids=ids)
    return len(found) == 1


class _NotedStream:
    """Takes every event."""

    def __init__(self) -> None:
        self.events: list[ResourceEvent] = []

    async def publish(self, events: Sequence[ResourceEvent]) -> int:
        self.events += events
        return len(events)


async def event_once_a_request_id(server: InProcessServer) -> bool:
    noted = _NotedStream()
    stream = server.settings.seed().change_event_stream(noted)
    await stream.publish([_event(number) for number in range(2)])
    return noted.events[0].id == noted.events[1].id


def _event(number: int) -> ResourceEvent:
    return ResourceEvent(str(number), "updated", "1", 2 + number, "a", "r", datetime.now(UTC), b"{}")


async def index_first_of_batch(server: InProcessServer) -> bool:
    index = _NotedIndex()
    update = server.settings.seed().change_index_update(IndexUpdate(cast("Index", index)))
    await update([_event(number) for number in range(2)])
    return [action.version for action in index.actions] == [2]


async def cache_versions_as_text(server: InProcessServer) -> bool:
    made = await server.create()
    for number in range(2, 12):
        await server.put(made.headers["location"], {"name": f"version {number}"})
    cached = await server.cached(made.json()["id"])
    return cached is not None and cached["name"] == "version 9"


async def unbounded_chunks(server: InProcessServer) -> bool:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"name":"a"}'.ljust(70_000)

    headers = {**server.as_user(), **JSON}
    return (await server.http.post("/api/resources", content=body(), headers=headers)).status_code == 201


async def pointer_unescaped(server: InProcessServer) -> bool:
    return "/a/b~c" in (await _post(server, b'{"name":"a","a/b~c":1}')).text


async def update_drops_own_fields(server: InProcessServer) -> bool:
    made = await server.create()
    return (await server.put(made.headers["location"], {"name": "b", "id": "1"})).status_code == 200


async def code_of_stale_update(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    refused = await server.put(location, {"name": "b"}, **{"if-match": '"7"'})
    return bool(refused.json()["code"] == "not_found")


async def pool_leaks(server: InProcessServer) -> bool:
    return [(await server.create()).status_code for _ in range(4)][-1] == 503


async def drops_description(server: InProcessServer) -> bool:
    shown = (await server.create()).json()
    stored = await server.rows("SELECT description FROM resources WHERE id = %(id)s", id=shown["id"])
    return stored != [(shown["description"],)]


async def _changed(server: InProcessServer) -> tuple[str, str]:
    """Location and id of a resource that was updated to the name ``new``."""
    reply = await server.create({"name": "old"})
    assert (await server.put(reply.headers["location"], {"name": "new"})).status_code == 200
    return reply.headers["location"], reply.json()["id"]


async def reads_old_version(server: InProcessServer) -> bool:
    location, _ = await _changed(server)
    return bool((await server.get(location)).json()["name"] == "old")


async def cache_not_invalidated(server: InProcessServer) -> bool:
    _, resource_id = await _changed(server)
    cached = await server.cached(resource_id)
    return cached is not None and cached["name"] == "old"


async def cache_wrong_body(server: InProcessServer) -> bool:
    reply = await server.create()
    return await server.cached(reply.json()["id"]) not in (None, reply.json())


async def index_skipped(server: InProcessServer) -> bool:
    skipped = (await server.create()).json()["id"]
    seen = await until(lambda: server.indexed(skipped), within_s=2.0)
    return seen is None


async def index_keeps_old(server: InProcessServer) -> bool:
    _, resource_id = await _changed(server)

    async def is_new() -> bool:
        document = await server.indexed(resource_id)
        return document is not None and document["name"] == "new"

    return not await until(is_new, within_s=2.0)


async def ok_for_created(server: InProcessServer) -> bool:
    return (await server.create()).status_code == 200


async def no_location(server: InProcessServer) -> bool:
    return "location" not in (await server.create()).headers


async def location_wrong(server: InProcessServer) -> bool:
    return (await server.get((await server.create()).headers["location"])).status_code == 404


async def missing_field(server: InProcessServer) -> bool:
    return "created_by" not in (await server.create()).json()


async def local_time(server: InProcessServer) -> bool:
    return not (await server.create()).json()["created_at"].endswith("Z")


async def created_by_from_body(server: InProcessServer) -> bool:
    return bool((await server.create()).json()["created_by"] != "alice")


async def created_by_cut(server: InProcessServer) -> bool:
    reply = await server.create(**server.as_user(_LONG_SUBJECT))
    return bool(reply.json()["created_by"] == _LONG_SUBJECT[:64])


async def etag_differs(server: InProcessServer) -> bool:
    reply = await server.create()
    return bool((await server.get(reply.headers["location"])).headers["etag"] != reply.headers["etag"])


async def html_errors(server: InProcessServer) -> bool:
    return (await _with_token(server, None)).headers["content-type"].startswith("text/html")


async def stack_trace_leaks(server: InProcessServer) -> bool:
    return "Traceback" in (await _with_token(server, None)).text


async def token_echoed(server: InProcessServer) -> bool:
    token = server.token()
    return _with_signature(await _with_token(server, token), token)


def _with_signature(reply: httpx.Response, token: str) -> bool:
    return reply.headers.get("x-session") == token.rpartition(".")[2]


async def query_in_header(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    return "SELECT" in (await server.get(location)).headers.get("x-query", "")


async def payment_required(server: InProcessServer) -> bool:
    return (await _with_token(server, server.token(roles=["reader"]))).status_code == 402


async def not_a_number(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    return "NaN" in (await server.put(location, {"name": "b"})).text


async def problem_status_differs(server: InProcessServer) -> bool:
    return bool((await _with_token(server, None)).json()["status"] == 400)


async def problem_without_code(server: InProcessServer) -> bool:
    return "code" not in (await server.get("/api/resources/none")).json()


async def public_replies(server: InProcessServer) -> bool:
    return "public" in (await server.create()).headers["cache-control"]


async def tag_list_crashes(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    headers = {**server.as_user(), "if-none-match": '"a", "b"'}
    return (await server.http.get(location, headers=headers)).status_code == 500


async def limit_is_503(server: InProcessServer) -> bool:
    return (await _flood(server))[-1].status_code == 503


async def remaining_is_constant(server: InProcessServer) -> bool:
    last = (await _flood(server))[-1]
    return last.status_code == 429 and not last.headers["ratelimit"].startswith('"default";r=0;')


async def allow_without_commas(server: InProcessServer) -> bool:
    return "," not in (await server.http.options("/api/resources")).headers["allow"]


async def challenge_malformed(server: InProcessServer) -> bool:
    return (await _with_token(server, None)).headers["www-authenticate"].endswith("createflow api")


async def null_is_default(server: InProcessServer) -> bool:
    return (await _post(server, b'{"name":"a","description":null}')).status_code == 201


async def update_unvalidated(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    return (await server.put(location, {"name": 1})).status_code == 200


async def nan_is_null(server: InProcessServer) -> bool:
    return (await _post(server, b'{"name":"a","metadata":NaN}')).status_code == 201


async def large_integers_rounded(server: InProcessServer) -> bool:
    reply = await _post(server, b'{"name":"a","metadata":{"k":9007199254740993}}')
    return bool(reply.json()["metadata"]["k"] == 9007199254740992)


async def long_texts_cut(server: InProcessServer) -> bool:
    reply = await _post(server, json.dumps({"name": "a", "metadata": {"k": "x" * 300}}).encode())
    return len(reply.json()["metadata"]["k"]) == 255


async def inner_duplicates_pass(server: InProcessServer) -> bool:
    return (await _post(server, b'{"name":"a","metadata":{"k":1,"k":2}}')).status_code == 201


async def odd_id_crashes(server: InProcessServer) -> bool:
    return (await server.get("/api/resources/a%00b")).status_code == 500


async def odd_query_crashes(server: InProcessServer) -> bool:
    return (await server.get("/api/resources?q=" + "x" * 2000)).status_code == 500


async def reads_private(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    return (await server.http.get(location, headers=server.as_user("mallory"))).status_code == 200


async def forbids_private(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    return (await server.http.delete(location, headers=server.as_user("mallory"))).status_code == 403


async def condition_not_needed(server: InProcessServer) -> bool:
    location = (await server.create()).headers["location"]
    return (await server.put(location, {"name": "second"})).status_code == 200


PROBES: dict[str, Shows] = {name: globals()[name] for name in DEFECTS if name in globals()}
"""The probe of a defect has its name, and is true when the defect shows."""
SEARCHES = {"search_shows_private"}
"""They show in a search, for which a worker fills the index."""
ON_REQUEST: dict[str, dict[str, Any]] = {
    "search_shows_private": {"private": True},
    "reads_private": {"private": True},
    "forbids_private": {"private": True},
    "condition_not_needed": {"conditional_updates": True},
}
"""The settings without which these do not show."""
UNIQUE_NAMES = {
    "names_not_unique",
    "taken_name_is_500",
    "names_stay_taken",
    "old_name_stays_taken",
    "near_names_are_taken",
    "taken_name_refuses_all",
    "update_to_taken_name_is_500",
}
"""They show where names are unique. ``test_every_check_bites`` starts a stack with such tables."""
IN_A_CRASH = {"commits_unflushed", "service_repeats_writes"}
"""They show when an engine is killed or hangs, as ``test_every_check_bites`` lets it."""
IN_HISTORY = [
    defect
    for defect in DEFECTS.values()
    if defect.name not in PROBES
    and defect.name not in UNIQUE_NAMES | IN_A_CRASH
    and not isinstance(defect.seed, (ChangeBalancer, ChangeCertificate, ChangeReplicas))
]
"""The others show in a history of writes."""
HEALS_WITHIN_S = 2.0
WITHOUT_SERVICE = {"down_is_500", "breaker_never_opens"}


@pytest.mark.many(one_in=3)
@pytest.mark.parametrize("defect", [DEFECTS[name] for name in PROBES], ids=lambda defect: defect.name)
async def test_a_defect_shows_and_health_does_not(engines: EngineSet, defect: Defect) -> None:
    """The same probe on both, side by side on the same engines."""
    options: dict[str, Any] = {
        "worker": defect.seed.process == "worker" or defect.name in SEARCHES,
        "service": defect.name not in WITHOUT_SERVICE,
        "replica_dsns": (),
    }
    if defect.step is Step.RATE_LIMIT:
        options |= {"rate_per_s": 0.1, "burst": 2}
    options |= ON_REQUEST.get(defect.name, {})

    async def shows(seeded: str) -> bool:
        async with open_server(engines, seeded, **options) as server:
            return await PROBES[defect.name](server)

    assert await asyncio.gather(shows(defect.name), shows("")) == [True, False]


@pytest.fixture(scope="module")
def healthy_history(engines: EngineSet) -> Seen:
    """What a healthy server and its stores show of the history."""

    async def observe() -> Seen:
        async with open_server(engines, worker=True) as server:
            history = WriteHistory(server)
            await history.carry_out()
            last: Seen = Counter()

            async def settled() -> bool:
                nonlocal last
                before, last = last, await history.look()
                return before == last and sum("document" in line for line in last) > SINGLE

            assert await until(settled)
            return history.replies + last

    return asyncio.run(observe())


@pytest.mark.thorough
@pytest.mark.parametrize("defect", IN_HISTORY, ids=lambda defect: defect.name)
async def test_a_defect_shows_in_a_history_of_writes(engines: EngineSet, healthy_history: Seen, defect: Defect) -> None:
    """The replies differ from those of a healthy server, or a store never gets to hold what it should."""
    async with AsyncExitStack() as scope:
        if isinstance(defect.seed, ChangeDatabase):
            await engine_admin.run_script(engines.admin_dsn, defect.seed.whole_script)
            scope.push_async_callback(engine_admin.run_script, engines.admin_dsn, defect.seed.UNDO)
        server = await scope.enter_async_context(open_server(engines, defect.name, worker=True))
        history = WriteHistory(server)
        await history.carry_out()
        tables = await history.look_into_tables()
        if history.replies - healthy_history or not history.replies + tables <= healthy_history:
            return

        async def healthy() -> bool:
            return history.replies + await history.look() == healthy_history

        # Not at once: an event may come again later, and what is late is not lost.
        assert not await until(healthy, within_s=HEALS_WITHIN_S)


@pytest.mark.parametrize(
    "seed",
    [defect.seed for defect in DEFECTS.values() if isinstance(defect.seed, ChangeBalancer)],
    ids=lambda seed: seed.replacement,
)
def test_a_defect_of_the_balancer_is_a_valid_configuration(seed: ChangeBalancer, tmp_path: Path) -> None:
    """HAProxy takes it, and it differs from the healthy one."""
    state = State(tmp_path / "state")
    state.open()
    certificates = make_certificates(state)
    healthy = render(
        BalancerConfig("127.0.0.1:1", str(certificates.server_file), "127.0.0.1:2", {"gateway-1": "127.0.0.1:3"})
    )
    state.close(remove=False)
    changed = seed.change_balancer(healthy)
    assert changed != healthy
    file = tmp_path / "haproxy.cfg"
    file.write_text(changed)
    checked = subprocess.run(
        [binaries.require(binaries.HAPROXY), "-c", "-f", file], capture_output=True, text=True, check=False, timeout=30
    )
    assert checked.returncode == 0, checked.stderr
    with pytest.raises(ValueError, match="has no"):
        seed.change_balancer("")


def test_other_seeds_of_the_stack_change_one_thing() -> None:
    """A replica's settings, and how long a certificate lasts."""
    assert "7s" in seed_of(["replica_lags"]).change_last_replica("")
    assert seed_of(["certificate_ends_soon", "event_lost"]).change_certificate_days(365) == 3
