"""A background task that ends, ends its process: in a real one."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from createflow.reference_server.stack.endpoints import Ports
from tests.reference_server.test_processes import SETTINGS

SCRIPT = """
import asyncio, json, sys, urllib.request
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from createflow.reference_server.process.background import Background
from createflow.reference_server.process.health import ReadinessChecks, make_operations_app
from createflow.reference_server.process.http_server import DrainState
from createflow.reference_server.process.metrics import Metrics
from createflow.reference_server.process.run import Process, run

how = sys.argv[2]

def ask(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as reply:
            return [reply.status, json.load(reply)]
    except urllib.error.HTTPError as error:
        return [error.code, json.load(error)]

def build(settings, log):
    drain = DrainState()

    async def work():
        before = await asyncio.to_thread(ask, settings.port, "/readyz")
        log.info("seen", reply=before)
        if how == "raises":
            raise ZeroDivisionError
        if how == "runs":
            await asyncio.Event().wait()

    async def look():
        await drain.wait()
        for path in ("/readyz", "/healthz", "/rotation"):
            log.info("seen", reply=await asyncio.to_thread(ask, settings.port, path))

    @asynccontextmanager
    async def lifespan():
        async with AsyncExitStack() as scope:
            background = Background(scope, drain, log)
            background.start("look", look(), ends=True)
            background.start("work", work(), ends=how == "may return")
            if how in {"runs", "may return"}:
                asyncio.get_running_loop().call_later(0.2, drain.begin)
            yield

    return Process(make_operations_app(drain, ReadinessChecks({}), Metrics()), lifespan(), drain)

run(Path(sys.argv[1]), build, drain_s=0.5)
"""


@pytest.mark.parametrize(
    ("how", "status", "missing"),
    [
        ("raises", 1, ["work", "draining"]),
        ("may return", 0, ["draining"]),
        pytest.param("returns", 1, ["work", "draining"], marks=pytest.mark.thorough),
        pytest.param("runs", 0, ["draining"], marks=pytest.mark.thorough),
    ],
)
def test_a_task_that_ends_ends_its_process(how: str, status: int, missing: list[str], tmp_path: Path) -> None:
    """It is ready, then not, by the task's name; and the process ends with 1, so that the stack starts it again."""
    ports = Ports()
    file = tmp_path / "settings.json"
    replace(SETTINGS, port=ports.reserve()).save(file)
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(file), how], capture_output=True, text=True, check=False, timeout=60
    )
    ports.release()
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == status, ended
    before, ready, alive, rotation = [line["reply"] for line in lines if line["event"] == "seen"]
    assert before == [200, {"ready": True, "missing": []}]
    assert ready == [503, {"ready": False, "missing": missing}]
    assert alive == ([503, {"alive": False}] if status else [200, {"alive": True}])
    assert rotation == [503, {"takes_requests": False}]
    assert ("background_task_failed" in ended.stdout) is (how == "raises")
    assert lines[-1]["failed"] == (["work"] if status else [])
