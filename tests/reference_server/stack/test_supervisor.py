"""The supervisor with real processes: order of starts and stops, unexpected exits, pauses."""

import asyncio
import itertools
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import psutil
import pytest

from createflow.reference_server.stack import supervisor
from createflow.reference_server.stack.component import Component, UnexpectedExit
from createflow.reference_server.stack.endpoints import Ports
from createflow.reference_server.stack.supervisor import Supervisor
from createflow.schemas.error import TargetError, UserError

READY_WHEN_FILE = """
import pathlib, signal, socket, subprocess, sys
listener = socket.create_server(('127.0.0.1', int(sys.argv[2])))
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
with open('../order', 'a') as file: file.write(sys.argv[1] + ' started\\n')
child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])
pathlib.Path('child').write_text(str(child.pid))
pathlib.Path('ready').touch()
signal.sigwait({signal.SIGTERM})
with open('../order', 'a') as file: file.write(sys.argv[1] + ' stopped\\n')
"""


def component(
    ports: Ports, directory: Path, name: str, *, script: str = READY_WHEN_FILE, needs: tuple[str, ...] = ()
) -> Component:
    """A small real process that records its start and its stop, and has a child."""
    cwd = directory / name
    cwd.mkdir()
    port = ports.reserve()

    async def ready() -> bool:
        return (cwd / "ready").exists()

    return Component(
        name=name,
        port=port,
        argv=lambda: [sys.executable, "-c", script, name, str(port)],
        cwd=cwd,
        check_ready=ready,
        needs=needs,
    )


class Run:
    """A supervisor over some components, stopped at the end."""

    def __init__(self, directory: Path, components: Sequence[Component]) -> None:
        self.exits: list[UnexpectedExit] = []
        self.died = asyncio.Event()
        self.supervisor = Supervisor(components, logs=directory, on_exit=self._note)
        self._directory = directory

    def _note(self, ended: UnexpectedExit) -> None:
        self.exits.append(ended)
        self.died.set()

    async def __aenter__(self) -> Self:
        await self.supervisor.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.supervisor.stop()

    async def status(self, name: str) -> str:
        """Of the component."""
        return (await self.supervisor.rows([name]))[0].status

    async def pid(self, name: str) -> int:
        """Of the component."""
        return (await self.supervisor.rows([name]))[0].pid

    def order(self) -> list[str]:
        """What the processes recorded."""
        return (self._directory / "order").read_text().splitlines()


def test_what_is_needed_starts_first_and_stops_last(tmp_path: Path, ports: Ports) -> None:
    """The needs decide, not the list."""

    async def scenario() -> list[str]:
        parts = [
            component(ports, tmp_path, "database"),
            component(ports, tmp_path, "service-1", needs=("database",)),
            component(ports, tmp_path, "balancer", needs=("service-1",)),
        ]
        async with Run(tmp_path, parts) as run:
            pass
        return run.order()

    names = ["database", "service-1", "balancer"]
    assert asyncio.run(scenario()) == [
        *(f"{name} started" for name in names),
        *(f"{name} stopped" for name in reversed(names)),
    ]


def test_what_is_thrown_away_ends_at_once_with_its_children(tmp_path: Path, ports: Ports) -> None:
    """Nothing is finished first, and nothing waits for what it needs."""

    async def scenario() -> tuple[list[str], int, list[str]]:
        parts = [
            component(ports, tmp_path, "database"),
            component(ports, tmp_path, "service-1", needs=("database",)),
        ]
        async with Run(tmp_path, parts) as run:
            child = int((tmp_path / "database" / "child").read_text())
            await run.supervisor.stop(at_once=True)
            return run.order(), child, [row.status for row in await run.supervisor.rows()]

    order, child, statuses = asyncio.run(scenario())
    assert order == ["database started", "service-1 started"]
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    assert statuses == ["stopped", "stopped"]


def test_stopping_takes_the_children_along(tmp_path: Path, ports: Ports) -> None:
    """Also a child that the component does not stop."""

    async def scenario() -> int:
        async with Run(tmp_path, [component(ports, tmp_path, "database")]):
            return int((tmp_path / "database" / "child").read_text())

    child = asyncio.run(scenario())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_component_that_cannot_start_is_named_with_the_end_of_its_log(tmp_path: Path, ports: Ports) -> None:
    """What was started already is stopped."""

    async def scenario() -> None:
        parts = [
            component(ports, tmp_path, "database"),
            component(ports, tmp_path, "service-1", script="import sys; sys.exit('no room left')", needs=("database",)),
        ]
        run = Run(tmp_path, parts)
        try:
            await run.supervisor.start()
        finally:
            await run.supervisor.stop()

    with pytest.raises(TargetError, match="service-1 ended with exit status 1") as caught:
        asyncio.run(scenario())
    assert "no room left" in caught.value.message
    assert (tmp_path / "order").read_text().endswith("database stopped\n")


def test_an_unexpected_exit_is_reported_and_mended_and_a_kill_is_neither(tmp_path: Path, ports: Ports) -> None:
    """A component ended by command is ``killed`` and stays it; one that ended by itself is started again."""

    async def scenario() -> None:
        async with Run(
            tmp_path, [component(ports, tmp_path, "service-1"), component(ports, tmp_path, "service-2")]
        ) as run:
            await run.supervisor.kill("service-1")
            assert await run.status("service-1") == "killed"
            assert run.exits == []
            first = await run.pid("service-2")
            main = psutil.Process(first)
            for process in (main, *main.children()):
                process.send_signal(signal.SIGKILL)
            await asyncio.wait_for(run.died.wait(), 10)
            assert [ended.name for ended in run.exits] == ["service-2"]
            assert "signal SIGKILL" in run.exits[0].describe()
            await has_status(run, "service-2", "ready")
            assert await run.pid("service-2") != first
            assert await run.status("service-1") == "killed"
            await run.supervisor.restart("service-1")
            assert {await run.status("service-1"), await run.status("service-2")} == {"ready"}

    asyncio.run(scenario())


def test_a_pause_stops_the_children_too_and_resume_continues_them(tmp_path: Path, ports: Ports) -> None:
    """A server that answers from a child would not be paused otherwise."""

    async def scenario() -> None:
        async with Run(tmp_path, [component(ports, tmp_path, "database")]) as run:
            family = [await run.pid("database"), int((tmp_path / "database" / "child").read_text())]
            await run.supervisor.pause("database")
            assert await run.status("database") == "paused"
            assert {psutil.Process(pid).status() for pid in family} == {psutil.STATUS_STOPPED}
            await run.supervisor.resume("database")
            assert await run.status("database") == "ready"
            assert psutil.STATUS_STOPPED not in {psutil.Process(pid).status() for pid in family}

    asyncio.run(scenario())


def test_a_paused_component_is_stopped_like_any_other(tmp_path: Path, ports: Ports) -> None:
    """Without waiting for the end of its grace."""

    async def scenario() -> list[str]:
        async with Run(tmp_path, [component(ports, tmp_path, "database")]) as run:
            await run.supervisor.pause("database")
        return run.order()

    assert asyncio.run(scenario()) == ["database started", "database stopped"]


def test_what_is_retired_finishes_and_is_not_started_again(tmp_path: Path, ports: Ports) -> None:
    """It is asked to stop, nobody is told of an exit, and it can join again."""

    async def scenario() -> tuple[list[str], list[str], int]:
        async with Run(tmp_path, [component(ports, tmp_path, "service-1")]) as run:
            supervisor = run.supervisor
            seen = [await run.status("service-1")]
            for act in (supervisor.retire, supervisor.retire, supervisor.restart):
                await act("service-1")
                seen.append(await run.status("service-1"))
            assert supervisor.is_running("service-1")
        return seen, run.order(), len(run.exits)

    seen, order, exits = asyncio.run(scenario())
    assert seen == ["ready", "stopped", "stopped", "ready"]
    assert order == ["service-1 started", "service-1 stopped"] * 2
    assert exits == 0


def test_wrong_names_and_states_are_errors(tmp_path: Path, ports: Ports) -> None:
    """The hints name what there is."""

    async def scenario() -> None:
        async with Run(tmp_path, [component(ports, tmp_path, "database")]) as run:
            with pytest.raises(UserError, match="no component 'redis'") as caught:
                run.supervisor.select("redis")
            assert caught.value.hint == "one of: database"
            with pytest.raises(UserError, match="running already"):
                await run.supervisor.restart("database")
            await run.supervisor.kill("database")
            with pytest.raises(UserError, match="not running"):
                await run.supervisor.pause("database")

    asyncio.run(scenario())


def test_a_component_gets_its_environment_on_top_of_ours(tmp_path: Path, ports: Ports) -> None:
    """For example, ours has the PATH."""
    part = component(
        ports, tmp_path, "child", script="import os; print('set:', os.environ['CF_TEST'], 'PATH' in os.environ)"
    )
    part.environment = {"CF_TEST": "1"}
    run = Run(tmp_path, [part])
    with pytest.raises(TargetError, match="set: 1 True"):
        asyncio.run(run.supervisor.start())


ASKS_ITS_NEED = """
import socket, sys
def asked(port):
    with socket.create_connection(("127.0.0.1", port), 0.05) as other:
        other.settimeout(0.05)
        return other.recv(1) == b'1'
listener = socket.create_server(('127.0.0.1', int(sys.argv[2])))
while True:
    client, _ = listener.accept()
    try:
        client.sendall(b'1' if all(asked(int(port)) for port in sys.argv[3:]) else b'0')
    except OSError:
        pass
    client.close()
"""


def chained(ports: Ports, directory: Path, names: Sequence[str]) -> list[Component]:
    """Real processes in a chain: each is ready if it answers, and the one before it is."""
    chain: list[Component] = []
    for name in names:
        (directory / name).mkdir()
        port, needed = ports.reserve(), [str(one.port) for one in chain[-1:]]

        async def ready(port: int = port) -> bool:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                return await reader.read(1) == b"1"
            finally:
                writer.close()

        argv = [sys.executable, "-S", "-E", "-c", ASKS_ITS_NEED, name, str(port), *needed]
        chain.append(
            Component(
                name=name,
                port=port,
                argv=lambda argv=argv: argv,  # type: ignore[misc]  # bound now
                cwd=directory / name,
                check_ready=ready,
                needs=tuple(one.name for one in chain[-1:]),
            )
        )
    return chain


async def do(run: Run, verb: str, name: str) -> bool:
    """Carry out a command; whether it was taken. It is refused only for what the system says of the process now."""
    supervisor = run.supervisor
    actions = {
        "kill": supervisor.kill,
        "pause": supervisor.pause,
        "resume": supervisor.resume,
        "start": supervisor.restart,
    }
    runs = bool(await run.pid(name))
    if (verb == "start") is runs:
        with pytest.raises(UserError, match="running already" if runs else "not running"):
            await actions[verb](name)
        return False
    await asyncio.wait_for(actions[verb](name), 20)
    return True


async def has_status(run: Run, name: str, *wanted: str) -> str:
    """Return the status as soon as it is one of these."""
    async with asyncio.timeout(20):
        while (status := await run.status(name)) not in wanted:
            await asyncio.sleep(0)
    return status


AFTER = {"kill": "killed", "pause": "paused"}


@pytest.mark.many(one_in=3)
@pytest.mark.parametrize(
    ("name", "down"),
    [
        *(("database", down) for down in ("kill", "nothing", "pause")),
        *(("balancer", down) for down in ("pause", "nothing", "kill")),
    ],
)
def test_no_order_of_commands_is_a_dead_end(name: str, down: str, tmp_path: Path, ports: Ports) -> None:
    """Every order of the four commands, with what the component needs there, killed or paused; then all gets well.

    A replica that was started while its primary was down used to be ``starting`` for ever, and refused every command.
    """
    names = ["engine", "database", "service-1", "balancer"]

    async def scenario() -> None:
        async with Run(tmp_path, chained(ports, tmp_path, names)) as run:
            for order in itertools.permutations(("kill", "pause", "resume", "start")):
                need = names[names.index(name) - 1]
                if down != "nothing":
                    assert await do(run, down, need)
                for verb in order:
                    taken = await do(run, verb, name)
                    status = await run.status(name)
                    if verb in AFTER and taken:
                        assert status == AFTER[verb], order
                    if verb in {"resume", "start"} and taken:
                        assert status in ({"ready"} if down == "nothing" else {"starting", "not ready"}), order
                if down != "nothing":
                    assert await do(run, {"kill": "start", "pause": "resume"}[down], need)
                for one in names:  # the way out is the same, whatever happened
                    await do(run, "resume" if await run.pid(one) else "start", one)
                    await has_status(run, one, "ready")
            assert run.exits == []

    asyncio.run(scenario())


def test_what_others_do_to_a_process_is_seen(tmp_path: Path, ports: Ports) -> None:
    """A signal from elsewhere changes the state as a command does, and the commands work on it."""

    async def scenario() -> None:
        async with Run(tmp_path, chained(ports, tmp_path, ["database", "service-1"])) as run:
            psutil.Process(await run.pid("database")).send_signal(signal.SIGSTOP)
            await has_status(run, "database", "paused")
            await has_status(run, "service-1", "not ready")
            await run.supervisor.resume("database")
            assert await run.status("service-1") == "ready"
            psutil.Process(await run.pid("database")).send_signal(signal.SIGKILL)
            await asyncio.wait_for(run.died.wait(), 20)
            assert await run.status("database") == "died"
            await run.supervisor.restart("database")
            assert {row.status for row in await run.supervisor.rows()} == {"ready"}

    asyncio.run(scenario())


def test_a_start_that_waits_can_be_ended_by_another_command(tmp_path: Path, ports: Ports) -> None:
    """It says what happened; two starts at a time start it once."""

    async def scenario() -> None:
        [never] = chained(ports, tmp_path, ["database"])
        run = Run(tmp_path, [never])
        try:
            await run.supervisor.start()
            await run.supervisor.kill("database")
            never.argv = lambda: [sys.executable, "-c", "import signal; signal.pause()"]
            both = [asyncio.create_task(run.supervisor.restart("database")) for _ in range(2)]
            await has_status(run, "database", "starting")
            await run.supervisor.kill("database")
            messages = sorted(str(error) for error in await asyncio.gather(*both, return_exceptions=True))
            assert messages == ["database is running already", "database was killed before it was ready"]
            assert run.exits == []
        finally:
            await run.supervisor.stop()

    asyncio.run(scenario())


FALLS = """
import os, pathlib, socket, sys
starts = pathlib.Path('starts')
starts.write_text(starts.read_text() + 'x' if starts.exists() else 'x')
listener = socket.create_server(('127.0.0.1', int(sys.argv[2])))
if len(starts.read_text()) in {2, 3}:
    sys.exit('cannot work yet')
pathlib.Path('ready').touch()
if len(starts.read_text()) == 1:
    pathlib.Path('pid').write_text(str(os.getpid()))
import signal; signal.pause()
"""


def test_a_component_that_falls_again_and_again_is_started_until_it_stands(tmp_path: Path, ports: Ports) -> None:
    """The user is told once."""

    async def scenario() -> None:
        async with Run(tmp_path, [component(ports, tmp_path, "broker", script=FALLS)]) as run:
            psutil.Process(await run.pid("broker")).kill()
            async with asyncio.timeout(20):
                while (tmp_path / "broker" / "starts").read_text() != "xxxx":
                    await asyncio.sleep(0.01)
            await has_status(run, "broker", "ready")
            assert [ended.name for ended in run.exits] == ["broker"]

    asyncio.run(scenario())


def test_a_component_that_says_that_it_is_broken_is_started_again_once_its_disk_has_room(
    tmp_path: Path, ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, a restart would only cost; meanwhile it is not ready, whatever it answers."""
    for name, value in (("_WORK_POLL_S", 0.02), ("_STABLE_S", 0.0)):
        monkeypatch.setattr(supervisor, name, value)
    asked = 0
    rooms = {tmp_path: False}
    monkeypatch.setattr(supervisor, "has_room", rooms.__getitem__)

    async def says_broken() -> bool:
        nonlocal asked
        asked += 1
        return asked < 10

    async def scenario() -> None:
        part = component(ports, tmp_path, "broker")
        part.says_broken = says_broken
        rooms[tmp_path] = True
        part.data = tmp_path
        async with Run(tmp_path, [part]) as run:
            rooms[tmp_path] = False
            before = asked
            first = await run.pid("broker")
            assert await run.status("broker") == "not ready"
            rooms[tmp_path] = True
            await asyncio.wait_for(run.died.wait(), 20)
            assert "cannot work any more" in run.exits[0].describe()
            async with asyncio.timeout(20):
                while await run.pid("broker") in {0, first}:
                    await asyncio.sleep(0.01)
            assert asked > before
            await has_status(run, "broker", "ready")

    asyncio.run(scenario())


ENDLESS_LOG = """
import pathlib, socket, sys, time
listener = socket.create_server(('127.0.0.1', int(sys.argv[2])))
pathlib.Path("ready").touch()
number = 0
while True:
    print(f"line {number:04}", flush=True)
    number += 1
    time.sleep(0.0001)
"""


def test_a_log_never_has_more_than_two_files_and_the_program_writes_on(
    tmp_path: Path, ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text before the last turn is kept, for this user only."""
    monkeypatch.setattr(supervisor, "_LOG_POLL_S", 0.01)
    monkeypatch.setattr(supervisor, "_LOG_MAX_BYTES", 1000)
    log, old = tmp_path / "talker.log", tmp_path / "talker.log.old"

    async def main() -> None:
        async with Run(tmp_path, [component(ports, tmp_path, "talker", script=ENDLESS_LOG)]):
            first = await lines_of(old, "")
            later = await lines_of(old, first)
            assert later > first
            assert not (await lines_of(log, "")).startswith("\0")

    async def lines_of(file: Path, earlier: str) -> str:
        """The first line of the file, once it is another one than before."""
        while True:
            await asyncio.sleep(0.01)
            line = file.read_text().partition("\n")[0] if file.exists() else ""
            if line and line != earlier:
                return line

    asyncio.run(asyncio.wait_for(main(), 60))
    assert {path.name for path in tmp_path.glob("talker.log*")} == {"talker.log", "talker.log.old"}
    assert old.stat().st_mode & 0o777 == 0o600
