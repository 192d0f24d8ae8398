"""The stack in another shape than the default: two gateways, two services, one replica, no PgBouncer."""

import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from createflow.schemas.profile_auth import JwtAuth
from tests.up_stack import UpCommand, start_up_command, stop_up_command, wait_a_little

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("scaled")]

RECOVERY_LIMIT_S = 20.0
NOT_OFFERED = {
    "business_logic.unconditional_update_is_428",
    "business_logic.one_of_many_creates_of_a_name_wins",
    "business_logic.update_to_a_taken_name_is_refused",
    "business_logic.deleted_name_is_free",
    "business_logic.renamed_name_is_free",
    "auth_check.others_resource_is_as_missing",
}
"""Checks of what the reference does not promise: updates only with a condition, unique names, private resources."""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpCommand]:
    """The scaled stack."""
    directory = tmp_path_factory.mktemp("scaled")
    up = start_up_command(
        directory, "--gateways", "2", "--services", "2", "--workers", "2", "--replicas", "1", "--no-pgbouncer"
    )
    yield up
    assert stop_up_command(up) == 0


@pytest.fixture
def client(up: UpCommand) -> Iterator[httpx.Client]:
    """A client that trusts the stack's authority."""
    target = up.profile.target
    assert target.ca_file is not None
    trust = ssl.create_default_context(cafile=target.ca_file)
    with httpx.Client(base_url=target.base_url, verify=trust, trust_env=False, timeout=10) as client:
        yield client


def token(up: UpCommand, *, subject: str, key: str | None = None, key_id: str | None = None) -> dict[str, str]:
    """An Authorization header of a writer."""
    auth = up.profile.auth
    assert isinstance(auth, JwtAuth)
    now = int(time.time())
    claims = {"iss": auth.issuer, "aud": auth.audience, "sub": subject, "roles": ["writer"], "iat": now}
    signed = jwt.encode(
        {**claims, "exp": now + 300, "jti": f"{subject}{now}"},
        key or Path(auth.key_file).read_text(),
        algorithm="EdDSA",
        headers={"typ": "at+jwt", "kid": key_id or auth.key_id},
    )
    return {"authorization": f"Bearer {signed}"}


def create(client: httpx.Client, headers: dict[str, str], name: str = "scaled") -> httpx.Response:
    """One create."""
    return client.post("/api/resources", json={"name": name}, headers=headers)


def created(client: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    """A create, sent again while it is refused for the moment: the test before may have stopped something."""
    deadline = time.monotonic() + 10.0
    while (reply := create(client, headers)).status_code == 503 and time.monotonic() < deadline:
        wait_a_little()
    assert reply.status_code == 201, reply.text
    return reply


def test_every_check_holds_without_pgbouncer_and_with_two_of_each(up: UpCommand, tmp_path: Path) -> None:
    """The default shape is checked by everything else; this is the other way through the code."""
    report = tmp_path / "report.json"
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "createflow", "run", "--profile", str(up.profile_file)),
            *("--report", f"json={report}"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    results = json.loads(report.read_text())["results"]
    outcomes = {result["id"]: result["outcome"] for result in results}
    required = {result["id"] for result in results if result["level"] == "must"} - NOT_OFFERED
    assert {outcomes[name] for name in required} == {"passed"}
    assert {name for name, outcome in outcomes.items() if outcome == "skipped"} == NOT_OFFERED
    assert {name for name, outcome in outcomes.items() if outcome not in {"passed", "inconclusive", "skipped"}} == set()
    assert len(outcomes) >= 25


def test_an_own_write_is_read_whichever_instance_answers(up: UpCommand, client: httpx.Client) -> None:
    """Two services have two memories of what was written; a reader must not see which one it got."""
    headers = token(up, subject="own-write")
    location = create(client, headers).headers["location"]
    for number in range(40):
        body = {"name": f"round {number}"}
        assert client.put(location, json=body, headers=headers).status_code == 200
        for _ in range(2):
            assert client.get(location, headers=headers).json()["name"] == f"round {number}"


@pytest.mark.parametrize("kind", ["service", "gateway", "worker"])
def test_instances_leave_and_join_under_load_without_one_failed_request(
    up: UpCommand, client: httpx.Client, kind: str
) -> None:
    """What leaves finishes what it does; what joins is asked when it can answer."""
    headers = [token(up, subject=f"scaled-{kind}-{number}") for number in range(16)]
    statuses: list[int] = []
    is_over = threading.Event()

    def send(own: dict[str, str]) -> None:
        while not is_over.wait(0.04):  # within the rate of a subject
            statuses.append(create(client, own).status_code)

    with ThreadPoolExecutor(len(headers)) as senders:
        tasks = [senders.submit(send, own) for own in headers]
        for count in (1, 2):
            before = len(statuses)
            stack("scale", f"{kind}={count}", up)
            deadline = time.monotonic() + RECOVERY_LIMIT_S
            while len(statuses) < before + 50:
                assert time.monotonic() < deadline
                wait_a_little()
        is_over.set()
        for task in tasks:
            task.result()
    assert set(statuses) == {201}


def test_a_new_key_of_the_issuer_is_trusted_without_a_restart_and_the_old_one_still_is(
    up: UpCommand, client: httpx.Client
) -> None:
    """Key rotation: the set gains a key, tokens signed with it are accepted as soon as gateways have read it."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    fresh = token(up, subject="rotated", key=pem, key_id="key-2")
    assert create(client, fresh).status_code == 401
    jwks_file = up.state / "keys" / "jwks.json"
    jwks = json.loads(jwks_file.read_text())
    jwks["keys"].append({**OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "key-2", "alg": "EdDSA"})
    jwks_file.write_text(json.dumps(jwks))
    deadline = time.monotonic() + RECOVERY_LIMIT_S
    accepted = 0
    while accepted < 4:  # both gateways, more than once
        assert time.monotonic() < deadline, "the new key was never trusted"
        accepted = accepted + 1 if create(client, fresh).status_code == 201 else 0
        wait_a_little()
    assert create(client, token(up, subject="rotated")).status_code == 201


def test_guessing_tokens_is_limited_and_does_not_lock_out_who_has_one(up: UpCommand, client: httpx.Client) -> None:
    """Failed authentications are charged to the address; a valid token is not."""
    deadline = time.monotonic() + RECOVERY_LIMIT_S
    statuses: set[int] = set()
    with ThreadPoolExecutor(8) as guessers:  # one after the other might not be fast enough for any limit
        while 429 not in statuses:
            guesses = [{"authorization": f"Bearer a.b.{number}"} for number in range(200)]
            statuses |= {reply.status_code for reply in guessers.map(partial(create, client), guesses)}
            assert statuses <= {401, 429}
            assert time.monotonic() < deadline, "guessing is never limited"
    assert create(client, token(up, subject="innocent")).status_code == 201


def test_a_primary_that_was_killed_comes_back_with_every_acknowledged_write(
    up: UpCommand, client: httpx.Client
) -> None:
    """SIGKILL in the middle of writes: each 201 is durable, and the service recovers by itself."""
    headers = token(up, subject="crash")
    acknowledged = [create(client, headers, f"before {number}").headers["location"] for number in range(20)]
    stack("kill", "postgres-primary", up)
    assert create(client, headers, "while it is down").status_code in {500, 503, 504}
    stack("start", "postgres-primary", up)
    deadline = time.monotonic() + RECOVERY_LIMIT_S
    while create(client, headers, "after").status_code != 201:
        assert time.monotonic() < deadline, "no 201 after the primary was back"
        wait_a_little()
    for location in acknowledged:
        assert client.get(location, headers=headers).status_code == 200


def test_a_delete_stays_one_although_the_service_died_before_it_told_the_cache(
    up: UpCommand, client: httpx.Client
) -> None:
    """The memory that the cache is behind dies with the service; the event of the write does not."""
    headers = token(up, subject="deleter")
    locations = [created(client, headers).headers["location"] for _ in range(3)]
    for location in locations:
        assert client.get(location, headers=headers).status_code == 200  # cached now
    stack("pause", "valkey", up)
    deleted = [location for location in locations if client.delete(location, headers=headers).status_code == 204]
    stack("kill", "service", up)
    stack("resume", "valkey", up)
    stack("start", "service", up)
    assert deleted, "no delete was acknowledged while the cache hung"
    deadline = time.monotonic() + 5.0  # the cached copies themselves would live for a minute
    while {client.get(location, headers=headers).status_code for location in deleted} != {404}:
        assert time.monotonic() < deadline, "a deleted resource is still shown"
        wait_a_little()


def test_repeating_an_old_create_does_not_bring_back_what_was_deleted_since(
    up: UpCommand, client: httpx.Client
) -> None:
    """The answer is given again, the resource is not."""
    headers = token(up, subject="repeater")
    keyed = {**headers, "idempotency-key": "once"}
    first = created(client, keyed)
    location = first.headers["location"]
    assert client.delete(location, headers=headers).status_code == 204
    for component in ("valkey", "service"):  # all memory of the delete but the database's
        stack("kill", component, up)
        stack("start", component, up)
    again = create(client, keyed)
    assert (again.status_code, again.json()) == (201, first.json())
    assert client.get(location, headers=headers).status_code == 404


def test_an_index_that_was_lost_is_made_again_from_the_events(up: UpCommand, client: httpx.Client) -> None:
    """The bundled engine keeps nothing on disk; any engine may lose an index."""
    headers = token(up, subject="searcher")
    assert create(client, headers, "needle-before").status_code == 201
    wait_until_found(client, headers, "needle-before")
    stack("kill", "search", up)
    stack("start", "search", up)
    wait_until_found(client, headers, "needle-before")


def wait_until_found(client: httpx.Client, headers: dict[str, str], name: str) -> None:
    """Until the search shows a resource of this name."""
    deadline = time.monotonic() + RECOVERY_LIMIT_S
    while True:
        reply = client.get("/api/resources", params={"q": name}, headers=headers)
        if reply.status_code == 200 and name in [item["name"] for item in reply.json()["items"]]:
            return
        assert time.monotonic() < deadline, reply.text
        wait_a_little()


def stack(verb: str, component: str, up: UpCommand) -> None:
    """``createflow stack``."""
    subprocess.run(
        [sys.executable, "-m", "createflow", "stack", verb, component, "--state", str(up.state)],
        check=True,
        capture_output=True,
        timeout=180,
    )
