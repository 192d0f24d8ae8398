"""Ready is what takes writes now: real engines that answer, and refuse or keep back what is written."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg
import pytest
import redis.asyncio

from createflow.reference_server.adapters import engine_admin
from createflow.reference_server.gateway.build import build as build_gateway
from createflow.reference_server.process.run import Process
from createflow.reference_server.process.settings import Settings
from createflow.reference_server.worker.build import build as build_worker
from tests.reference_server.engine_set import EngineSet
from tests.reference_server.in_process_server import quiet_log, until

pytestmark = pytest.mark.anyio


async def status_of(engines: EngineSet, name: str) -> str:
    """What ``createflow stack status`` shows of one component."""
    asked = asyncio.run_coroutine_threadsafe(engines.supervisor.rows([name]), engines.loop)
    (row,) = await asyncio.wrap_future(asked)
    return row.status


async def is_told(engines: EngineSet, name: str, status: str) -> bool:
    """Whether the status comes to be this."""

    async def shown() -> bool:
        return await status_of(engines, name) == status

    return await until(shown)


@asynccontextmanager
async def missing_of(
    build: Callable[..., Process], engines: EngineSet, kind: str, **changes: Any
) -> AsyncIterator[Callable[[], Awaitable[set[str]]]]:
    """A process, and what its /readyz says that it misses."""
    settings = Settings(**{**_fields(engines.settings), "nats_url": engines.nats_urls[kind], **changes})
    process = build(settings, quiet_log())
    transport = httpx.ASGITransport(app=process.app)
    async with process.lifespan, httpx.AsyncClient(transport=transport, base_url="http://process") as client:

        async def missing() -> set[str]:
            return set((await client.get("/readyz")).json()["missing"])

        yield missing


def _fields(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in Settings.__dataclass_fields__}


async def test_an_index_that_is_read_only_is_not_ready(engines: EngineSet) -> None:
    """Its root page is as always. The worker says so too, before any event comes."""
    index = engines.settings.search_index
    async with (
        httpx.AsyncClient(base_url=engines.settings.search_url) as search,
        missing_of(build_worker, engines, "worker", subject_prefix="treadiness") as missing,
    ):

        async def block(*, blocked: bool) -> None:
            reply = await search.put(f"/{index}/_settings", json={"index.blocks.write": blocked})
            assert reply.is_success, reply.text

        async def is_missed() -> bool:
            return "search" in await missing()

        async def is_there() -> bool:
            return "search" not in await missing()

        assert await until(is_there), await missing()
        await block(blocked=True)
        try:
            assert (await search.get("/")).is_success
            assert await is_told(engines, "search", "not ready")
            assert await until(is_missed)
        finally:
            await block(blocked=False)
        assert await is_told(engines, "search", "ready")
        assert await until(is_there)
        assert (await search.get(f"/{index}/_doc/createflow-ready")).status_code == 404


@pytest.mark.parametrize(
    ("break_it", "heal_it"),
    [
        (
            ("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction"),
            ("CONFIG", "SET", "maxmemory", "256mb", "maxmemory-policy", "volatile-ttl"),
        ),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    ],
    ids=["no memory", "a replica"],
)
async def test_a_cache_that_refuses_writes_is_not_ready(
    engines: EngineSet, break_it: tuple[str, ...], heal_it: tuple[str, ...]
) -> None:
    """It answers PING all the same. A gateway that counts its limits in it is not ready either."""
    valkey = redis.asyncio.Redis.from_url(engines.settings.valkey_url, protocol=2)
    async with valkey, missing_of(build_gateway, engines, "gateway") as missing:

        async def is_there() -> bool:
            return "valkey" not in await missing()

        assert await until(is_there), await missing()
        await valkey.execute_command(*break_it)  # type: ignore[no-untyped-call]  # the library's
        try:
            assert await valkey.ping()
            assert await is_told(engines, "valkey", "not ready")
            assert "valkey" in await missing()
        finally:
            await valkey.execute_command(*heal_it)  # type: ignore[no-untyped-call]  # as above
        assert await is_told(engines, "valkey", "ready")
        assert await until(is_there)


async def test_a_replica_that_receives_and_does_not_replay_is_not_ready(engines: EngineSet) -> None:
    """It streams, and shows old rows."""
    replica_dsn = engines.replica_admin_dsn
    async with await psycopg.AsyncConnection.connect(replica_dsn, autocommit=True) as replica:
        assert await is_told(engines, "postgres-replica-1", "ready")
        await replica.execute("select pg_wal_replay_pause()")
        try:
            streams = await replica.execute("select status from pg_stat_wal_receiver")
            assert await streams.fetchone() == ("streaming",)
            assert await is_told(engines, "postgres-replica-1", "not ready")
        finally:
            await replica.execute("select pg_wal_replay_resume()")
        assert await is_told(engines, "postgres-replica-1", "ready")


async def test_a_primary_that_is_read_only_is_not_ready(engines: EngineSet) -> None:
    """It answers each question."""
    try:
        await engine_admin.run_script(engines.admin_dsn, "alter system set default_transaction_read_only = on")
        await engine_admin.run_script(engines.admin_dsn, "select pg_reload_conf()")
        assert await is_told(engines, "postgres-primary", "not ready")
    finally:
        await engine_admin.run_script(engines.admin_dsn, "alter system reset default_transaction_read_only")
        await engine_admin.run_script(engines.admin_dsn, "select pg_reload_conf()")
    assert await is_told(engines, "postgres-primary", "ready")
