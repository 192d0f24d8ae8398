"""The master process: Locust's web page shows the run and cannot change it."""

import asyncio
import socket
from collections.abc import Callable

import httpx

from createflow.scenarios.load.fleet.run import LoadResult, Snapshot
from tests.scenarios.load.conftest import Stub
from tests.scenarios.load.fleet.load_run import Watch, load, measured_of


def test_the_web_page_is_read_only(start_stub: Callable[[str], Stub]) -> None:
    """It shows latencies from the intended time, and refuses start and stop."""
    seen: dict[str, object] = {}

    async def watched() -> LoadResult:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        looking: list[asyncio.Task[None]] = []
        watch = Watch()

        async def look_at(url: str) -> None:
            async with httpx.AsyncClient(base_url=url, trust_env=False) as browser:
                seen["page"] = (await browser.get("/")).status_code
                seen["swarm"] = (await browser.post("/swarm", data={"user_count": 1, "spawn_rate": 1})).status_code
                seen["stop"] = (await browser.get("/stop")).status_code
                seen["stats"] = (await browser.get("/stats/requests")).json()

        def on_snapshot(snapshot: Snapshot) -> None:
            if snapshot.at_s > 4 and not looking:
                looking.append(asyncio.create_task(look_at(str(seen["url"]))))

        watch.on_snapshot = on_snapshot
        watch.on_message = lambda text: seen.update(url=text.removeprefix("Locust's web page: "))
        measured = await load(start_stub("fast").profile(), watch, web_port=port, duration_s=6.0)
        await asyncio.gather(*looking)
        return measured

    measured = asyncio.run(watched())
    assert (seen["page"], seen["swarm"], seen["stop"]) == (200, 403, 403)
    assert isinstance(seen["stats"], dict)
    assert {row["method"] for row in seen["stats"]["stats"]} >= {"create"}
    assert measured_of(measured).completed == 600
