"""An instance of the business service, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from createflow.reference_server.adapters import nats_bus
from createflow.reference_server.adapters.nats_subscriber import NatsService
from createflow.reference_server.adapters.postgres_pool import Pool
from createflow.reference_server.adapters.postgres_rows import PostgresCopies, PostgresRows
from createflow.reference_server.adapters.search_index import SearchIndex
from createflow.reference_server.adapters.valkey import Valkey
from createflow.reference_server.adapters.valkey_cache import ValkeyCache
from createflow.reference_server.domain.cache_writer import CacheWriter
from createflow.reference_server.domain.job import Stage
from createflow.reference_server.domain.reads import Reader
from createflow.reference_server.domain.version_watermarks import Floors
from createflow.reference_server.pipeline import BUSINESS
from createflow.reference_server.process.background import JOIN_POLL_S, in_background
from createflow.reference_server.process.health import Gates, make_ops
from createflow.reference_server.process.http_server import Readiness
from createflow.reference_server.process.log import Log, quiet_log
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.process.readiness import now
from createflow.reference_server.process.run import Process
from createflow.reference_server.process.settings import Settings
from createflow.reference_server.process.stages import pipeline_of
from createflow.reference_server.service.app import Service
from createflow.reference_server.stages.business.audit_log import AuditLog
from createflow.reference_server.stages.business.business_logic import BusinessLogic
from createflow.reference_server.stages.business.publish_event import PublishEvent
from createflow.reference_server.stages.business.transaction import Transaction
from createflow.reference_server.stages.data.connection_pool import ConnectionPool
from createflow.reference_server.stages.data.invalidate_cache import InvalidateCache
from createflow.reference_server.stages.data.replicate import Replicate
from createflow.reference_server.stages.data.write_primary import WritePrimary

_REPLICA_POOL_SIZE = 2
_REPLICA_WAIT_S = 0.1


def build(settings: Settings, log: Log | None = None) -> Process:
    """An instance of the business service; it joins the others as soon as it can do the work."""
    log = log or quiet_log()
    metrics, readiness, floors = Metrics(), Readiness(), Floors()
    primary = Pool(
        settings.primary_dsn,
        size=settings.pool_size,
        wait_s=settings.pool_wait_s,
        prepared=settings.prepared_statements,
    )
    replicas = [
        Pool(dsn, size=_REPLICA_POOL_SIZE, wait_s=_REPLICA_WAIT_S, prepared=True) for dsn in settings.replica_dsns
    ]
    valkey = Valkey(settings.valkey_url)
    cache = ValkeyCache(valkey, prefix=settings.subject_prefix, ttl_s=settings.cache_ttl_s)
    writer = CacheWriter(cache)
    metrics.cache_pending.set_function(lambda: writer.pending)
    rows = PostgresRows(primary, settings.pool_wait_s)
    group = NatsService(settings.subject_prefix, floors)
    healthy: tuple[Stage, ...] = (
        BusinessLogic(rows),
        Transaction(settings.subject_prefix),
        PublishEvent(),
        AuditLog(),
        ConnectionPool(rows),
        WritePrimary(rows),
        Replicate(floors, group.announce),
        InvalidateCache(writer),
    )
    seed = settings.seed()
    stages = seed.change_stages(healthy)
    reader = seed.change_reader(
        Reader(floors, cache, [PostgresCopies(pool) for pool in replicas], PostgresCopies(primary))
    )
    index = SearchIndex(settings.search_url, settings.search_index, settings.search_credentials)
    service = Service(pipeline_of(stages, BUSINESS, metrics), reader, index, group.nudge, log)
    gates = Gates({"nats": now(lambda: group.joined), "primary": primary.answers}, latched=False)

    @asynccontextmanager
    async def life() -> AsyncIterator[None]:
        async with AsyncExitStack() as scope:
            for pool in (primary, *replicas):
                await pool.open()
                scope.push_async_callback(pool.close)
            scope.push_async_callback(valkey.close)
            scope.push_async_callback(index.close)

            async def join() -> None:
                client = await nats_bus.connect(settings.nats_url, settings.instance)
                scope.push_async_callback(client.close)
                while not await primary.answers():
                    await asyncio.sleep(JOIN_POLL_S)
                await group.join(client, service.accept)

            await in_background(scope, writer.run())
            await in_background(scope, join())
            yield
            await group.leave()
            await service.finish()
            await group.finish()

    return Process(make_ops(readiness, gates, metrics), life(), readiness)
