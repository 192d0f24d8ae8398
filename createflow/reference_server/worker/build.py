"""The worker, put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from createflow.reference_server.adapters import nats_bus
from createflow.reference_server.adapters.nats_stream import NatsStream
from createflow.reference_server.adapters.postgres_outbox import PostgresOutbox
from createflow.reference_server.adapters.search_index import SearchIndex
from createflow.reference_server.adapters.valkey import Valkey
from createflow.reference_server.adapters.valkey_cache import ValkeyCache
from createflow.reference_server.domain.outbox import event_of
from createflow.reference_server.process.background import in_background, until_available
from createflow.reference_server.process.health import Gates, make_ops
from createflow.reference_server.process.http_server import Readiness
from createflow.reference_server.process.log import Log, quiet_log
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.process.readiness import now
from createflow.reference_server.process.run import Process
from createflow.reference_server.process.settings import Settings
from createflow.reference_server.stages.data.index_update import IndexUpdate
from createflow.reference_server.worker.cache_repair import CacheKeeper
from createflow.reference_server.worker.indexer import Indexer
from createflow.reference_server.worker.outbox_relay import Relay


def build(settings: Settings, log: Log | None = None) -> Process:
    """The relay of the outbox and the indexer."""
    log = log or quiet_log()
    metrics, readiness = Metrics(), Readiness()
    outbox = PostgresOutbox(settings.direct_dsn, settings.subject_prefix)
    stream = NatsStream(settings.subject_prefix)
    index = SearchIndex(settings.search_url, settings.search_index, settings.search_credentials)
    seed = settings.seed()
    update = seed.change_index_update(IndexUpdate(index))
    relay = Relay(outbox, stream, metrics, seed.change_event_composer(event_of))
    indexer = Indexer(stream.consumer("indexer", "created", "updated", "deleted"), index, update, metrics, log)
    valkey = Valkey(settings.valkey_url)
    cache = ValkeyCache(valkey, prefix=settings.subject_prefix, ttl_s=settings.cache_ttl_s)
    keeper = CacheKeeper(stream.consumer("cache", "updated", "deleted"), cache, log)
    gates = Gates(
        {
            "primary": now(lambda: outbox.leads),
            "stream": now(lambda: stream.ready),
            "search": now(lambda: indexer.ready),
        },
        latched=False,
    )

    @asynccontextmanager
    async def life() -> AsyncIterator[None]:
        async with AsyncExitStack() as scope:
            scope.push_async_callback(index.close)
            scope.push_async_callback(valkey.close)

            async def join() -> None:
                client = await nats_bus.connect(settings.nats_url, settings.instance)
                scope.push_async_callback(client.close)
                await until_available(lambda: stream.ensure(client))
                await nats_bus.listen(client, f"{settings.subject_prefix}.nudge", relay.wake)

            await in_background(scope, join())
            await in_background(scope, relay.run())
            await in_background(scope, indexer.run())
            await in_background(scope, keeper.run())
            yield

    return Process(make_ops(readiness, gates, metrics), life(), readiness)
