"""Readiness is asked each time; only the balancer's address remembers that everything was there once."""

import httpx
import pytest

from createflow.reference_server.process.health import ReadinessChecks, check_flag, make_operations_app
from createflow.reference_server.process.http_server import DrainState
from createflow.reference_server.process.metrics import Metrics

pytestmark = pytest.mark.anyio


async def test_what_goes_away_is_told_by_readyz_and_metrics_and_stays_in_rotation() -> None:
    """And what does not answer at all does not pass."""
    state = {"nats": False, "primary": True}

    async def raises() -> bool:
        if not state["primary"]:
            raise OSError
        return True

    checks = ReadinessChecks({"nats": check_flag(lambda: state["nats"]), "primary": raises})
    app = make_operations_app(DrainState(), checks, Metrics())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://process") as client:

        async def seen() -> tuple[list[str], int, list[str]]:
            lines = (await client.get("/metrics")).text.splitlines()
            ready = [line for line in lines if line.startswith("ready{")]
            rotation = (await client.get("/rotation")).status_code
            return (await client.get("/readyz")).json()["missing"], rotation, ready

        assert await seen() == (["nats"], 503, ['ready{check="nats"} 0.0', 'ready{check="primary"} 1.0'])
        state["nats"] = True
        assert await seen() == ([], 200, ['ready{check="nats"} 1.0', 'ready{check="primary"} 1.0'])
        state["primary"] = False
        assert await seen() == (["primary"], 200, ['ready{check="nats"} 1.0', 'ready{check="primary"} 0.0'])
