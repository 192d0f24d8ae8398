"""A gateway, a service and, on request, a worker in the test's own process, on NATS subjects of their own."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import httpx
import jwt
import nats
import psycopg
import redis.asyncio
import structlog
from cryptography.hazmat.primitives import serialization

from createflow.reference_server.gateway.build import build as build_gateway
from createflow.reference_server.process.log import Log
from createflow.reference_server.process.run import Process
from createflow.reference_server.process.settings import Settings
from createflow.reference_server.service.build import build as build_service
from createflow.reference_server.worker.build import build as build_worker
from createflow.scenarios.target.credentials.forged_tokens import Jws
from tests.reference_server.engine_set import EngineSet

WAIT_S = 15.0
T = TypeVar("T")


def quiet_log() -> Log:
    """Make a logger that writes nothing."""
    log: Log = structlog.wrap_logger(structlog.ReturnLogger(), processors=[])
    return log


async def until(check: Callable[[], Awaitable[T]], *, within_s: float = WAIT_S) -> T:
    """Repeat a check until its result is true; returns the last result when the time is over."""
    deadline = time.monotonic() + within_s
    while True:
        answer = await check()
        if answer or time.monotonic() > deadline:
            return answer
        await asyncio.sleep(0.02)


@dataclass(frozen=True, slots=True)
class InProcessServer:
    """What a test needs to send requests to one variant of the reference, and to read its stores."""

    settings: Settings
    engines: EngineSet
    http: httpx.AsyncClient

    def token(self, subject: str = "alice", *, roles: tuple[str, ...] = ("writer",), **claims: Any) -> str:
        """Return a token of the issuer."""
        now = int(time.time())
        whole = {
            "iss": self.settings.issuer,
            "aud": self.settings.audience,
            "sub": subject,
            "iat": now,
            "exp": now + 600,
            "roles": list(roles),
        } | claims
        return jwt.encode(whole, self.engines.private_key, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": "key-1"})

    def signed(self, header: dict[str, Any], **claims: Any) -> str:
        """Return a token of the issuer with other header fields and claims; None removes a claim."""
        jws = Jws.parse(self.token()).replace(header=header, claims=claims)
        jws = Jws(jws.header, {name: value for name, value in jws.claims.items() if value is not None})
        key = serialization.load_pem_private_key(self.engines.private_key.encode(), None)
        return jws.compact(jwt.get_algorithm_by_name("EdDSA").sign(jws.signing_input, key))

    def as_user(self, subject: str = "alice", *, roles: tuple[str, ...] = ("writer",)) -> dict[str, str]:
        """Return the headers of a request of this user."""
        return {"authorization": f"Bearer {self.token(subject, roles=roles)}"}

    async def create(self, body: Any = None, **headers: str) -> httpx.Response:
        """POST a resource as alice."""
        body = {"name": f"thing {uuid.uuid4()}", "description": "of use"} if body is None else body
        return await self.http.post("/api/resources", json=body, headers={**self.as_user(), **headers})

    async def get(self, location: str) -> httpx.Response:
        """GET as alice."""
        return await self.http.get(location, headers=self.as_user())

    async def put(self, location: str, body: Any, **headers: str) -> httpx.Response:
        """PUT as alice."""
        return await self.http.put(location, json=body, headers={**self.as_user(), **headers})

    async def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Read from the primary directly."""
        async with await psycopg.AsyncConnection.connect(self.settings.direct_dsn) as connection:
            return await (await connection.execute(sql, parameters)).fetchall()

    async def cached(self, resource_id: str) -> dict[str, Any] | None:
        """Return the cached body."""
        async with redis.asyncio.Redis.from_url(self.settings.valkey_url, protocol=2) as client:
            body = await client.hget(f"{self.settings.subject_prefix}:resource:{resource_id}", "body")
            return json.loads(body) if body else None

    async def events(self, resource_id: str, *, wanted: int = 1) -> list[dict[str, Any]]:
        """Return the events of a resource, once there are as many as wanted."""
        prefix = self.settings.subject_prefix
        client = await nats.connect(self.engines.nats_urls["probe"])
        try:
            stream = client.jetstream()
            subscription = await stream.subscribe(
                f"{prefix}.events.>", stream=f"{prefix.upper()}_EVENTS", ordered_consumer=True
            )
            found: list[dict[str, Any]] = []

            async def one_more() -> bool:
                try:
                    message = await subscription.next_msg(timeout=0.2)
                except TimeoutError:
                    return False
                event = json.loads(message.data)
                if event["subject"] == resource_id:
                    found.append(event)
                return len(found) >= wanted

            await until(one_more, within_s=3.0)
            await subscription.unsubscribe()
            return found
        finally:
            await client.close()

    async def indexed(self, resource_id: str) -> dict[str, Any] | None:
        """Return the indexed document."""
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"{self.settings.search_url}/{self.settings.search_index}/_doc/{resource_id}"
            reply = await client.get(url)
            document: dict[str, Any] = reply.json()
            return document.get("_source") if reply.status_code == 200 else None


@asynccontextmanager
async def open_server(
    engines: EngineSet,
    defect: str = "",
    *,
    worker: bool = False,
    service: bool = True,
    ready: bool = True,
    **changes: Any,
) -> AsyncIterator[InProcessServer]:
    """Start the processes, wait until each is ready (the gateway only with ``ready``), and yield the server."""
    prefix = f"t{uuid.uuid4().hex[:12]}"
    fields = {"subject_prefix": prefix, "search_index": prefix, "defects": (defect,) if defect else ()} | changes
    settings = replace(engines.settings, **fields)

    def as_kind(kind: str) -> Settings:
        return replace(settings, nats_url=engines.nats_urls[kind])

    async with AsyncExitStack() as scope:
        if service:
            await _enter(scope, build_service(as_kind("service"), quiet_log()))
        if worker:
            await _enter(scope, build_worker(as_kind("worker"), quiet_log()))
        gateway = build_gateway(as_kind("gateway"), quiet_log())
        if ready:
            await _enter(scope, gateway)
        else:
            await scope.enter_async_context(gateway.lifespan)
        http = await scope.enter_async_context(_client(gateway))
        yield InProcessServer(settings, engines, http)


async def _enter(scope: AsyncExitStack, process: Process) -> None:
    await scope.enter_async_context(process.lifespan)
    async with _client(process) as client:

        async def ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        assert await until(ready), (await client.get("/readyz")).text


def _client(process: Process) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=process.app)
    return httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=30)
