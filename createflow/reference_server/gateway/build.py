"""The composition root of a gateway: adapters meet ports here."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response as HttpResponse
from starlette.routing import Route

from createflow.reference_server.adapters import nats_bus
from createflow.reference_server.adapters.jwks_file import JwksFile
from createflow.reference_server.adapters.jwt_verifier import JwtVerifier
from createflow.reference_server.adapters.rate_limiter import ValkeyRateLimiter
from createflow.reference_server.adapters.valkey import ValkeyClient
from createflow.reference_server.domain.adaptive_limit import AdaptiveLimit
from createflow.reference_server.domain.circuit_breaker import CircuitBreaker
from createflow.reference_server.domain.job import Stage
from createflow.reference_server.domain.ports import Limit
from createflow.reference_server.domain.schema_check import SchemaCheck
from createflow.reference_server.gateway import openapi
from createflow.reference_server.gateway.app import GatewayApp
from createflow.reference_server.pipeline import GATEWAY_ORDER, Pipeline
from createflow.reference_server.process.background import Background
from createflow.reference_server.process.health import ReadinessChecks, check_flag, make_operations_app
from createflow.reference_server.process.http_server import DrainState
from createflow.reference_server.process.log import Log
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.process.run import Process
from createflow.reference_server.process.settings import Settings
from createflow.reference_server.stages.api.auth_check import AuthCheck
from createflow.reference_server.stages.api.https_request import HttpsRequest
from createflow.reference_server.stages.api.load_balancer import LoadBalancer
from createflow.reference_server.stages.api.rate_limit import RateLimit
from createflow.reference_server.stages.api.response import Response
from createflow.reference_server.stages.api.service_router import ServiceRouter
from createflow.reference_server.stages.api.validation import Validation
from createflow.schemas.clock import SystemClock
from createflow.schemas.wire import wire_schema

_BATCH_INTERVAL_S = 0.010
"""The rate limiter is the first round trip of every request. Requests that arrive within this time after a batch form
the next one, and then share messages, statements and commits. A lone request does not wait."""

DRAIN_S = 0.6
"""HAProxy probes every 0.2 s and takes a server out of rotation after the second failure."""

_TRIES = 4
"""Instances that are asked at most: each is picked at random, also one that has refused just now."""


def build(settings: Settings, log: Log) -> Process:
    """Build a gateway; it waits for its engines by itself."""
    metrics, clock, drain = Metrics(), SystemClock(), DrainState()
    valkey = ValkeyClient(settings.valkey_url, interval_s=_BATCH_INTERVAL_S)
    limiter = ValkeyRateLimiter(
        valkey,
        prefix=settings.subject_prefix,
        gateways=settings.gateways,
        on_degraded=metrics.degraded.labels(what="rate_limit").inc,
    )
    keys = JwksFile(Path(settings.jwks_file), clock)
    verifier = JwtVerifier(keys, issuer=settings.issuer, audience=settings.audience, clock=clock)
    bus = nats_bus.NatsBus(settings.subject_prefix, settings.rpc_timeout_s)
    limit = AdaptiveLimit(clock)
    metrics.watch_limit(limit)
    breakers = {kind: CircuitBreaker(clock) for kind in ("read", "write")}
    for kind, breaker in breakers.items():
        metrics.watch_breaker(kind, breaker)
    healthy: tuple[Stage, ...] = (
        HttpsRequest(settings.max_body_bytes),
        LoadBalancer(),
        AuthCheck(verifier, limiter),
        RateLimit(limiter, Limit(settings.rate_per_s, settings.burst)),
        Validation(SchemaCheck(wire_schema("create_request"))),
        ServiceRouter(bus, breakers, settings.rpc_timeout_s, tries=min(settings.services, _TRIES)),
        Response(),
    )
    stages = settings.seed().change_stages(healthy)
    pipeline = Pipeline(stages, GATEWAY_ORDER, metrics.step_observer)
    checks = ReadinessChecks(
        {
            "keys": check_flag(lambda: keys.is_loaded),
            "nats": bus.answers,
            "valkey": valkey.stores,
        }
    )
    operations = make_operations_app(drain, checks, metrics, _public_routes(keys))

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with AsyncExitStack() as scope:
            scope.push_async_callback(valkey.close)

            async def connect() -> None:
                client = await nats_bus.connect(
                    settings.nats_url, settings.instance, kind="gateway", buffered=False, trust=settings.trust()
                )
                scope.push_async_callback(client.close)
                await bus.use(client)

            Background(scope, drain, log).start("connect", connect(), ends=True)
            yield

    app = GatewayApp(
        pipeline,
        _response(stages),
        operations,
        metrics,
        log,
        limit=limit,
        gateways=settings.gateways,
        shares_clock=settings.shares_clock,
    )
    return Process(app, lifespan(), drain, checks)


def _response(stages: Sequence[Stage]) -> Response:
    return next(stage for stage in stages if isinstance(stage, Response))


def _public_routes(keys: JwksFile) -> list[Route]:
    description = openapi.text()

    async def jwks(_request: Request) -> HttpResponse:
        document = keys.document()
        if not document:
            raise HTTPException(503, "Service Unavailable", headers={"retry-after": "1"})
        return HttpResponse(document, media_type="application/jwk-set+json")

    async def describe(_request: Request) -> HttpResponse:
        return HttpResponse(description, media_type="application/json")

    return [Route("/.well-known/jwks.json", jwks), Route("/openapi.json", describe)]
