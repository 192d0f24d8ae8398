"""A worker that joins a master on another machine."""

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path

import msgpack
import pytest
import zmq

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


RUBBISH = (
    b"",
    b"\x00" * 100,
    b"\xc1",
    b"\x93",
    msgpack.dumps(["createflow", {"text": "x"}]),
    msgpack.dumps([1, 2, 3, 4]),
    msgpack.dumps({"a": "b"}),
    msgpack.dumps(["client_ready", None, "stranger"]),
    msgpack.dumps(["client_ready", -1, "somebody else"]),
    msgpack.dumps(["client_ready", -1, "stranger"]),
    msgpack.dumps(["heartbeat", {"state": 1}, "stranger"]),
    msgpack.dumps(["heartbeat", None, "stranger"]),
    msgpack.dumps(["spawning_complete", None, "stranger"]),
    msgpack.dumps(["exception", {}, "stranger"]),
    msgpack.dumps(["stats", 5, "stranger"]),
    msgpack.dumps(["locustfile", {}, "stranger"]),
    msgpack.dumps(["createflow", None, "stranger"]),
    msgpack.dumps(["createflow", {"text": 1}, "stranger"]),
    msgpack.dumps(["createflow", {"text": "[" * 1000}, "stranger"]),
    msgpack.dumps(["createflow", {"text": "x" * 5000}, "stranger"]),
    msgpack.dumps(["createflow", {"text": json.dumps({"joined": 1})}, "stranger"]),
    msgpack.dumps(["createflow", {"text": json.dumps({"joined": {"host": "h", "pid": "many"}})}, "stranger"]),
    msgpack.dumps(["createflow", {"text": json.dumps({"pong": 1, "clock": 1})}, "stranger"]),
    msgpack.dumps(["stats", {"x": [[] for _ in range(300_000)]}, "stranger"]),
    b"\x93\xaacreateflow\x81\xa4text\xdb\x00\x00\x00\x01x" + b"\x80" * 400_000,
)


def test_a_master_outlives_whatever_strangers_send(start_stub: Callable[[str], Stub]) -> None:
    """Bytes, messages of other shapes and in other names, and one too large: the run is that of its worker."""

    def send_rubbish(port: int) -> None:
        context = zmq.Context()
        for rubbish in (*RUBBISH, bytes(20_000_000)):
            socket = context.socket(zmq.DEALER)
            socket.connect(f"tcp://127.0.0.1:{port}")
            socket.send(rubbish)
            socket.close(linger=2_000)
        named = context.socket(zmq.DEALER)
        named.setsockopt(zmq.IDENTITY, b"stranger")
        named.connect(f"tcp://127.0.0.1:{port}")
        for rubbish in RUBBISH:
            named.send(rubbish)
        named.close(linger=2_000)
        context.term()

    async def run() -> LoadResult:
        lending: list[asyncio.Task[None]] = []

        async def join(port: int) -> None:
            await asyncio.to_thread(send_rubbish, port)
            await join_master("127.0.0.1", port, lambda _: None)

        def tell(words: str) -> None:
            lending.append(asyncio.create_task(join(int(words.rpartition(":")[2]))))

        measured = await load(start_stub("fast").profile(), Watch(on_message=tell), master=("127.0.0.1", 0))
        await asyncio.gather(*lending)
        return measured

    measured = asyncio.run(run())
    assert measured_of(measured).completed == 100
    assert measured.lost == ()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("print('[' * 100_000)", "lists and objects"),
        ("print('{\"x\": NaN}')", "NaN"),
        ("print('nonsense')", "not JSON"),
        ("import sys; sys.stdout.write('x' * 40_000_000)", "bytes"),
        ("import sys; sys.stderr.write('x' * 40_000_000); sys.exit(3)", "ended with 3"),
    ],
)
def test_a_process_that_sends_rubbish_is_ended_and_told(code: str, reason: str, tmp_path: Path) -> None:
    """Its messages have a length, and its errors too."""
    (tmp_path / "rude_process.py").write_text(code, encoding="utf-8")

    async def run() -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(tmp_path))
            child = await module.ChildProcess.start("rude_process")
        async with asyncio.timeout(30):
            assert [message async for message in child.messages()] == []
        await child.stop(1.0)
        return child.exit_reason

    assert reason in asyncio.run(run())


def test_a_missing_master_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a timeout, with a hint."""
    monkeypatch.setattr(module, "_JOIN_TIMEOUT_S", 1.0)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(TargetError, match="no master within") as caught:
            asyncio.run(join_master("127.0.0.1", closed.getsockname()[1], lambda _: None))
    assert "--master" in caught.value.hint
