"""The addresses for operators and load balancers: /healthz, /readyz, /rotation and /metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from createflow.reference_server.process.http_server import DrainState
from createflow.reference_server.process.metrics import Metrics

ReadinessCheck = Callable[[], Awaitable[bool]]
CHECK_WAIT_S = 1.0


def check_flag(read: Callable[[], bool]) -> ReadinessCheck:
    """Make a readiness check of something that is known without waiting."""

    async def check() -> bool:
        return read()

    return check


class ReadinessChecks:
    """What must hold before a process is ready.

    Args:
        checks: by name. Each asks, or tells what was done last: nothing that was true once is remembered.
    """

    def __init__(self, checks: Mapping[str, ReadinessCheck]) -> None:
        self._checks = checks
        self._passed: set[str] = set()

    async def ask(self) -> dict[str, bool]:
        """Return for each check whether it passes now."""
        answers = await asyncio.gather(*(self._passes(check) for check in self._checks.values()))
        passing = dict(zip(self._checks, answers, strict=True))
        self._passed.update(name for name, passes in passing.items() if passes)
        return passing

    async def have_passed(self) -> bool:
        """Whether each check has passed at least once."""
        if len(self._passed) < len(self._checks):
            await self.ask()
        return len(self._passed) == len(self._checks)

    async def _passes(self, check: ReadinessCheck) -> bool:
        try:
            return await asyncio.wait_for(check(), CHECK_WAIT_S)
        except Exception:  # noqa: BLE001 - whatever the reason, it does not pass
            return False


def make_operations_app(
    drain: DrainState, checks: ReadinessChecks, metrics: Metrics, routes: Sequence[Route] = ()
) -> Starlette:
    """Make the app of the addresses of operators, and the given routes.

    - /healthz: 200 while no background task has failed.
    - /readyz: 200 while everything is as it must be, asked now. /metrics says the same.
    - /rotation, for the balancer: 200 from when everything was there once until the process ends. When a dependency
      goes away later, a gateway's own refusal is better than a balancer without servers.
    """

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"alive": not drain.failed}, status_code=503 if drain.failed else 200)

    async def ask() -> list[str]:
        passing = await checks.ask()
        for name, passes in passing.items():
            metrics.ready.labels(check=name).set(passes)
        missing = [name for name, passes in passing.items() if not passes]
        return [*drain.failed, *(["draining"] if drain.is_draining else []), *missing]

    async def readyz(_request: Request) -> Response:
        missing = await ask()
        return JSONResponse({"ready": not missing, "missing": missing}, status_code=503 if missing else 200)

    async def rotation(_request: Request) -> Response:
        takes = not drain.is_draining and await checks.have_passed()
        return JSONResponse({"takes_requests": takes}, status_code=200 if takes else 503)

    async def show_metrics(_request: Request) -> Response:
        await ask()
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    own = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/rotation", rotation),
        Route("/metrics", show_metrics),
    ]
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
