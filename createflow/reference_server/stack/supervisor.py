"""Starts components as soon as what they need is ready, notices deaths, and stops all in reverse."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from createflow.reference_server.stack import ports
from createflow.reference_server.stack.component import Component, Death, Row, Status
from createflow.reference_server.stack.process import Process
from createflow.schemas.error import TargetError, UserError

_START_LIMIT_S = 40.0
_POLL_S = 0.025


class Supervisor:
    """Runs a fixed set of components.

    Args:
        components: in an order in which each stands after those it needs.
        logs: directory; each component gets ``NAME.log``.
        on_death: called when a component ends without having been asked to.
    """

    def __init__(self, components: Sequence[Component], *, logs: Path, on_death: Callable[[Death], None]) -> None:
        self._components = {component.name: component for component in components}
        self._logs = logs
        self._on_death = on_death
        self._processes: dict[str, Process] = {}
        self._status = dict.fromkeys(self._components, Status.WAITING)
        self._ready = {name: asyncio.Event() for name in self._components}
        self._watchers: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Bring all components up, in parallel where needs allow.

        Raises:
            TargetError: one ended or did not become ready; the message has the end of its log.
        """
        tasks = [asyncio.create_task(self._bring_up(component)) for component in self._components.values()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self) -> None:
        """Stop all components, those that are needed by others last."""
        for level in reversed(self._levels()):
            await asyncio.gather(*(self._stop_one(name) for name in level))
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    def rows(self) -> list[Row]:
        """The status table."""
        return [
            Row(c.name, c.address, self._status[c.name], self._pid(c.name), c.note) for c in self._components.values()
        ]

    def select(self, word: str) -> list[str]:
        """Names of the components called ``word`` or of the kind ``word``.

        Raises:
            UserError: there is none.
        """
        names = [c.name for c in self._components.values() if word in (c.name, c.kind)]
        if not names:
            raise UserError(
                f"there is no component {word!r} in this stack", hint="one of: " + ", ".join(self._components)
            )
        return names

    async def pause(self, name: str) -> None:
        """SIGSTOP: it is there and does not answer."""
        await self._running(name).pause()
        self._status[name] = Status.PAUSED

    async def resume(self, name: str) -> None:
        """SIGCONT, and wait until it answers."""
        self._running(name).resume()
        await self._wait_ready(self._components[name])
        self._status[name] = Status.READY

    async def kill(self, name: str) -> None:
        """SIGKILL, and wait until it is gone."""
        process = self._running(name)
        self._status[name] = Status.KILLED
        process.kill()
        await process.wait()

    async def revive(self, name: str) -> None:
        """Start a component that was killed or died, and wait until it answers."""
        if self._status[name] is Status.STARTING or (name in self._processes and self._processes[name].running):
            raise UserError(
                f"{name} is running already",
                hint=f"createflow stack kill {name} ends it, resume continues it",
            )
        await self._launch(self._components[name])
        self._status[name] = Status.READY

    async def _bring_up(self, component: Component) -> None:
        async def needs() -> None:
            for name in component.needs:
                await self._ready[name].wait()

        await component.prepare()
        if not component.waits_itself:
            await needs()
        await self._launch(component)
        await component.settle()
        self._status[component.name] = Status.READY
        self._ready[component.name].set()

    async def _launch(self, component: Component) -> None:
        self._status[component.name] = Status.STARTING
        process = Process(
            component.argv(),
            cwd=component.cwd,
            log=self._log(component.name),
            account=component.account,
            environment=component.environment,
            niceness=component.niceness,
        )
        try:
            await process.start()
        except OSError as error:
            raise TargetError(component.name, f"cannot be started: {error}") from error
        self._processes[component.name] = process
        watcher = asyncio.create_task(self._watch(component.name, process))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        await self._wait_ready(component)

    async def _wait_ready(self, component: Component) -> None:
        process = self._processes[component.name]
        deadline = time.monotonic() + _START_LIMIT_S
        listens = False
        while not (listens and await _answers(component)):
            # A refused connection costs nothing; a database client or a TLS handshake for every look would cost more
            # than the engine's own start.
            listens = listens or ports.somebody_listens(component.port)
            if not process.running:
                raise TargetError("the bundled stack", self._death(component.name).describe())
            if time.monotonic() > deadline:
                raise TargetError(
                    "the bundled stack",
                    f"{component.name} at {component.address} is not ready after {_START_LIMIT_S:.0f} s; the end of "
                    f"{self._log(component.name)}:\n{process.log_tail()}",
                )
            await asyncio.sleep(_POLL_S)

    async def _watch(self, name: str, process: Process) -> None:
        await process.wait()
        if self._status[name] in (Status.READY, Status.PAUSED):
            self._status[name] = Status.DIED
            self._on_death(self._death(name))

    async def _stop_one(self, name: str) -> None:
        component = self._components[name]
        process = self._processes.get(name)
        self._status[name] = Status.STOPPED
        if process is not None:
            await process.stop(component.stop_signal, grace_s=component.grace_s)

    def _levels(self) -> list[list[str]]:
        """Names by how deep their chain of needs is, the needless ones first."""
        depth: dict[str, int] = {}
        for component in self._components.values():
            depth[component.name] = 1 + max((depth[need] for need in component.needs), default=-1)
        return [
            [name for name, level in depth.items() if level == wanted]
            for wanted in range(max(depth.values(), default=-1) + 1)
        ]

    def _running(self, name: str) -> Process:
        process = self._processes.get(name)
        if process is None or not process.running:
            raise UserError(f"{name} is not running", hint=f"createflow stack start {name}")
        return process

    def _death(self, name: str) -> Death:
        process = self._processes[name]
        return Death(name, process.ended_with or 0, self._log(name), process.log_tail())

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _pid(self, name: str) -> int:
        process = self._processes.get(name)
        return process.pid if process is not None and process.running else 0


async def _answers(component: Component) -> bool:
    try:
        return await asyncio.wait_for(component.ready(), 2.0)
    except (OSError, TimeoutError):
        return False
