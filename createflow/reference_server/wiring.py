"""Puts stages and adapters together into processes: from settings to something that can be served."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from starlette.requests import Request
from starlette.responses import Response as HttpResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from createflow.reference_server import openapi
from createflow.reference_server.adapters import nats_bus
from createflow.reference_server.adapters.jwks_file import JwksFile
from createflow.reference_server.adapters.jwt_tokens import JwtTokens
from createflow.reference_server.adapters.nats_service import NatsService
from createflow.reference_server.adapters.nats_stream import NatsStream
from createflow.reference_server.adapters.postgres_outbox import PostgresOutbox
from createflow.reference_server.adapters.postgres_pool import Pool
from createflow.reference_server.adapters.postgres_rows import PostgresCopies, PostgresRows
from createflow.reference_server.adapters.search_index import SearchIndex
from createflow.reference_server.adapters.valkey import Valkey
from createflow.reference_server.adapters.valkey_buckets import ValkeyBuckets
from createflow.reference_server.adapters.valkey_cache import ValkeyCache
from createflow.reference_server.breaker import Breaker
from createflow.reference_server.cache_keeper import CacheKeeper
from createflow.reference_server.cache_writer import CacheWriter
from createflow.reference_server.floors import Floors
from createflow.reference_server.gateway import DRAIN_S, GatewayApp
from createflow.reference_server.http_process import Readiness, serve
from createflow.reference_server.indexer import Indexer
from createflow.reference_server.job import Stage
from createflow.reference_server.log import Log, make_log, quiet_log, route_library_logs
from createflow.reference_server.metrics import Metrics
from createflow.reference_server.ops import Gate, Gates, make_ops
from createflow.reference_server.outbox import event_of
from createflow.reference_server.pipeline import BUSINESS, GATEWAY, Pipeline
from createflow.reference_server.port import Limit, UnavailableError
from createflow.reference_server.reads import Reader
from createflow.reference_server.relay import Relay
from createflow.reference_server.schema_check import SchemaCheck
from createflow.reference_server.service import Service
from createflow.reference_server.settings import Settings
from createflow.reference_server.stages.api.auth_check import AuthCheck
from createflow.reference_server.stages.api.https_request import HttpsRequest
from createflow.reference_server.stages.api.load_balancer import LoadBalancer
from createflow.reference_server.stages.api.rate_limit import RateLimit
from createflow.reference_server.stages.api.response import Response
from createflow.reference_server.stages.api.service_router import ServiceRouter
from createflow.reference_server.stages.api.validation import Validation
from createflow.reference_server.stages.business.audit_log import AuditLog
from createflow.reference_server.stages.business.business_logic import BusinessLogic
from createflow.reference_server.stages.business.publish_event import PublishEvent
from createflow.reference_server.stages.business.transaction import Transaction
from createflow.reference_server.stages.data.connection_pool import ConnectionPool
from createflow.reference_server.stages.data.index_update import IndexUpdate
from createflow.reference_server.stages.data.invalidate_cache import InvalidateCache
from createflow.reference_server.stages.data.replicate import Replicate
from createflow.reference_server.stages.data.write_primary import WritePrimary
from createflow.schemas.clock import SystemClock
from createflow.schemas.fault import Fault
from createflow.schemas.wire import wire_schema

_REPLICA_POOL_SIZE = 2
_REPLICA_WAIT_S = 0.1
_JOIN_POLL_S = 0.05
_GATEWAY_PACE_S = 0.010
"""The rate limiter is the first trip of every request. Those that come within this time after one make it together, and
from there on share messages, statements and commits; a lone request does not wait."""
_CANCEL_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the reference: ``app`` answers while ``life`` is entered."""

    app: ASGIApp
    life: AbstractAsyncContextManager[None]
    readiness: Readiness


def build_gateway(settings: Settings, log: Log | None = None) -> Process:
    """A gateway; it waits for its dependencies by itself."""
    log = log or quiet_log()
    metrics, clock, readiness = Metrics(), SystemClock(), Readiness()
    valkey = Valkey(settings.valkey_url, pace_s=_GATEWAY_PACE_S)
    degraded = metrics.degraded.labels(what="rate_limit")
    buckets = ValkeyBuckets(valkey, prefix=settings.subject_prefix, gateways=settings.gateways, degraded=degraded.inc)
    keys = JwksFile(Path(settings.jwks_file), clock)
    tokens = JwtTokens(keys, issuer=settings.issuer, audience=settings.audience, clock=clock)
    bus = nats_bus.NatsBus(settings.subject_prefix, settings.rpc_timeout_s)
    breakers = {kind: Breaker(clock) for kind in ("read", "write")}
    for kind, breaker in breakers.items():
        metrics.watch_breaker(kind, breaker)
    healthy: tuple[Stage, ...] = (
        HttpsRequest(settings.max_body_bytes),
        LoadBalancer(),
        AuthCheck(tokens, buckets),
        RateLimit(buckets, Limit(settings.rate_per_s, settings.burst)),
        Validation(SchemaCheck(wire_schema("create_request"))),
        ServiceRouter(bus, breakers, settings.rpc_timeout_s),
        Response(),
    )
    stages = _seeded(healthy, settings)
    gates = Gates(
        {"keys": _now(lambda: keys.is_loaded), "nats": _now(lambda: bus.connected), "valkey": _pings(valkey)},
        latched=True,
    )
    ops = make_ops(readiness, gates, metrics, _gateway_routes(keys))

    @asynccontextmanager
    async def life() -> AsyncIterator[None]:
        async with AsyncExitStack() as scope:
            scope.push_async_callback(valkey.close)

            async def join() -> None:
                client = await nats_bus.connect(settings.nats_url, settings.instance, buffered=False)
                scope.push_async_callback(client.close)
                await bus.use(client)

            await _in_background(scope, join())
            yield

    return Process(
        GatewayApp(_pipeline(stages, GATEWAY, metrics), _response(stages), ops, metrics, log), life(), readiness
    )


def build_service(settings: Settings, log: Log | None = None) -> Process:
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
    reader = Reader(floors, cache, [PostgresCopies(pool) for pool in replicas], PostgresCopies(primary))
    if settings.fault:
        reader = _seeding().seed_reader(reader, Fault(settings.fault))
    index = SearchIndex(settings.search_url, settings.search_index, settings.search_credentials)
    service = Service(_pipeline(_seeded(healthy, settings), BUSINESS, metrics), reader, index, group.nudge, log)
    gates = Gates({"nats": _now(lambda: group.joined), "primary": primary.answers}, latched=False)

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
                    await asyncio.sleep(_JOIN_POLL_S)
                await group.join(client, service.accept)

            await _in_background(scope, writer.run())
            await _in_background(scope, join())
            yield
            await group.leave()
            await service.finish()
            await group.finish()

    return Process(make_ops(readiness, gates, metrics), life(), readiness)


def build_worker(settings: Settings, log: Log | None = None) -> Process:
    """The relay of the outbox and the indexer."""
    log = log or quiet_log()
    metrics, readiness = Metrics(), Readiness()
    outbox = PostgresOutbox(settings.direct_dsn, settings.subject_prefix)
    stream = NatsStream(settings.subject_prefix)
    index = SearchIndex(settings.search_url, settings.search_index, settings.search_credentials)
    compose, update = event_of, IndexUpdate(index)
    if settings.fault:
        compose = _seeding().seed_events(compose, Fault(settings.fault))
        update = _seeding().seed_index(update, Fault(settings.fault))
    relay = Relay(outbox, stream, metrics, compose)
    indexer = Indexer(stream.consumer("indexer", "created", "updated", "deleted"), index, update, metrics, log)
    valkey = Valkey(settings.valkey_url)
    cache = ValkeyCache(valkey, prefix=settings.subject_prefix, ttl_s=settings.cache_ttl_s)
    keeper = CacheKeeper(stream.consumer("cache", "updated", "deleted"), cache, log)
    gates = Gates(
        {
            "primary": _now(lambda: outbox.leads),
            "stream": _now(lambda: stream.ready),
            "search": _now(lambda: indexer.ready),
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
                await _until_available(lambda: stream.ensure(client))
                await nats_bus.listen(client, f"{settings.subject_prefix}.nudge", relay.wake)

            await _in_background(scope, join())
            await _in_background(scope, relay.run())
            await _in_background(scope, indexer.run())
            await _in_background(scope, keeper.run())
            yield

    return Process(make_ops(readiness, gates, metrics), life(), readiness)


async def _until_available(attempt: Callable[[], Coroutine[None, None, None]]) -> None:
    while True:
        try:
            return await attempt()
        except UnavailableError:
            await asyncio.sleep(_JOIN_POLL_S)


def run_gateway(file: Path) -> None:
    """Run a gateway until SIGTERM."""
    _run(file, build_gateway, drain_s=DRAIN_S)


def run_service(file: Path) -> None:
    """Run a service until SIGTERM."""
    _run(file, build_service, drain_s=0.0)


def run_worker(file: Path) -> None:
    """Run a worker until SIGTERM."""
    _run(file, build_worker, drain_s=0.0)


def _run(file: Path, build: Callable[[Settings, Log], Process], *, drain_s: float) -> None:
    settings = Settings.load(file)
    log = make_log(settings.instance)
    route_library_logs(log)
    process = build(settings, log)
    _keep_collector_off_the_path()
    log.info("started", host=settings.host, port=settings.port)
    serve(
        process.app,
        process.life,
        host=settings.host,
        port=settings.port,
        path=settings.http_socket,
        readiness=process.readiness,
        drain_s=drain_s,
    )
    log.info("stopped")


def _keep_collector_off_the_path() -> None:
    """What is loaded by now stays: the garbage collector need not look at it again and again.

    A full collection over modules and schemas stops every request in flight for tens of milliseconds; jobs themselves
    are freed by their reference counts.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def _seeded(stages: tuple[Stage, ...], settings: Settings) -> tuple[Stage, ...]:
    return _seeding().seed(stages, Fault(settings.fault)) if settings.fault else stages


def _seeding() -> ModuleType:
    """The broken twins, which a healthy process never even imports."""
    return import_module("createflow.reference_server.seeding")


def _pipeline(stages: Sequence[Stage], order: Sequence[type[Any]], metrics: Metrics) -> Pipeline:
    """In the order that ``pipeline`` shows, twins included."""
    if [stage.step for stage in stages] != [kind.step for kind in order]:
        raise ValueError("the stages are not in the order of the flow")
    return Pipeline(stages, [metrics.step(stage.step).observe for stage in stages])


def _response(stages: Sequence[Stage]) -> Response:
    return next(stage for stage in stages if isinstance(stage, Response))


def _now(ask: Callable[[], bool]) -> Gate:
    async def gate() -> bool:
        return ask()

    return gate


def _pings(valkey: Valkey) -> Gate:
    async def gate() -> bool:
        await valkey.ping()
        return True

    return gate


def _gateway_routes(keys: JwksFile) -> list[Route]:
    description = openapi.text()

    async def jwks(_request: Request) -> HttpResponse:
        return HttpResponse(keys.document(), media_type="application/jwk-set+json")

    async def describe(_request: Request) -> HttpResponse:
        return HttpResponse(description, media_type="application/json")

    return [Route("/.well-known/jwks.json", jwks), Route("/openapi.json", describe)]


async def _in_background(scope: AsyncExitStack, work: Coroutine[None, None, None]) -> None:
    """Run until the scope ends."""
    task = asyncio.create_task(work)

    async def end() -> None:
        # More than once: a cancellation that meets a finished wait inside a library can get lost.
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=_CANCEL_AGAIN_S)

    scope.push_async_callback(end)
