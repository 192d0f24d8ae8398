"""The addresses that operators and balancers ask: alive, ready, metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from createflow.reference_server.process.http_server import Readiness
from createflow.reference_server.process.metrics import Metrics

Gate = Callable[[], Awaitable[bool]]
GATE_WAIT_S = 1.0


class Gates:
    """What must answer before a process is ready.

    Args:
        gates: by name.
        latched: what has answered once counts for good. For a gateway: it has an answer of its own for each
            dependency that goes away later, and a better one than a balancer without servers.
    """

    def __init__(self, gates: Mapping[str, Gate], *, latched: bool) -> None:
        self._gates = gates
        self._latched = latched
        self._passed: set[str] = set()

    async def missing(self) -> list[str]:
        """Names of those that do not answer."""
        names = [name for name in self._gates if name not in self._passed]
        answers = await asyncio.gather(*(self._ask(self._gates[name]) for name in names))
        if self._latched:
            self._passed.update(name for name, passed in zip(names, answers, strict=True) if passed)
        return [name for name, passed in zip(names, answers, strict=True) if not passed]

    async def _ask(self, gate: Gate) -> bool:
        try:
            return await asyncio.wait_for(gate(), GATE_WAIT_S)
        except Exception:  # noqa: BLE001 - whatever the reason, it does not answer
            return False


def make_ops(readiness: Readiness, gates: Gates, metrics: Metrics, routes: Sequence[Route] = ()) -> Starlette:
    """The small app with /healthz, /readyz, /metrics and the routes given."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(_request: Request) -> Response:
        missing = ["draining"] if readiness.draining else await gates.missing()
        return JSONResponse({"ready": not missing, "missing": missing}, status_code=503 if missing else 200)

    async def show_metrics(_request: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    own = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", show_metrics)]
    return Starlette(routes=[*own, *routes], exception_handlers={HTTPException: _problem})


async def _problem(_request: Request, error: Exception) -> Response:
    """Errors of these addresses in the same form as all others."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    code = {404: "not_found", 405: "method_not_allowed"}.get(status, "internal_error")
    document = {
        "type": f"urn:createflow:problem:{code}",
        "title": error.detail if isinstance(error, HTTPException) else "Internal Server Error",
        "status": status,
        "code": code,
    }
    return JSONResponse(document, status_code=status, headers=headers, media_type="application/problem+json")
