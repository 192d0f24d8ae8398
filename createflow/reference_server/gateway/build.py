"""A gateway, put together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response as HttpResponse
from starlette.routing import Route

from createflow.reference_server.adapters import nats_bus
from createflow.reference_server.adapters.jwks_file import JwksFile
from createflow.reference_server.adapters.jwt_tokens import JwtTokens
from createflow.reference_server.adapters.valkey import Valkey
from createflow.reference_server.adapters.valkey_buckets import ValkeyBuckets
from createflow.reference_server.domain.circuit_breaker import Breaker
from createflow.reference_server.domain.job import Stage
from createflow.reference_server.domain.port import Limit
from createflow.reference_server.domain.schema_check import SchemaCheck
from createflow.reference_server.gateway import openapi
from createflow.reference_server.gateway.app import GatewayApp
from createflow.reference_server.pipeline import GATEWAY
from createflow.reference_server.process.background import in_background
from createflow.reference_server.process.health import Gates, make_ops
from createflow.reference_server.process.http_server import Readiness
from createflow.reference_server.process.log import Log, quiet_log
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.process.readiness import now, pings
from createflow.reference_server.process.run import Process
from createflow.reference_server.process.settings import Settings
from createflow.reference_server.process.stages import pipeline_of
from createflow.reference_server.stages.api.auth_check import AuthCheck
from createflow.reference_server.stages.api.https_request import HttpsRequest
from createflow.reference_server.stages.api.load_balancer import LoadBalancer
from createflow.reference_server.stages.api.rate_limit import RateLimit
from createflow.reference_server.stages.api.response import Response
from createflow.reference_server.stages.api.service_router import ServiceRouter
from createflow.reference_server.stages.api.validation import Validation
from createflow.schemas.clock import SystemClock
from createflow.schemas.wire import wire_schema

_GATEWAY_PACE_S = 0.010
"""The rate limiter is the first trip of every request. Those that come within this time after one make it together, and
from there on share messages, statements and commits; a lone request does not wait."""

DRAIN_S = 0.6
"""The balancer asks every 0.2 s and believes the second answer."""


def build(settings: Settings, log: Log | None = None) -> Process:
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
    stages = settings.seed().change_stages(healthy)
    gates = Gates(
        {"keys": now(lambda: keys.is_loaded), "nats": now(lambda: bus.connected), "valkey": pings(valkey)},
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

            await in_background(scope, join())
            yield

    return Process(
        GatewayApp(pipeline_of(stages, GATEWAY, metrics), _response(stages), ops, metrics, log), life(), readiness
    )


def _response(stages: Sequence[Stage]) -> Response:
    return next(stage for stage in stages if isinstance(stage, Response))


def _gateway_routes(keys: JwksFile) -> list[Route]:
    description = openapi.text()

    async def jwks(_request: Request) -> HttpResponse:
        return HttpResponse(keys.document(), media_type="application/jwk-set+json")

    async def describe(_request: Request) -> HttpResponse:
        return HttpResponse(description, media_type="application/json")

    return [Route("/.well-known/jwks.json", jwks), Route("/openapi.json", describe)]
