"""The addresses for operators and load balancers: /healthz, /readyz and /metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from createflow.reference_server.adapters.valkey import ValkeyClient
from createflow.reference_server.process.http_server import DrainState
from createflow.reference_server.process.metrics import Metrics

ReadinessCheck = Callable[[], Awaitable[bool]]
CHECK_WAIT_S = 1.0


def check_flag(read: Callable[[], bool]) -> ReadinessCheck:
    """Make a readiness check of something that is known without waiting."""

    async def check() -> bool:
        return read()

    return check


def check_ping(valkey: ValkeyClient) -> ReadinessCheck:
    """Make a readiness check that Valkey answers."""

    async def check() -> bool:
        await valkey.ping()
        return True

    return check


class ReadinessChecks:
    """What must hold before a process is ready.

    Args:
        checks: by name.
        latched: a check that has passed once is not repeated. For gateways: when a dependency goes away later, a
            gateway's own reply is better than a load balancer without servers.
    """

    def __init__(self, checks: Mapping[str, ReadinessCheck], *, latched: bool) -> None:
        self._checks = checks
        self._latched = latched
        self._passed: set[str] = set()

    async def find_failing(self) -> list[str]:
        """Return the names of the checks that do not pass now."""
        names = [name for name in self._checks if name not in self._passed]
        answers = await asyncio.gather(*(self._passes(self._checks[name]) for name in names))
        if self._latched:
            self._passed.update(name for name, passed in zip(names, answers, strict=True) if passed)
        return [name for name, passed in zip(names, answers, strict=True) if not passed]

    async def _passes(self, check: ReadinessCheck) -> bool:
        try:
            return await asyncio.wait_for(check(), CHECK_WAIT_S)
        except Exception:  # noqa: BLE001 - whatever the reason, it does not pass
            return False


def make_operations_app(
    drain: DrainState, checks: ReadinessChecks, metrics: Metrics, routes: Sequence[Route] = ()
) -> Starlette:
    """Make the app of /healthz, /readyz, /metrics and the given routes."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(_request: Request) -> Response:
        missing = ["draining"] if drain.is_draining else await checks.find_failing()
        return JSONResponse({"ready": not missing, "missing": missing}, status_code=503 if missing else 200)

    async def show_metrics(_request: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    own = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", show_metrics)]
    return Starlette(routes=[*own, *routes], exception_handlers={HTTPException: _problem, Exception: _problem})


_DETAILS = {
    404: "There is nothing at this path.",
    405: "This path does not have this method.",
    503: "This is not there yet.",
}


async def _problem(request: Request, error: Exception) -> Response:
    """Answer errors of these addresses with a problem document, as the API does."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    code = {404: "not_found", 405: "method_not_allowed", 503: "service_unavailable"}.get(status, "internal_error")
    document = {
        "type": f"urn:createflow:problem:{code}",
        "title": error.detail if isinstance(error, HTTPException) else "Internal Server Error",
        "status": status,
        "detail": _DETAILS.get(status, "An internal error occurred."),
        "instance": request.url.path,
        "code": code,
        "errors": [],
    }
    return JSONResponse(document, status_code=status, headers=headers, media_type="application/problem+json")
