"""``createflow join`` over TLS on loopback: what a join file holds and allows, and what is told if it does not fit."""

import asyncio
import json
import re
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import psutil
import psycopg
import pytest
import redis
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from createflow.cli.exit_code import ExitCode
from createflow.reference_server.joining.join_file import KINDS, load
from createflow.reference_server.joining.look_ahead import look_ahead
from createflow.reference_server.joining.member import with_tls
from createflow.reference_server.process.settings import Settings
from createflow.schemas.error import UserError
from createflow.schemas.profile_auth import JwtAuth
from tests.joined_process import joined
from tests.steady_load import steady_load
from tests.up_stack import UpCommand, stack_status, start_up_command, stop_up_command, wait_a_little

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("join")]

LIMIT_S = 60.0


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpCommand]:
    """A stack that lets others join over loopback."""
    up = start_up_command(tmp_path_factory.mktemp("join"), "--replicas", "1", "--listen", "127.0.0.1")
    yield up
    assert stop_up_command(up) == 0


def join_file(up: UpCommand, kind: str) -> Path:
    """Where the stack wrote it."""
    return up.state / "join" / f"{kind}.json"


def settings_of(up: UpCommand, kind: str, folder: Path) -> Settings:
    """What a process of this kind connects with."""
    return with_tls(load(join_file(up, kind), kind), folder)


def passwords_in(text: str) -> set[str]:
    """The passwords of all URLs in a text."""
    return set(re.findall(r"://[^:/@\s\"]+:([^@\s\"]+)@", text))


def test_a_join_file_is_private_and_holds_no_secret_of_another_kind(up: UpCommand) -> None:
    """Nor one of the stack itself: what is taken with it can do the work of its kind, and no more."""
    own = {kind: passwords_in(join_file(up, kind).read_text()) for kind in KINDS}
    of_stack = passwords_in(up.profile_file.read_text())
    for settings in (up.state / "run").glob("*/settings.json"):
        of_stack |= passwords_in(settings.read_text())
    assert all(own.values())
    assert len(of_stack) >= 5
    for kind in KINDS:
        others = of_stack.union(*(own[other] for other in KINDS if other != kind))
        assert not own[kind] & others, kind
        assert stat.S_IMODE(join_file(up, kind).stat().st_mode) == 0o600
    needs = {
        kind: {key for key, value in document(up, kind)["settings"].items() if value and "_" in key} for kind in KINDS
    }
    assert "primary_dsn" not in needs["worker"] | needs["gateway"]
    assert "direct_dsn" not in needs["service"] | needs["gateway"]
    assert "replica_dsns" not in needs["worker"] | needs["gateway"]
    assert "search_url" not in needs["gateway"]
    assert [kind for kind in KINDS if document(up, kind)["jwks"]] == ["gateway"]
    assert [kind for kind in KINDS if document(up, kind)["door_port"]] == ["gateway"]


def document(up: UpCommand, kind: str) -> dict[str, Any]:
    """The content of a join file."""
    read: dict[str, Any] = json.loads(join_file(up, kind).read_text())
    return read


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("service", "delete from resources"),
        ("service", "select * from audit_log"),
        ("service", "delete from outbox"),
        ("service", "select * from outbox_checkpoint"),
        ("worker", "select * from resources"),
        ("worker", "insert into audit_log default values"),
        ("worker", "insert into outbox default values"),
        ("worker", "select * from audit_log"),
        ("worker", "create table mine (id int)"),
    ],
)
def test_each_role_may_do_no_more_than_its_work(up: UpCommand, tmp_path: Path, kind: str, statement: str) -> None:
    """In the primary."""
    settings = settings_of(up, kind, tmp_path)
    with (
        psycopg.connect(settings.primary_dsn or settings.direct_dsn, prepare_threshold=None) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


@pytest.mark.parametrize("kind", KINDS)
def test_each_user_of_the_cache_has_its_own_keys_and_no_command_of_an_operator(
    up: UpCommand, tmp_path: Path, kind: str
) -> None:
    """A gateway counts, and neither reads nor forges copies; a service and a worker change no bucket."""
    with redis.Redis.from_url(settings_of(up, kind, tmp_path).valkey_url, protocol=2) as client:
        assert client.ping()
        strange = "createflow:resource:1" if kind == "gateway" else "createflow:rate:alice"
        for command in (("FLUSHALL",), ("CONFIG", "GET", "*"), ("CLIENT", "LIST"), ("GET", strange), ("KEYS", "*")):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command)  # type: ignore[no-untyped-call]  # the library's
        with pytest.raises(redis.exceptions.ResponseError, match=r"(?i)permission|ACL"):
            client.eval("return redis.call('SET', KEYS[1], '1')", 1, strange)


@pytest.mark.parametrize(
    ("kind", "request_", "status"),
    [
        ("service", "POST /resources/_search", 200),
        ("service", "POST /resources/_bulk", 403),
        ("service", "DELETE /resources", 403),
        ("worker", "HEAD /resources", 200),
        ("worker", "DELETE /resources", 403),
        ("worker", "POST /resources/_search", 403),
        ("worker", "GET /_cat/indices", 403),
        ("worker", "DELETE /_all", 403),
    ],
)
def test_the_search_engine_is_reached_with_the_requests_of_the_kind_alone(
    up: UpCommand, tmp_path: Path, kind: str, request_: str, status: int
) -> None:
    """It has no passwords: the proxy knows the certificate."""
    settings = settings_of(up, kind, tmp_path)
    trust = settings.trust()
    assert trust is not None
    method, path = request_.split()
    with httpx.Client(verify=trust, trust_env=False, timeout=10) as client:
        assert client.request(method, settings.search_url + path, json={}).status_code == status


def test_a_certificate_of_one_kind_opens_no_port_of_another(up: UpCommand, tmp_path: Path) -> None:
    """The worker's password would not be asked: the connection ends before."""
    own, other = settings_of(up, "worker", tmp_path), document(up, "service")["settings"]
    replica = urlsplit(other["replica_dsns"][0])
    assert replica.port is not None
    stolen = own.direct_dsn.replace(f":{urlsplit(own.direct_dsn).port}/", f":{replica.port}/")
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(stolen)
    assert "authentication" not in str(caught.value)


def test_what_does_not_fit_is_told_at_once_with_what_to_do(up: UpCommand, tmp_path: Path) -> None:
    """Instead of a process that waits for ever."""
    settings, stranger = document(up, "service")["settings"], trustme.CA()
    strange = stranger.issue_cert("service.join.createflow.test", common_name="service")
    nats_port = str(urlsplit(settings["nats_url"]).port)
    assert up.profile.sinks.search is not None
    plain = urlsplit(up.profile.sinks.search.url.get_secret_value()).netloc
    cases: list[tuple[dict[str, Any], tuple[str, ...], ExitCode, str]] = [
        (
            {"authority": stranger.cert_pem.bytes().decode()},
            (),
            ExitCode.USAGE,
            "shows a certificate that is not of this join file's stack",
        ),
        (
            {"certificate": strange.private_key_and_cert_chain_pem.bytes().decode()},
            (),
            ExitCode.USAGE,
            "refuses the certificate of this join file",
        ),
        (
            {"settings": {**settings, "nats_url": settings["nats_url"].replace(nats_port, "1")}},
            (),
            ExitCode.UNREACHABLE,
            "127.0.0.1:1 (NATS): cannot be reached",
        ),
        (
            {"settings": {**settings, "nats_url": "tls://a:bcdefgh@nowhere.invalid:1"}},
            (),
            ExitCode.UNREACHABLE,
            "the name is not known",
        ),
        ({"settings": {**settings, "search_url": f"https://{plain}"}}, (), ExitCode.UNREACHABLE, "no TLS there"),
        ({}, ("--status-port", up.profile.target.base_url.rpartition(":")[2]), ExitCode.USAGE, "cannot be used"),
    ]
    with ExitStack() as scope:
        tried = []
        for number, (changes, options, *_) in enumerate(cases):
            folder = tmp_path / str(number)
            folder.mkdir()
            file = folder / "join.json"
            file.write_text(json.dumps({**document(up, "service"), **changes}))
            tried.append(scope.enter_context(joined("service", file, folder, *options)))
        for one, (_, _, status, told) in zip(tried, cases, strict=True):
            assert one.process.wait(LIMIT_S) == status, one.told.read_text()
            said = one.told.read_text()
            assert told in said
            assert "hint: " in said
            assert "Traceback" not in said
            assert not [secret for secret in passwords_in(json.dumps(settings)) if secret in said]


def test_no_secret_is_in_the_arguments_the_environment_or_the_output(up: UpCommand, tmp_path: Path) -> None:
    """Other users see the first two; logs are copied."""
    file = join_file(up, "service")
    with joined("service", file, tmp_path) as service:
        service.says("has joined")
        shown = psutil.Process(service.process.pid)
        seen = " ".join([*shown.cmdline(), *shown.environ().values(), *shown.environ()])
        seen += service.log.read_text() + service.told.read_text() + up.output.read_text()
        assert not [secret for secret in passwords_in(file.read_text()) if secret in seen]
        assert "PRIVATE KEY" not in seen
        (kept,) = service.temporary.iterdir()
        assert stat.S_IMODE(kept.stat().st_mode) == 0o700
        assert service.leave() == 0
    assert not list(service.temporary.iterdir())


def test_a_gateway_keeps_its_place_and_hears_of_new_keys(up: UpCommand, tmp_path: Path) -> None:
    """When the balancer is started again, whose places are empty then, and when the issuer has another key."""
    with joined("gateway", join_file(up, "gateway"), tmp_path) as gateway, steady_load(up.profile) as load:
        gateway.says("has joined")
        until(lambda: len(gateway.requests()) > 5)
        shown = stack_status(up)
        assert re.search(rf"^gateway-\S+{gateway.process.pid} +127\.0\.0\.1:\d+ +joined ", shown, re.MULTILINE), shown
        key = Ed25519PrivateKey.generate()
        jwks_file = up.state / "keys" / "jwks.json"
        jwks = json.loads(jwks_file.read_text())
        jwks["keys"].append({**OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "key-2", "alg": "EdDSA"})
        jwks_file.write_text(json.dumps(jwks))
        accepted_by(up, gateway_log=gateway.log, key=key)
        assert load.failed == []
        for verb in ("kill", "start"):
            subprocess.run(
                [sys.executable, "-m", "createflow", "stack", verb, "haproxy", "--state", str(up.state)],
                check=True,
                capture_output=True,
                timeout=60,
            )
        before = len(gateway.requests())
        until(lambda: len(gateway.requests()) > before + 5)
        assert gateway.leave() == 0


def until(holds: Callable[[], bool]) -> None:
    """Wait."""
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline
        wait_a_little()


def accepted_by(up: UpCommand, *, gateway_log: Path, key: Ed25519PrivateKey) -> None:
    """Until the gateway that joined has answered a token of this key with 201."""
    auth, target = up.profile.auth, up.profile.target
    assert isinstance(auth, JwtAuth)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    now = int(time.time())
    claims = {"iss": auth.issuer, "aud": auth.audience, "sub": "rotated", "roles": ["writer"], "iat": now}
    headers = {"typ": "at+jwt", "kid": "key-2"}
    signed = jwt.encode({**claims, "exp": now + 300, "jti": "rotated"}, pem, algorithm="EdDSA", headers=headers)
    trust = ssl.create_default_context(cafile=target.ca_file)
    with httpx.Client(base_url=target.base_url, verify=trust, trust_env=False, timeout=10) as client:
        number = 0

        def is_accepted() -> bool:
            nonlocal number
            number += 1
            request_id = f"rotated-{number}"
            reply = client.post(
                target.path,
                json={"name": "rotated"},
                headers={"authorization": f"Bearer {signed}", "x-request-id": request_id},
            )
            return reply.status_code == 201 and f'"{request_id}"' in gateway_log.read_text()

        until(is_accepted)


def test_a_wrong_clock_is_told(up: UpCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests carry the time at which they are given up."""
    settings = settings_of(up, "gateway", tmp_path)
    real = time.time
    asyncio.run(look_ahead(settings, None))
    monkeypatch.setattr("createflow.reference_server.adapters.credential_check.time.time", lambda: real() + 5)
    with pytest.raises(UserError, match=r"is [45]\.\d s ahead of the stack's"):
        asyncio.run(look_ahead(settings, None))
