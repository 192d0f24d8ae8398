"""The supervisor with real processes: order of starts and stops, unexpected exits, pauses."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import psutil
import pytest

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

    def status(self, name: str) -> str:
        """Of the component."""
        return next(row.status for row in self.supervisor.rows() if row.name == name)

    def pid(self, name: str) -> int:
        """Of the component."""
        return next(row.pid for row in self.supervisor.rows() if row.name == name)

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


def test_an_unexpected_exit_is_reported_once_and_a_kill_is_not_one(tmp_path: Path, ports: Ports) -> None:
    """A component ended by command is ``killed``; one that ended by itself is ``died``; both can be started again."""

    async def scenario() -> None:
        async with Run(
            tmp_path, [component(ports, tmp_path, "service-1"), component(ports, tmp_path, "service-2")]
        ) as run:
            await run.supervisor.kill("service-1")
            assert run.status("service-1") == "killed"
            assert run.exits == []
            psutil.Process(run.pid("service-2")).send_signal(signal.SIGKILL)
            await asyncio.wait_for(run.died.wait(), 10)
            assert [ended.name for ended in run.exits] == ["service-2"]
            assert "signal SIGKILL" in run.exits[0].describe()
            assert run.status("service-2") == "died"
            for name in run.supervisor.select("service"):
                await run.supervisor.restart(name)
            assert {run.status("service-1"), run.status("service-2")} == {"ready"}

    asyncio.run(scenario())


def test_a_pause_stops_the_children_too_and_resume_continues_them(tmp_path: Path, ports: Ports) -> None:
    """A server that answers from a child would not be paused otherwise."""

    async def scenario() -> None:
        async with Run(tmp_path, [component(ports, tmp_path, "database")]) as run:
            family = [run.pid("database"), int((tmp_path / "database" / "child").read_text())]
            await run.supervisor.pause("database")
            assert run.status("database") == "paused"
            assert {psutil.Process(pid).status() for pid in family} == {psutil.STATUS_STOPPED}
            await run.supervisor.resume("database")
            assert run.status("database") == "ready"
            assert psutil.STATUS_STOPPED not in {psutil.Process(pid).status() for pid in family}

    asyncio.run(scenario())


def test_a_paused_component_is_stopped_like_any_other(tmp_path: Path, ports: Ports) -> None:
    """Without waiting for the end of its grace."""

    async def scenario() -> list[str]:
        async with Run(tmp_path, [component(ports, tmp_path, "database")]) as run:
            await run.supervisor.pause("database")
        return run.order()

    assert asyncio.run(scenario()) == ["database started", "database stopped"]


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
