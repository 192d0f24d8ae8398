"""The gateway process: an HTTP request becomes a job, a finished job becomes a reply."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from createflow.reference_server.domain.adaptive_limit import AdaptiveLimit
from createflow.reference_server.domain.job import Exchange, Job, Refused
from createflow.reference_server.pipeline import Pipeline
from createflow.reference_server.process.http_server import CLIENT_IS_GONE
from createflow.reference_server.process.log import Log
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.stages.api.https_request import request_id
from createflow.reference_server.stages.api.load_balancer import ROOM_HEADER
from createflow.reference_server.stages.api.response import Response

OPERATIONS_PATHS = frozenset(
    {"/healthz", "/readyz", "/rotation", "/metrics", "/openapi.json", "/.well-known/jwks.json"}
)
_NONE: frozenset[bytes] = frozenset()
_OVERLOAD = Refused(
    503, "service_unavailable", "There is more to do than can be done in time; nothing was done.", retry_after_s=1.0
)
_ROOM = ROOM_HEADER.encode("ascii")
_CLOSE = (b"connection", b"close")
_MAX_TIME_DIGITS = 20
_MAX_WAIT_NS = 60 * 10**9
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class GatewayApp:
    """The ASGI app of the API: requests go through the pipeline, except those to ``OPERATIONS_PATHS``.

    Args:
        limit: refuses under overload, before anything is done. The balancer hears of it with each reply, and refuses
            from then on.
        gateways: how many share the balancer's requests evenly.
        shares_clock: whether the balancer's clock is that of this process. Of another one it is not known how long a
            request was on its way.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        response: Response,
        operations: ASGIApp,
        metrics: Metrics,
        log: Log,
        *,
        limit: AdaptiveLimit,
        gateways: int = 1,
        shares_clock: bool = True,
    ) -> None:
        self._shares_clock = shares_clock
        self._limit = limit
        self._gateways = gateways
        self._pipeline = pipeline
        self._response = response
        self._operations = operations
        self._metrics = metrics
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if scope["path"] in OPERATIONS_PATHS:
            await self._operations(scope, receive, send)
            return
        begun_ns = time.perf_counter_ns()
        job = _job(scope, receive)
        if not self._shares_clock:
            job.timings.clear()
        waited_s = sum([waited_ns for _, waited_ns in job.timings]) / 1e9
        if self._limit.admit(waited_s):
            try:
                job = await self._carry_out(job)
            finally:
                took_s = waited_s + (time.perf_counter_ns() - begun_ns) / 1e9
                self._limit.record(took_s, accepted=200 <= job.status < 300, busy=job.is_crowded_out)
        else:
            job = self._response.refuse(job, _OVERLOAD)
        job.headers.append((_ROOM, b"%d" % (self._limit.limit * self._gateways)))
        if job.read_body is not None and not await _has_arrived(job):
            job.headers.append(_CLOSE)
        await _send(job, send, self._response.always)
        took_ns = time.perf_counter_ns() - begun_ns
        self._metrics.requests.labels(op=job.op or "none", status=job.status).inc()
        self._log.info(
            "request",
            request_id=job.request_id,
            method=scope["method"],
            path=scope["path"],
            status=job.status,
            ms=round(took_ns / 1e6, 3),
            **_trace_of(scope["headers"]),
        )

    async def _carry_out(self, job: Job) -> Job:
        try:
            return await self._pipeline.run(job)
        except Refused as refused:
            return self._response.refuse(job, refused)
        except Exception:  # noqa: BLE001 - the client must get a reply, and no internal detail in it
            self._log.exception("internal_error", request_id=job.request_id)
            return self._response.refuse(job, Refused(500, "internal_error", "An internal error occurred."))


def _trace_of(raw_headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """The trace id that the client gave (W3C Trace Context §3.2), for the log.

    The request id beside it leads to the log of the service, the audit entry and the event.
    """
    for name, value in raw_headers:
        if name == b"traceparent":
            found = _TRACEPARENT.match(value)
            return {"trace_id": found[1].decode("ascii")} if found else {}
    return {}


def _job(scope: Scope, receive: Receive) -> Job:
    raw_headers = scope["headers"]
    headers = dict(raw_headers)
    client = scope.get("client")
    exchange = Exchange(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"],
        headers=headers,
        headers_bytes=sum(len(name) + len(value) for name, value in raw_headers),
        peer=client[0] if client else "",
        receive=receive,
        repeated=_repeated(raw_headers) if len(headers) != len(raw_headers) else _NONE,
        **_gone(scope),
    )
    return Job(request_id=request_id(headers), exchange=exchange, timings=_waited(headers.get(b"x-request-start", b"")))


def _gone(scope: Scope) -> dict[str, Callable[[], bool]]:
    extensions = scope.get("extensions") or {}
    return {"client_is_gone": extensions[CLIENT_IS_GONE]} if CLIENT_IS_GONE in extensions else {}


def _waited(sent: bytes) -> list[tuple[str, int]]:
    """How long a request was on its way from the balancer, which says when it passed it on: ``t=`` and microseconds."""
    if not sent.startswith(b"t=") or len(sent) > _MAX_TIME_DIGITS or not sent[2:].isdigit():
        return []
    waited_ns = time.time_ns() - int(sent[2:]) * 1000
    return [("balancer_queue", waited_ns)] if 0 <= waited_ns < _MAX_WAIT_NS else []


def _repeated(raw_headers: list[tuple[bytes, bytes]]) -> frozenset[bytes]:
    counted = Counter(name for name, _ in raw_headers)
    return frozenset(name for name, count in counted.items() if count > 1)


async def _has_arrived(job: Job) -> bool:
    """Whether the unread body of a refused request is here as a whole; this does not wait for it.

    If it is not, the connection is closed: it would be held by a client that takes its time over a body that nobody
    wants.
    """
    exchange = job.exchange
    if exchange is None or b"expect" in exchange.headers:
        return False
    try:
        async with asyncio.timeout(0):
            while (message := await exchange.receive())["type"] == "http.request":
                if not message.get("more_body", False):
                    return True
    except TimeoutError:
        pass
    return False


async def _send(job: Job, send: Send, always: Iterable[tuple[bytes, bytes]]) -> None:
    headers = job.headers
    headers += always
    headers.append((b"x-request-id", job.request_id.encode("ascii")))
    timing = ", ".join([f"{name};dur={took_ns / 1e6:.3f}" for name, took_ns in job.timings])
    headers.append((b"server-timing", timing.encode("ascii")))
    quota = job.quota
    if quota is not None:
        headers.append((b"ratelimit-policy", b'"default";q=%d;w=%d' % (quota.limit, quota.window_s)))
        headers.append((b"ratelimit", b'"default";r=%d;t=%d' % (quota.remaining, quota.reset_s)))
    if job.status not in {204, 304}:
        headers.append((b"content-length", b"%d" % len(job.document)))
    await send({"type": "http.response.start", "status": job.status, "headers": headers})
    await send({"type": "http.response.body", "body": job.document})
