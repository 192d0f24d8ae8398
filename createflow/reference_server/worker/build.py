"""The composition root of the worker: adapters meet ports here."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from createflow.reference_server.adapters import nats_bus
from createflow.reference_server.adapters.nats_codec import encode_event
from createflow.reference_server.adapters.nats_stream import NatsStream
from createflow.reference_server.adapters.postgres_outbox import PostgresOutbox
from createflow.reference_server.adapters.postgres_retention import PostgresRetention
from createflow.reference_server.adapters.search_index import SearchIndex
from createflow.reference_server.adapters.valkey import ValkeyCache, ValkeyClient
from createflow.reference_server.process.background import Background
from createflow.reference_server.process.health import ReadinessChecks, check_flag, make_operations_app
from createflow.reference_server.process.http_server import DrainState
from createflow.reference_server.process.log import Log
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.process.run import Process, retry_until_available
from createflow.reference_server.process.settings import Settings
from createflow.reference_server.stages.data.index_update import IndexUpdate
from createflow.reference_server.worker.cache_repair import CacheRepair
from createflow.reference_server.worker.indexer import Indexer
from createflow.reference_server.worker.outbox_relay import OutboxRelay
from createflow.reference_server.worker.retention import Retention

STREAM_KEEP_FACTOR = 7
"""An event stays in the stream seven times as long as in the outbox: a week, of the usual day."""


LEAVE_S = 5.0
"""How long a worker may take for what it has begun: less than the stack, or a terminal, waits for its end."""


def build(settings: Settings, log: Log) -> Process:
    """Build a worker: outbox relay, indexer, cache repair and retention. It waits for its engines by itself.

    There may be several. One relay leads; events are divided between the indexers and cache repairs.
    """
    metrics, drain, seed = Metrics(), DrainState(), settings.seed()
    outbox = seed.change_outbox(PostgresOutbox(settings.direct_dsn, settings.subject_prefix))
    stream = NatsStream(
        settings.subject_prefix, seed.change_event_encoder(encode_event), keep_s=settings.keep_s * STREAM_KEEP_FACTOR
    )
    index = SearchIndex(settings.search_url, settings.search_index, settings.trust())
    update = seed.change_index_update(IndexUpdate(index))
    relay = OutboxRelay(outbox, seed.change_event_stream(stream), metrics, log, keeper=stream)
    indexer = Indexer(stream.consumer("indexer", "created", "updated", "deleted"), index, update, metrics, log)
    kept = PostgresRetention(settings.direct_dsn, settings.subject_prefix)
    retention = Retention(kept, settings.keep_s, metrics, log)
    valkey = ValkeyClient(settings.valkey_url)
    cache = ValkeyCache(valkey, prefix=settings.subject_prefix, ttl_s=settings.cache_ttl_s)
    repair = CacheRepair(seed.change_cache_events(stream.consumer("cache", "updated", "deleted")), cache, log)

    async def search_takes_writes() -> bool:
        return indexer.is_ready and (indexer.has_written or await index.stores())

    async def cache_takes_writes() -> bool:
        return repair.is_ready and await valkey.stores()

    checks = ReadinessChecks(
        {
            "primary": check_flag(lambda: outbox.is_connected and relay.reads_rows),
            "stream": stream.answers,
            "publishes": check_flag(lambda: relay.publishes),
            "search": search_takes_writes,
            "cache": cache_takes_writes,
        }
    )

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with AsyncExitStack() as scope:
            scope.push_async_callback(index.close)
            scope.push_async_callback(valkey.close)
            scope.push_async_callback(kept.close)

            async def connect() -> None:
                client = await nats_bus.connect(
                    settings.nats_url, settings.instance, kind="worker", trust=settings.trust()
                )
                scope.push_async_callback(client.close)
                await retry_until_available(lambda: stream.use(client))
                await nats_bus.subscribe(client, f"{settings.subject_prefix}.relay_wake_up", relay.wake)

            background = Background(scope, drain, log)
            background.start("connect", connect(), ends=True)
            background.start("relay", relay.run())
            background.start("indexer", indexer.run())
            background.start("cache_repair", repair.run())
            background.start("retention", retention.run())
            yield
            # What was fetched is done before others take over: it would be delivered to them half a minute later.
            for part in (relay, indexer, repair):
                part.leave()
            await background.finish(("relay", "indexer", "cache_repair"), within_s=LEAVE_S)

    return Process(make_operations_app(drain, checks, metrics), lifespan(), drain, checks)
