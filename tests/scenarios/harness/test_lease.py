"""Two runs never accuse a target of each other's faults."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from createflow.scenarios.harness.lease import Holder, Waiting, lease_of
from createflow.schemas.error import TargetError

URL = "http://target.test:8000"
ALONE = Holder("run", os.getpid(), "here", "2026-01-02T03:04:05Z", is_alone=True)
SHARED = Holder("bench", os.getpid(), "here", "2026-01-02T03:04:05Z", is_alone=False)


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@asynccontextmanager
async def lease(holder: Holder, url: str = URL, *, wait_s: float = 0.0) -> AsyncIterator[tuple[int, ...]]:
    """The lease, and nothing printed."""
    async with lease_of(holder, Waiting(url, wait_s=wait_s, on_message=lambda _: None)) as held:
        yield held


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [(ALONE, ALONE, True), (ALONE, SHARED, True), (SHARED, ALONE, True), (SHARED, SHARED, False)],
    ids=["faults, faults", "faults, bench", "bench, faults", "bench, bench"],
)
async def test_only_runs_without_faults_share_a_target(first: Holder, second: Holder, *, is_refused: bool) -> None:
    """The refusal names the holder; after its end the target is free."""
    async with AsyncExitStack() as scope:
        await scope.enter_async_context(lease(first))
        if is_refused:
            with pytest.raises(
                TargetError, match=rf"in use by {first.command}.*, process {os.getpid()} on here, since"
            ):
                await scope.enter_async_context(lease(second))
        else:
            await scope.enter_async_context(lease(second))
    async with lease(ALONE):
        pass


@pytest.mark.anyio
async def test_the_second_waits_if_it_may() -> None:
    """It says for whom, and goes on as soon as the first one ends."""
    said: list[str] = []
    waits = asyncio.Event()

    def on_message(text: str) -> None:
        said.append(text)
        waits.set()

    async def second() -> None:
        async with lease_of(SHARED, Waiting(URL, wait_s=60, on_message=on_message)):
            pass

    async with lease(ALONE):
        waiting = asyncio.create_task(second())
        await waits.wait()
    await waiting
    assert said == [f"waiting for {ALONE}"]


@pytest.mark.anyio
async def test_the_lease_is_of_an_origin() -> None:
    """Another port is another target; another name of this machine, or another path, is not."""
    async with lease(ALONE, "http://localhost:8000/api"):
        async with lease(ALONE, "http://localhost:8001/api"):
            pass
        with pytest.raises(TargetError):
            async with lease(ALONE, "http://127.0.0.1:8000"):
                pass


@pytest.mark.anyio
async def test_the_lease_of_a_dead_holder_is_free_at_once(tmp_path: Path) -> None:
    """Its name file is still there; nobody is taken for alive by it."""
    script = (
        "import asyncio, os\n"
        "from createflow.scenarios.harness.lease import Holder, Waiting, lease_of\n"
        "async def main():\n"
        f"    holder = Holder.this_process('run', is_alone=True)\n"
        f"    async with lease_of(holder, Waiting({URL!r}, wait_s=0, on_message=print)):\n"
        "        print('held', flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    with pytest.raises(TargetError, match=f"process {process.pid} on"):
        async with lease(ALONE):
            pass
    process.kill()
    await process.wait()
    async with lease(ALONE):
        pass


@pytest.mark.anyio
async def test_nothing_is_left_of_a_lease(tmp_path: Path) -> None:
    """Each target that was ever tested would leave a file."""
    async with lease(SHARED):
        pass
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.anyio
async def test_without_a_state_folder_there_is_no_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It protects against a mistake; it is no reason not to test."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    async with lease(ALONE) as held:
        assert held == ()
