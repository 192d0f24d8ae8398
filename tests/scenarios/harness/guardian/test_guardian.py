"""The guardian makes the target whole when its run is gone, whatever the run was doing."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from createflow.scenarios.harness.guardian import records
from createflow.scenarios.harness.guardian.client import Guarding, RunGuardian
from createflow.scenarios.harness.guardian.faults import DeclaredFaults, FaultCommandFailed
from createflow.scenarios.harness.guardian.pipe import MODULE, GuardianPipe
from createflow.scenarios.harness.guardian.records import Record, take_left_records
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile import FaultCommands, Profile
from tests.processes import alive
from tests.scenarios.malformed_server import malformed_server, reply

LIMIT_S = 30.0
SECRET = "s3cr3t-token"


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def shell(script: str) -> list[str]:
    """A command of a profile."""
    return ["sh", "-c", script]


class Run:
    """What a run tells its guardian, without the run: its end is the end of the pipe."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self._in, self._out = process, process.stdin, process.stdout

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message."""
        self._in.write(json.dumps(message).encode() + b"\n")

    def write(self, data: bytes) -> None:
        """Send what need not be a message."""
        self._in.write(data)

    async def answer(self) -> dict[str, Any]:
        """The next answer."""
        answer: dict[str, Any] = {"group": 0}
        while "group" in answer:  # of a command that has started
            answer = json.loads(await self._out.readline())
        return answer

    async def is_killed(self) -> None:
        """The run is gone; returns when its guardian is, too."""
        self._in.close()
        async with asyncio.timeout(LIMIT_S):
            await self.process.wait()


@asynccontextmanager
async def guarded(base_url: str = "http://127.0.0.1:9", **profile: Any) -> AsyncIterator[Run]:
    """A guardian that was told to begin."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    run = Run(process)
    run.tell(
        {
            "run_id": "r1",
            "command": "run",
            "pid": os.getpid(),
            "started_at": "2026-01-02T03:04:05Z",
            "target": base_url,
            "profile": {"target": {"base_url": base_url, "cleanup": True}, **profile},
            "is_target_ours": False,
            "late": [],
        }
    )
    try:
        yield run
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def inject(command: list[str], heal: list[str]) -> dict[str, Any]:
    """The message."""
    return {"id": 1, "inject": "search_down", "command": command, "heal_command": heal}


async def until(condition: Callable[[], bool]) -> None:
    """Look until it holds."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.anyio
async def test_a_fault_is_healed_when_the_run_is_gone(tmp_path: Path) -> None:
    """And the next command is told, once."""
    log = tmp_path / "log"
    async with guarded() as run:
        run.tell(inject(shell(f"echo in >> {log}"), shell(f"echo out >> {log}")))
        assert await run.answer() == {"id": 1, "problem": ""}
        await run.is_killed()
    assert log.read_text().split() == ["in", "out"]
    (record,) = take_left_records()
    assert (record.has_ended, record.healed, record.not_healed, record.faults) == (True, ["search_down"], {}, {})
    assert list(take_left_records()) == []


@pytest.mark.anyio
async def test_an_injection_that_goes_on_ends_before_the_heal(tmp_path: Path) -> None:
    """The run is killed while its command is half done: healing first would leave the fault in."""
    log = tmp_path / "log"
    async with guarded() as run:
        run.tell(inject(shell(f"echo half >> {log}; sleep 0.5; echo in >> {log}"), shell(f"echo out >> {log}")))
        await until(log.exists)
        await run.is_killed()
    assert log.read_text().split() == ["half", "in", "out"]


@pytest.mark.anyio
async def test_an_injection_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    """Then the fault is healed."""
    log, pid = tmp_path / "log", tmp_path / "pid"
    async with guarded() as run:
        run.tell(inject(shell(f"sleep 600 & echo $! > {pid}; wait"), shell(f"echo out >> {log}")))
        await until(lambda: pid.exists() and pid.read_text().endswith("\n"))
        await run.is_killed()
    assert log.read_text().split() == ["out"]
    assert not alive(int(pid.read_text()))


@pytest.mark.anyio
async def test_a_heal_is_tried_until_it_succeeds(tmp_path: Path) -> None:
    """The first time what was injected may not have taken effect."""
    first = tmp_path / "first"
    async with guarded() as run:
        run.tell(inject(shell("true"), shell(f"test -e {first} || {{ touch {first}; exit 1; }}")))
        await run.answer()
        await run.is_killed()
    (record,) = take_left_records()
    assert record.healed == ["search_down"]


@pytest.mark.anyio
async def test_no_signal_but_kill_ends_a_guardian(tmp_path: Path) -> None:
    """A terminal that is closed, Ctrl-C and an end of the job reach the whole process group."""
    log = tmp_path / "log"
    async with guarded() as run:
        run.tell(inject(shell("true"), shell(f"echo out >> {log}")))
        await run.answer()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            run.process.send_signal(number)
        await run.is_killed()
    assert log.read_text().split() == ["out"]


@pytest.mark.anyio
async def test_no_message_that_is_none_keeps_a_fault_in(tmp_path: Path) -> None:
    """Whatever else comes: lines that are no JSON, of other shapes, and longer than any of ours."""
    chance, healed = random.Random(1), tmp_path / "healed"  # noqa: S311 - the same each time
    keys = ("id", "heal", "inject", "injected", "command", "heal_command", "created", "removed", "rows", "tried")
    values = (None, True, -1, 10**30, "x", "", [], [1], [[1, "", ""]], [[1]], {}, {"url": []})
    shapes = [{key: chance.choice(values) for key in chance.sample(keys, 3)} for _ in range(300)]
    lines = [b"[" * 100_000, b'"' + b"x" * (17 * 1024 * 1024), b"[]", b"null", *map(chance.randbytes, range(1, 40))]
    lines = [line.replace(b"\n", b"") for line in lines] + [json.dumps(shape).encode() for shape in shapes]
    async with guarded() as run:
        run.tell({"injected": "search_down", "heal_command": shell(f"echo out > {healed}")})
        run.write(b"".join(line + b"\n" for line in lines))
        run.tell({"injected": "cache_down", "heal_command": shell(f"echo out > {healed}.too")})
        await run.is_killed()
    assert healed.read_text() == healed.with_name("healed.too").read_text() == "out\n"


@pytest.mark.anyio
async def test_what_the_run_created_is_removed_and_torn_down(tmp_path: Path) -> None:
    """By its creator; what the target keeps, and what no 201 named, is listed. No secret is written down."""
    asked: list[str] = []

    def habit(request: bytes) -> bytes:
        asked.append(
            request.partition(b" HTTP/")[0].decode() + " " + str(f"bearer {SECRET}".encode() in request.lower())
        )
        return reply("403 Forbidden") if b" /api/resources/2 " in request else reply("204 No Content", b"")

    who = {"subject": "a", "token": SECRET, "scheme": "Bearer", "header": "authorization"}

    async with malformed_server(habit) as url:
        teardown = [{"method": "DELETE", "path": "/api/tenants/{tenant}"}]
        async with guarded(url, teardown=teardown) as run:
            for number, kept in (("1", ""), ("2", ""), ("3", "the create was answered 200, not 201")):
                created = {"url": f"{url}/api/resources/{number}", "id": number, "who": who, "is_guessed": False}
                run.tell({"created": {**created, "kept_because": kept, "variables": {"run_id": "r1"}}})
            run.tell(
                {
                    "teardown": {
                        "variables": {"run_id": "r1", "tenant": "t7"},
                        "set_up": 0,
                        "senders": {"writer": who},
                        "answered": 0,
                    }
                }
            )
            await run.is_killed()
    assert sorted(asked[:2]) == [f"DELETE /api/resources/{number} True" for number in (1, 2)]
    assert asked[2:] == ["DELETE /api/tenants/t7 True"]
    written = "".join(file.read_text() for file in (tmp_path / "state").rglob("*.json"))
    assert "r1" in written
    assert SECRET not in written
    (record,) = take_left_records()
    assert (record.created, record.removed) == (3, 1)
    assert [left.partition("/api/")[2] for left in record.left_behind] == [
        "resources/2",
        "resources/3: the create was answered 200, not 201",
    ]


@pytest.mark.anyio
async def test_a_guardian_that_is_killed_too_leaves_the_heal_command(tmp_path: Path) -> None:
    """As when a whole container is killed. While it lives, its record is nobody else's business."""
    async with guarded() as run:
        run.tell(inject(shell("true"), shell("echo heal me")))
        await run.answer()
        assert list(take_left_records()) == []
        run.process.kill()
        await run.process.wait()
    (record,) = take_left_records()
    assert not record.has_ended
    assert record.faults == {"search_down": shell("echo heal me")}


@pytest.mark.anyio
async def test_a_run_that_ends_in_order_leaves_nothing(tmp_path: Path) -> None:
    """Neither a record nor a process."""
    async with guarded() as run:
        run.tell(inject(shell("true"), shell("true")))
        await run.answer()
        run.tell({"id": 2, "heal": "search_down", "heal_command": shell("true")})
        await run.answer()
        run.tell({"end": True})
        async with asyncio.timeout(LIMIT_S):
            assert await run.process.wait() == 0
    assert list((tmp_path / "state").rglob("*.json")) == []


@pytest.mark.anyio
async def test_a_guardian_that_was_killed_is_replaced_and_told_everything(tmp_path: Path) -> None:
    """The check that met it is broken, the fault is healed, and the next fault has a guardian again.

    The command that it ran goes on without it. It is ended before the fault is healed: it would inject it later.
    """
    log = tmp_path / "log"
    commands = FaultCommands(
        inject=tuple(shell(f"test -e {log} || {{ touch {log}; kill -9 $PPID; sleep 600; }}; echo in >> {log}")),
        heal=tuple(shell(f"echo out >> {log}")),
    )
    profile = Profile.model_validate(
        {"target": {"base_url": "http://127.0.0.1:9"}, "faults": {"search_down": commands}}
    )
    guardian = RunGuardian(profile, RunContext(profile, "r2", Mask()), Guarding())
    faults = DeclaredFaults(profile.faults, guardian)
    with pytest.raises(FaultCommandFailed, match="guardian of the run was killed"):
        async with faults.injected("search_down"):
            pytest.fail("nobody would heal it")
    assert log.read_text().split() == ["out"]
    async with faults.injected("search_down"):
        assert log.read_text().split() == ["out", "in"]
    await guardian.end()
    assert log.read_text().split() == ["out", "in", "out"]
    assert not [process for process in psutil.process_iter(["cmdline"]) if str(log) in str(process.info["cmdline"])]


@pytest.mark.anyio
async def test_nobody_asks_a_guardian_that_is_still_being_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heal comes while the next guardian has no pipe yet. It waits for it; the question would be lost."""
    log = tmp_path / "log"
    commands = FaultCommands(
        inject=tuple(shell("kill -9 $PPID; sleep 600")),
        heal=tuple(shell(f"echo out >> {log}")),
    )
    profile = Profile.model_validate(
        {"target": {"base_url": "http://127.0.0.1:9"}, "faults": {"search_down": commands}}
    )
    guardian = RunGuardian(profile, RunContext(profile, "r2", Mask()), Guarding())
    faults = DeclaredFaults(profile.faults, guardian)
    connect = GuardianPipe.to

    async def slowly(process: subprocess.Popen[bytes]) -> GuardianPipe:
        for _ in range(1000):  # turns of the event loop, in which everything else goes on
            await asyncio.sleep(0)
        return await connect(process)

    monkeypatch.setattr(GuardianPipe, "to", slowly)
    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(FaultCommandFailed, match="guardian of the run was killed"):
            async with faults.injected("search_down"):
                pytest.fail("nobody would heal it")
        await guardian.end()
    assert log.read_text().split() == ["out"]
    await until(lambda: not _guardians())


@pytest.mark.anyio
async def test_a_guardian_that_is_killed_while_a_fault_is_in_is_replaced_at_once(tmp_path: Path) -> None:
    """The run could be killed next. The new one heals the fault then, as the old one would have."""
    log = tmp_path / "log"
    commands = FaultCommands(inject=tuple(shell(f"echo in >> {log}")), heal=tuple(shell(f"echo out >> {log}")))
    profile = Profile.model_validate(
        {"target": {"base_url": "http://127.0.0.1:9"}, "faults": {"search_down": commands}}
    )
    guardian = RunGuardian(profile, RunContext(profile, "r3", Mask()), Guarding())
    assert await guardian.inject("search_down", commands) == ""
    (first,) = _guardians()
    first.kill()
    async with asyncio.timeout(LIMIT_S):
        while [process.pid for process in _guardians()] in ([first.pid], []):
            await asyncio.sleep(0.01)
    await guardian.end()  # with the fault in, as if the run ended here
    await until(lambda: not _guardians())
    assert log.read_text().split() == ["in", "out"]


def _guardians() -> list[psutil.Process]:
    """Of this test."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if alive(child.pid) and MODULE in child.cmdline():
                found.append(child)
    return found


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"run_id": 1}', b"[" * 100_000, b'{"faults": []}', b"\xff\x00"],
    ids=["empty", "open", "list", "null", "number", "deep", "wrong type", "bytes"],
)
def test_a_file_that_is_no_record_is_removed_in_silence(tmp_path: Path, content: bytes) -> None:
    """Half a file of a machine that lost its power."""
    folder = records.private_folder("runs")
    (folder / "x.json").write_bytes(content)
    assert list(take_left_records()) == []
    assert list(folder.iterdir()) == []


def test_a_record_that_others_can_write_is_not_read() -> None:
    """Somebody else could name a command in it."""
    folder = records.private_folder("runs")
    folder.chmod(0o777)
    (folder / "x.json").write_text('{"run_id": "r", "command": "run", "pid": 1, "started_at": "", "target": ""}')
    assert list(take_left_records()) == []


def test_a_run_without_a_state_folder_is_guarded_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It only leaves no record."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert records.RecordFile.create(Record("r", "run", 1, "", "")) is None
