"""The composition root of a service: adapters meet ports here."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from createflow.reference_server.adapters import nats_bus
from createflow.reference_server.adapters.nats_subscriber import NatsSubscriber
from createflow.reference_server.adapters.postgres_pool import Pool
from createflow.reference_server.adapters.postgres_repository import PostgresReadStore, PostgresRepository
from createflow.reference_server.adapters.search_index import SearchIndex
from createflow.reference_server.adapters.valkey import ValkeyCache, ValkeyClient
from createflow.reference_server.domain.cache_writer import CacheWriter
from createflow.reference_server.domain.job import Stage
from createflow.reference_server.domain.ports import UnavailableError
from createflow.reference_server.domain.read_your_writes import WATERMARKS_MAX, Reader, VersionWatermarks
from createflow.reference_server.pipeline import SERVICE_ORDER, Pipeline
from createflow.reference_server.process.background import Background
from createflow.reference_server.process.health import ReadinessChecks, check_flag, make_operations_app
from createflow.reference_server.process.http_server import DrainState
from createflow.reference_server.process.log import Log
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.process.run import RETRY_S, Process
from createflow.reference_server.process.settings import Settings
from createflow.reference_server.service.admission import Admission
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
_FILL_S = 5.0
"""How long an instance waits for all its connections before it takes requests with fewer."""
_FAILURE_COUNTS_S = 5.0
"""A commit that failed tells of the next one for this long, unless one succeeds. A disk without room may still take the
small commit that readiness tries."""


def build(settings: Settings, log: Log) -> Process:
    """Build an instance of the business service; it joins the queue group as soon as the primary answers."""
    metrics, drain, watermarks, seed = Metrics(), DrainState(), VersionWatermarks(), settings.seed()
    primary = Pool(
        settings.primary_dsn,
        size=settings.pool_size,
        wait_s=settings.pool_wait_s,
        prepared=settings.prepared_statements,
    )
    replicas = [
        Pool(dsn, size=_REPLICA_POOL_SIZE, wait_s=_REPLICA_WAIT_S, prepared=True) for dsn in settings.replica_dsns
    ]
    valkey = ValkeyClient(settings.valkey_url)
    cache = ValkeyCache(valkey, prefix=settings.subject_prefix, ttl_s=settings.cache_ttl_s)
    writer = CacheWriter(cache)
    metrics.cache_pending.set_function(lambda: writer.pending)
    repository = PostgresRepository(primary, settings.pool_wait_s)
    subscriber = NatsSubscriber(settings.subject_prefix, watermarks)
    healthy: tuple[Stage, ...] = (
        BusinessLogic(repository, settings.private, settings.conditional_updates),
        Transaction(settings.subject_prefix),
        PublishEvent(),
        AuditLog(),
        ConnectionPool(repository),
        WritePrimary(repository),
        Replicate(watermarks, subscriber.announce),
        InvalidateCache(writer),
    )
    pipeline = Pipeline(seed.change_stages(healthy), SERVICE_ORDER, metrics.step_observer)
    reader = seed.change_reader(
        Reader(watermarks, cache, [PostgresReadStore(pool) for pool in replicas], PostgresReadStore(primary))
    )
    index = SearchIndex(settings.search_url, settings.search_index, settings.trust())
    admission = Admission(settings.capacity_per_s)
    service = Service(
        pipeline, reader, index, subscriber.wake_relay, log, private=settings.private, admission=admission
    )
    checks = ReadinessChecks(
        {
            "nats": subscriber.answers,
            "primary": primary.commits,
            "commits": check_flag(lambda: not repository.writes.has_failed_within(_FAILURE_COUNTS_S)),
        }
    )

    async def changed_before() -> list[tuple[str, int]]:
        while True:
            with contextlib.suppress(UnavailableError):
                return await repository.changed_lately(settings.subject_prefix, WATERMARKS_MAX)
            await asyncio.sleep(RETRY_S)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with AsyncExitStack() as scope:
            for pool in (primary, *replicas):
                await pool.open()
                scope.push_async_callback(pool.close)
            scope.push_async_callback(valkey.close)
            scope.push_async_callback(index.close)

            async def join() -> None:
                client = await nats_bus.connect(
                    settings.nats_url, settings.instance, kind="service", trust=settings.trust()
                )
                scope.push_async_callback(client.close)
                await subscriber.hear(client)
                # After that: what is committed meanwhile is heard, or is in the answer.
                reader.recall(await changed_before())
                if settings.authority_file:
                    # A handshake takes longer over a network, and the first requests are as many as the later ones.
                    await primary.fill(_FILL_S)
                await subscriber.join(client, service.accept)

            background = Background(scope, drain, log)
            background.start("cache_writer", writer.run())
            background.start("join", join(), ends=True)
            background.start("connections", primary.keep_connected())
            yield
            await subscriber.leave()
            await service.finish()
            await subscriber.finish()

    return Process(make_operations_app(drain, checks, metrics), lifespan(), drain, checks)
