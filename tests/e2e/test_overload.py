"""The reference past its limit: it goes on, refuses the rest, and is as before when the overload has ended.

How much and how fast is measured by ``benchmarks/overload.py``; here is what holds on any machine.
"""

import ssl
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import psycopg
import pytest

from benchmarks.slow_clients.tokens import token_of
from tests.up_stack import UpCommand, start_up_command, stop_up_command, wait_a_little

pytestmark = [pytest.mark.stack, pytest.mark.thorough, pytest.mark.xdist_group("overload")]

CLIENTS = 64
REQUESTS = 16
"""Of each client: together more than ten seconds of what the services can do, were they not refused."""
WAIT_S = 60.0


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpCommand]:
    """A stack that can do 40 requests a second, whatever the machine can."""
    options = ("--gateways", "2", "--services", "2", "--service-capacity", "20", "--replicas", "0")
    up = start_up_command(tmp_path_factory.mktemp("overload"), *options)
    yield up
    assert stop_up_command(up) == 0


def client_of(up: UpCommand, number: int) -> httpx.Client:
    """A client with its own subject, so that no rate limit is met, and its own connection."""
    trust = ssl.create_default_context(cafile=up.profile.target.ca_file)
    headers = {"authorization": f"Bearer {token_of(up.state, f'overload-{number}')}"}
    return httpx.Client(
        base_url=up.profile.target.base_url, verify=trust, headers=headers, timeout=WAIT_S, trust_env=False
    )


def create_many(name: str, up: UpCommand, number: int) -> list[httpx.Response]:
    """Each as soon as the one before it was answered: nobody heeds Retry-After."""
    with client_of(up, number) as client:
        return [client.post("/api/resources", json={"name": name}) for _ in range(REQUESTS)]


def rows_of(up: UpCommand, name: str) -> set[str]:
    """The ids of the resources of this name in the table."""
    primary = up.profile.sinks.primary
    assert primary is not None
    with psycopg.connect(primary.dsn.get_secret_value()) as connection:
        rows = connection.execute("SELECT id::text FROM resources WHERE name = %s", [name]).fetchall()
    return {row[0] for row in rows}


def test_overload_is_refused_leaves_nothing_and_passes(up: UpCommand) -> None:
    """Every reply is a 201 or a 503 with Retry-After; the rows are those of the 201; one client alone is served."""
    name = f"overload {uuid.uuid4()}"
    with ThreadPoolExecutor(CLIENTS) as clients:
        replies = [
            reply for several in clients.map(partial(create_many, name, up), range(CLIENTS)) for reply in several
        ]
    made = [reply for reply in replies if reply.status_code == 201]
    refused = [reply for reply in replies if reply.status_code != 201]
    assert made
    assert {reply.status_code for reply in refused} == {503}
    assert {reply.headers["retry-after"] for reply in refused} == {"1"}
    assert {reply.headers["content-type"] for reply in refused} == {"application/problem+json"}
    assert {reply.json()["code"] for reply in refused} == {"service_unavailable"}
    assert rows_of(up, name) == {reply.headers["location"].rpartition("/")[2] for reply in made}
    assert_is_as_before(up)


def assert_is_as_before(up: UpCommand) -> None:
    """A client that sends one request after the other gets none refused, once the limit is what it was."""
    deadline = time.monotonic() + WAIT_S
    with client_of(up, 0) as client:
        in_a_row = 0
        while in_a_row < 10:
            assert time.monotonic() < deadline, "refusals did not end with the overload"
            in_a_row = in_a_row + 1 if client.post("/api/resources", json={"name": "after"}).status_code == 201 else 0
            wait_a_little()
