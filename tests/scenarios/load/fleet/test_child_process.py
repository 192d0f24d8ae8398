"""A worker that joins a master on another machine."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from createflow.scenarios.load.fleet import child_process as module
from createflow.scenarios.load.fleet.child_process import join_master
from createflow.scenarios.load.fleet.run import LoadResult
from createflow.schemas.error import TargetError
from tests.scenarios.load.conftest import Stub
from tests.scenarios.load.fleet.load_run import Watch, load, measured_of


def test_a_joined_worker_does_its_part_of_one_run_and_ends(start_stub: Callable[[str], Stub]) -> None:
    """As ``createflow bench --worker`` does, with progress messages."""
    told: list[str] = []

    async def run() -> LoadResult:
        lending: list[asyncio.Task[None]] = []

        def tell(words: str) -> None:
            port = int(words.rpartition(":")[2])
            lending.append(asyncio.create_task(join_master("127.0.0.1", port, told.append)))

        measured = await load(start_stub("fast").profile(), Watch(on_message=tell), master=("127.0.0.1", 0))
        await asyncio.gather(*lending)
        return measured

    assert measured_of(asyncio.run(run())).completed == 100
    assert [words.split()[0] for words in told] == ["waiting", "joined", "the", "done"]


def test_a_missing_master_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a timeout, with a hint."""
    monkeypatch.setattr(module, "_JOIN_TIMEOUT_S", 1.0)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(TargetError, match="no master within") as caught:
            asyncio.run(join_master("127.0.0.1", closed.getsockname()[1], lambda _: None))
    assert "--master" in caught.value.hint
