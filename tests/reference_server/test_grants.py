"""What each process may do in the engines: a process that is taken over can do no more than its own work."""

import asyncio
import time
from typing import LiteralString

import nats
import psycopg
import pytest
from nats.aio.client import Client

from createflow.reference_server.adapters.nats_bus import inbox_prefix
from createflow.reference_server.adapters.nats_codec import encode_batch, encode_request
from createflow.reference_server.domain.access import PERMISSIONS, Principal
from createflow.reference_server.domain.job import Job
from tests.reference_server.engine_set import EngineSet
from tests.reference_server.in_process_server import InProcessServer

pytestmark = pytest.mark.anyio

WAIT_S = 10.0
REWRITE_BY_CONFLICT: LiteralString = """
INSERT INTO audit_log (actor, action, resource_id, outcome, request_id)
SELECT actor, action, resource_id, outcome, request_id FROM audit_log ON CONFLICT (id) DO UPDATE SET actor = 'nobody'
"""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "DROP TABLE audit_log",
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
        "SELECT * FROM audit_log FOR UPDATE",
        "MERGE INTO audit_log USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
        REWRITE_BY_CONFLICT,
        "DELETE FROM resources",
        "UPDATE outbox SET actor = 'nobody'",
        "DELETE FROM outbox_checkpoint",
        "UPDATE idempotency_keys SET document = '{}'",
        "CREATE TABLE mine (id int)",
        "SET ROLE postgres",
    ],
)
async def test_the_service_cannot_rewrite_what_was_written(server: InProcessServer, statement: LiteralString) -> None:
    """The audit log is append-only for the role of the service; in the other tables it may do what its work needs."""
    made = (await server.create()).json()
    before = await server.rows("SELECT * FROM audit_log WHERE resource_id = %(id)s", id=made["id"])
    async with await psycopg.AsyncConnection.connect(server.settings.direct_dsn) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(statement)
    after = await server.rows("SELECT * FROM audit_log WHERE resource_id = %(id)s", id=made["id"])
    assert len(before) == 1
    assert before == after


class Connection:
    """A NATS connection that records what the server refused."""

    def __init__(self) -> None:
        self.refused = asyncio.Event()
        self.errors: list[str] = []

    async def note(self, error: Exception) -> None:
        """Take an error of the connection."""
        self.errors.append(str(error).lower())
        self.refused.set()

    async def open(self, url: str) -> Client:
        """Connect."""
        return await nats.connect(url, error_cb=self.note, inbox_prefix="_OTHER", allow_reconnect=False)


def forged_create(name: str) -> bytes:
    """A create of an administrator, as a gateway would send it."""
    job = Job(request_id="forged-request", op="create", principal=Principal("mallory", PERMISSIONS["admin"]))
    job.body = {"name": name, "description": "", "metadata": {}}
    job.deadline_s = time.time() + 30
    return encode_batch([(0, encode_request(job))])


async def test_a_request_of_the_gateways_user_is_carried_out(engines: EngineSet, server: InProcessServer) -> None:
    """The control of the tests below: the forged message is one that a service would believe."""
    client = await nats.connect(engines.nats_urls["gateway"], inbox_prefix=inbox_prefix("gateway"))
    try:
        subject = f"{server.settings.subject_prefix}.resources.requests"
        await client.request(subject, forged_create("by the gateway"), timeout=WAIT_S)
    finally:
        await client.close()
    assert await server.rows("SELECT created_by FROM resources WHERE name = 'by the gateway'")


@pytest.mark.parametrize("user", ["service", "worker", "probe"])
async def test_only_a_gateways_user_can_send_requests(engines: EngineSet, server: InProcessServer, user: str) -> None:
    """A service believes the permissions in a request, so nobody else may send one."""
    connection = Connection()
    client = await connection.open(engines.nats_urls[user])
    subject = f"{server.settings.subject_prefix}.resources.requests"
    await client.publish(subject, forged_create(f"by the {user}"))
    await asyncio.wait_for(connection.refused.wait(), WAIT_S)
    await client.close()
    assert "permissions violation for publish" in connection.errors[0]
    assert (await server.create()).status_code == 201
    assert not await server.rows("SELECT 1 FROM resources WHERE name = %(name)s", name=f"by the {user}")


async def test_a_consumer_of_the_events_cannot_deliver_requests(engines: EngineSet, server: InProcessServer) -> None:
    """JetStream would publish for its user: requests are in another account, where the stream does not reach."""
    subject = f"{server.settings.subject_prefix}.resources.requests"
    client = await nats.connect(engines.nats_urls["operator"])
    try:
        stream = client.jetstream()
        name = f"forge{time.monotonic_ns()}"
        await stream.add_stream(name=name, subjects=[name])
        await stream.publish(name, forged_create("by a consumer"))
        received = asyncio.Event()

        async def take(_message: object) -> None:
            received.set()

        await client.subscribe(subject, cb=take)
        await stream.add_consumer(name, deliver_subject=subject, durable_name="forger")
        await asyncio.wait_for(received.wait(), WAIT_S)  # it was delivered, within its own account
        await stream.delete_stream(name)
    finally:
        await client.close()
    assert (await server.create()).status_code == 201
    assert not await server.rows("SELECT 1 FROM resources WHERE name = 'by a consumer'")


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("gateway", "*.resources.requests"),
        ("gateway", "_INBOX.>"),
        ("service", "_GATEWAY.>"),
        ("service", "t.resources.requests"),
        ("worker", "_INBOX.>"),
        ("worker", "t.events.created"),
        ("probe", "_WORKER.>"),
        ("probe", "t.resources.requests"),
        ("probe", ">"),
    ],
)
async def test_nobody_listens_to_what_is_for_others(engines: EngineSet, user: str, subject: str) -> None:
    """Replies hold the resources of others; a service may take requests only as a member of the queue group."""
    connection = Connection()
    client = await connection.open(engines.nats_urls[user])
    await client.subscribe(subject)
    await asyncio.wait_for(connection.refused.wait(), WAIT_S)
    await client.close()
    assert "permissions violation for subscription" in connection.errors[0]


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("gateway", "t.watermarks"),
        ("gateway", "t.events.created"),
        ("gateway", "_GATEWAY.x"),
        ("service", "t.events.created"),
        ("worker", "$JS.API.STREAM.DELETE.T_EVENTS"),
        ("worker", "$JS.API.STREAM.PURGE.T_EVENTS"),
        ("worker", "t.watermarks"),
        ("probe", "t.events.created"),
        ("probe", "$JS.API.STREAM.DELETE.T_EVENTS"),
    ],
)
async def test_nobody_says_what_is_for_others_to_say(engines: EngineSet, user: str, subject: str) -> None:
    """For example a false reply, a false event, or the end of the stream."""
    connection = Connection()
    client = await connection.open(engines.nats_urls[user])
    await client.publish(subject, b"{}")
    await asyncio.wait_for(connection.refused.wait(), WAIT_S)
    await client.close()
    assert "permissions violation for publish" in connection.errors[0]
