"""Starts components as soon as their needs are ready, notices unexpected exits, and stops all in reverse order."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from createflow.reference_server.stack.child_process import ChildProcess
from createflow.reference_server.stack.component import Component, Status, StatusRow, UnexpectedExit
from createflow.reference_server.stack.endpoints import is_listening
from createflow.schemas.error import TargetError, UserError

_START_LIMIT_S = 40.0
_POLL_S = 0.025


class Supervisor:
    """Runs a fixed set of components.

    Args:
        components: each comes after those that it needs.
        logs: directory; each component writes to ``NAME.log``.
        on_exit: called when a component ends by itself.
    """

    def __init__(
        self, components: Sequence[Component], *, logs: Path, on_exit: Callable[[UnexpectedExit], None]
    ) -> None:
        self._components = {component.name: component for component in components}
        self._logs = logs
        self._on_death = on_exit
        self._processes: dict[str, ChildProcess] = {}
        self._status = dict.fromkeys(self._components, Status.WAITING)
        self._ready = {name: asyncio.Event() for name in self._components}
        self._watchers: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start all components, in parallel where their needs allow it.

        Raises:
            TargetError: one ended or did not become ready; the message has the end of its log.
        """
        tasks = [asyncio.create_task(self._start_component(component)) for component in self._components.values()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self) -> None:
        """Stop all components; one that others need is stopped after them."""
        for level in reversed(self._levels()):
            await asyncio.gather(*(self._stop_one(name) for name in level))
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    def rows(self) -> list[StatusRow]:
        """Return the status table."""
        return [
            StatusRow(c.name, c.address, self._status[c.name], self._pid(c.name), c.note)
            for c in self._components.values()
        ]

    def select(self, name_or_kind: str) -> list[str]:
        """Return the names of the components with this name or of this kind.

        Raises:
            UserError: there is none.
        """
        names = [c.name for c in self._components.values() if name_or_kind in (c.name, c.kind)]
        if not names:
            raise UserError(
                f"there is no component {name_or_kind!r} in this stack", hint="one of: " + ", ".join(self._components)
            )
        return names

    async def pause(self, name: str) -> None:
        """Stop it with SIGSTOP: it exists and does not answer."""
        await self._running(name).pause()
        self._status[name] = Status.PAUSED

    async def resume(self, name: str) -> None:
        """Continue it with SIGCONT, and wait until it answers."""
        self._running(name).resume()
        await self._wait_ready(self._components[name])
        self._status[name] = Status.READY

    async def kill(self, name: str) -> None:
        """End it with SIGKILL, and wait until it has ended."""
        process = self._running(name)
        self._status[name] = Status.KILLED
        process.kill()
        await process.wait()

    async def restart(self, name: str) -> None:
        """Start a component that was killed or died, and wait until it answers.

        Raises:
            UserError: it is running.
            TargetError: it ended or did not become ready.
        """
        if self._status[name] is Status.STARTING or (name in self._processes and self._processes[name].is_running):
            raise UserError(
                f"{name} is running already",
                hint=f"createflow stack kill {name} ends it, createflow stack resume {name} continues it",
            )
        await self._launch(self._components[name])
        self._status[name] = Status.READY

    async def _start_component(self, component: Component) -> None:
        async def wait_for_needs() -> None:
            for name in component.needs:
                await self._ready[name].wait()

        await component.prepare()
        if not component.starts_early:
            await wait_for_needs()
        await self._launch(component)
        await component.initialise()
        self._status[component.name] = Status.READY
        self._ready[component.name].set()

    async def _launch(self, component: Component) -> None:
        self._status[component.name] = Status.STARTING
        process = ChildProcess(
            component.argv(),
            cwd=component.cwd,
            log=self._log(component.name),
            user=component.user,
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
        while not (listens and await _is_ready(component)):
            # A refused connection costs nothing. A database client or a TLS handshake for each check would cost more
            # than the engine's own start.
            listens = listens or is_listening(component.port)
            if not process.is_running:
                raise TargetError("the bundled stack", self._exit_of(component.name).describe())
            if time.monotonic() > deadline:
                raise TargetError(
                    "the bundled stack",
                    f"{component.name} at {component.address} is not ready after {_START_LIMIT_S:.0f} s; the end of "
                    f"{self._log(component.name)}:\n{process.log_tail()}",
                )
            await asyncio.sleep(_POLL_S)

    async def _watch(self, name: str, process: ChildProcess) -> None:
        await process.wait()
        if self._status[name] in (Status.READY, Status.PAUSED):
            self._status[name] = Status.DIED
            self._on_death(self._exit_of(name))

    async def _stop_one(self, name: str) -> None:
        component = self._components[name]
        process = self._processes.get(name)
        self._status[name] = Status.STOPPED
        if process is not None:
            await process.stop(component.stop_signal, grace_s=component.grace_s)

    def _levels(self) -> list[list[str]]:
        """Return the names by the length of their chain of needs, those without needs first."""
        depth: dict[str, int] = {}
        for component in self._components.values():
            depth[component.name] = 1 + max((depth[need] for need in component.needs), default=-1)
        return [
            [name for name, level in depth.items() if level == wanted]
            for wanted in range(max(depth.values(), default=-1) + 1)
        ]

    def _running(self, name: str) -> ChildProcess:
        process = self._processes.get(name)
        if process is None or not process.is_running:
            raise UserError(f"{name} is not running", hint=f"createflow stack start {name}")
        return process

    def _exit_of(self, name: str) -> UnexpectedExit:
        process = self._processes[name]
        return UnexpectedExit(name, process.exit_status or 0, self._log(name), process.log_tail())

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _pid(self, name: str) -> int:
        process = self._processes.get(name)
        return process.pid if process is not None and process.is_running else 0


async def _is_ready(component: Component) -> bool:
    try:
        return await asyncio.wait_for(component.check_ready(), 2.0)
    except (OSError, TimeoutError):
        return False
