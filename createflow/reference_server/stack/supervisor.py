"""Starts components when their needs are ready, starts again what ends by itself, and stops all in reverse order."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from createflow.reference_server.stack.child_process import ChildProcess
from createflow.reference_server.stack.component import Component, Status, StatusRow, UnexpectedExit
from createflow.reference_server.stack.endpoints import has_room, is_listening
from createflow.schemas.error import TargetError, UserError

_START_LIMIT_S = 40.0
_ASK_LIMIT_S = 1.0
_POLL_S = 0.025
_LOG_POLL_S = 5.0
_LOG_MAX_BYTES = 32 * 1024**2
_WORK_POLL_S = 1.5
_BROKEN_ANSWERS = 2
"""How often in a row a component must say that it is broken."""
_RESTART_AFTER_S = 0.1
_RESTART_AFTER_MAX_S = 2.0
_STABLE_S = 10.0
"""One that ends before this has fallen again; each time in a row the next start waits twice as long."""


@dataclass(slots=True, eq=False)
class _Started:
    """A process that was started for a component."""

    process: ChildProcess
    is_awaited: bool = True
    """A command waits for it, and tells its user if it ends."""
    was_ready: bool = False
    end: Status = Status.DIED
    """What to call its end: it ended by itself, unless a command has ended it."""
    falls: int = 0
    """How many starts before it ended by themselves, one after the other and soon."""
    is_told: bool = False
    """The user knows already that it ends."""
    at: float = field(default_factory=time.monotonic)

    @property
    def age_s(self) -> float:
        """How long ago it was started."""
        return time.monotonic() - self.at


class Supervisor:
    """Runs a fixed set of components.

    The state of a component is not remembered but asked: of its process whether it runs or is stopped, and of the
    component whether it is ready. So no order of commands and of what happens outside leads to a state without a way
    out: what runs can be killed, paused and resumed, and what does not run can be started.

    Args:
        components: each comes after those that it needs.
        logs: directory; each component writes to ``NAME.log``.
        on_exit: called when a component ends by itself. It is started again, with growing pauses; of ends one after the
            other only the first is told.
    """

    def __init__(
        self, components: Sequence[Component], *, logs: Path, on_exit: Callable[[UnexpectedExit], None]
    ) -> None:
        self._components = {component.name: component for component in components}
        self._logs = logs
        self._on_death = on_exit
        self._started: dict[str, _Started] = {}
        self._changes = {name: asyncio.Lock() for name in self._components}
        self._ready = {name: asyncio.Event() for name in self._components}
        self._watchers: set[asyncio.Task[None]] = set()
        self._is_up = False
        self._is_over = False

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
        self._is_up = True
        for component in self._components.values():
            if component.says_broken is not None:
                self._watch_over(self._keep_working(component))
        self._watch_over(self._turn_logs())

    async def stop(self, *, at_once: bool = False) -> None:
        """Stop all components; one that others need is stopped after them.

        Args:
            at_once: nothing of them is needed any more, so none waits for another, or finishes what it does.
        """
        self._is_over = True
        for level in [list(self._components)] if at_once else reversed(self._levels()):
            await asyncio.gather(*(self._stop_one(name, at_once=at_once) for name in level))
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    async def rows(self, names: Iterable[str] | None = None) -> list[StatusRow]:
        """Return the status table: of these components, or of all.

        Each component that runs is asked whether it is ready, so this takes a second if one does not answer.
        """
        components = [self._components[name] for name in (self._components if names is None else names)]
        statuses = await asyncio.gather(*(self._ask_status(component) for component in components))
        return [
            StatusRow(c.name, c.address, status, self._pid(c.name), c.note)
            for c, status in zip(components, statuses, strict=True)
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
        """Stop it with SIGSTOP: it exists and does not answer.

        Raises:
            UserError: it is not running.
        """
        async with self._changes[name]:
            await self._running(name).process.pause()

    async def resume(self, name: str) -> None:
        """Continue it with SIGCONT, and wait until it is ready, or until it cannot be because a need is not there.

        Raises:
            UserError: it is not running.
            TargetError: it ended or did not become ready.
        """
        async with self._changes[name]:
            started = self._running(name)
            started.process.resume()
        await self._wait_ready(self._components[name], started)

    async def kill(self, name: str) -> None:
        """End it with SIGKILL, and wait until it has ended.

        Raises:
            UserError: it is not running.
        """
        async with self._changes[name]:
            started = self._running(name)
            started.end = Status.KILLED
            await started.process.kill()

    async def retire(self, name: str) -> None:
        """Stop it when it has finished what it does, if it runs."""
        await self._stop_one(name, at_once=False)

    def is_running(self, name: str) -> bool:
        """Whether its process runs."""
        return name in self._started and self._started[name].process.is_running

    async def restart(self, name: str) -> None:
        """Start a component that was killed or died, and wait as ``resume`` does.

        Raises:
            UserError: it is running.
            TargetError: it ended or did not become ready.
        """
        async with self._changes[name]:
            if self.is_running(name):
                raise UserError(
                    f"{name} is running already",
                    hint=f"createflow stack kill {name} ends it, createflow stack resume {name} continues it",
                )
            started = await self._launch(self._components[name])
        await self._wait_ready(self._components[name], started)

    async def _start_component(self, component: Component) -> None:
        async def wait_for_needs() -> None:
            for name in component.needs:
                await self._ready[name].wait()

        await component.prepare()
        if not component.starts_early:
            await wait_for_needs()
        started = await self._launch(component)
        await self._wait_ready(component, started, whatever_it_needs=True)
        await component.initialise()
        self._ready[component.name].set()

    async def _launch(self, component: Component) -> _Started:
        if self._is_over:
            raise UserError("the stack is being stopped")
        started = _Started(
            ChildProcess(
                component.argv(),
                cwd=component.cwd,
                log=self._log(component.name),
                user=component.user,
                environment=component.environment,
                niceness=component.niceness,
            )
        )
        try:
            await started.process.start()
        except OSError as error:
            raise TargetError(component.name, f"cannot be started: {error}") from error
        self._started[component.name] = started
        self._watch_over(self._watch(component.name, started))
        return started

    def _watch_over(self, work: Coroutine[None, None, None]) -> None:
        watcher = asyncio.create_task(work)
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def _wait_ready(self, component: Component, started: _Started, *, whatever_it_needs: bool = False) -> None:
        """Wait until it is ready; or, unless ``whatever_it_needs``, until a need is found that is not there.

        Raises:
            TargetError: it ended by itself, or is not ready in time.
            UserError: another command has ended or paused it.
        """
        process = started.process
        deadline = time.monotonic() + _START_LIMIT_S
        listens = False
        started.is_awaited = True
        try:
            while not (listens and await _is_ready(component, 2.0)):
                # A refused connection costs nothing. A database client or a TLS handshake for each check would cost
                # more than the engine's own start.
                listens = listens or is_listening(component.port)
                if not process.is_running:
                    if started.end is not Status.DIED:
                        raise UserError(f"{component.name} was {started.end} before it was ready")
                    raise TargetError("the bundled stack", self._exit_of(component.name, process).describe())
                if process.is_paused:
                    raise UserError(f"{component.name} was paused before it was ready")
                if not whatever_it_needs and not self._has_needs(component):
                    return
                if time.monotonic() > deadline:
                    raise TargetError(
                        "the bundled stack",
                        f"{component.name} at {component.address} is not ready after {_START_LIMIT_S:.0f} s; the end "
                        f"of {self._log(component.name)}:\n{process.log_tail()}",
                    )
                await asyncio.sleep(_POLL_S)
            started.was_ready = True
        finally:
            started.is_awaited = not process.is_running  # its end has been told already

    def _has_needs(self, component: Component) -> bool:
        """Whether everything that it needs runs and is not paused, and everything that those need."""
        for name in component.needs:
            started = self._started.get(name)
            if started is None or not started.process.is_running or started.process.is_paused:
                return False
            if not self._has_needs(self._components[name]):
                return False
        return True

    async def _watch(self, name: str, started: _Started) -> None:
        await started.process.wait()
        if started.end is not Status.DIED or not self._is_up:
            return
        if started.age_s > _STABLE_S:
            started.falls = 0
        if not started.is_awaited and not started.falls and not started.is_told:
            self._on_death(self._exit_of(name, started.process))
        while not await self._start_again(name, started):
            pass

    async def _start_again(self, name: str, ended: _Started) -> bool:
        """Start a component that has ended by itself, unless somebody else has; False when that did not work."""
        await asyncio.sleep(min(_RESTART_AFTER_S * 2**ended.falls, _RESTART_AFTER_MAX_S))
        async with self._changes[name]:
            if self._started[name] is not ended or self._is_over:
                return True
            ended.falls += 1
            try:
                started = await self._launch(self._components[name])
            except TargetError:  # for example, there are too many processes
                return False
            started.falls = ended.falls
            started.is_awaited = False
            return True

    async def _keep_working(self, component: Component) -> None:
        """Start a component again that says, several times in a row, that it cannot work any more."""
        assert component.says_broken is not None  # noqa: S101 - the caller has looked
        answers = 0
        while True:
            await asyncio.sleep(_WORK_POLL_S)
            started = self._started[component.name]
            process = started.process
            able = process.is_running and not process.is_paused and started.age_s > _STABLE_S and _has_room(component)
            answers = answers + 1 if able and await component.says_broken() else 0
            if answers < _BROKEN_ANSWERS:
                continue
            answers = 0
            async with self._changes[component.name]:
                if self._started[component.name] is started and process.is_running and not self._is_over:
                    self._on_death(replace(self._exit_of(component.name, process), is_broken=True))
                    started.is_told = True
                    await process.stop(component.stop_signal, grace_s=component.grace_s)

    async def _turn_logs(self) -> None:
        """Each component has two files of its log at most: a line for each request would fill any disk."""
        while True:
            await asyncio.sleep(_LOG_POLL_S)
            for started in list(self._started.values()):
                await asyncio.to_thread(started.process.turn_log, _LOG_MAX_BYTES)

    async def _stop_one(self, name: str, *, at_once: bool) -> None:
        component = self._components[name]
        async with self._changes[name]:
            started = self._started.get(name)
            if started is not None and started.process.is_running:
                started.end = Status.STOPPED
                how = component.abort_signal if at_once else component.stop_signal
                await started.process.stop(how, grace_s=component.grace_s)

    async def _ask_status(self, component: Component) -> Status:
        started = self._started.get(component.name)
        if started is None:
            return Status.WAITING
        if started.process.is_running and not started.process.is_paused and await _is_ready(component, _ASK_LIMIT_S):
            started.was_ready = True
            return Status.READY
        if not started.process.is_running:
            return started.end
        if started.process.is_paused:
            return Status.PAUSED
        return Status.NOT_READY if started.was_ready else Status.STARTING

    def _levels(self) -> list[list[str]]:
        """Return the names by the length of their chain of needs, those without needs first."""
        depth: dict[str, int] = {}
        for component in self._components.values():
            depth[component.name] = 1 + max((depth[need] for need in component.needs), default=-1)
        return [
            [name for name, level in depth.items() if level == wanted]
            for wanted in range(max(depth.values(), default=-1) + 1)
        ]

    def _running(self, name: str) -> _Started:
        started = self._started.get(name)
        if started is None or not started.process.is_running:
            raise UserError(f"{name} is not running", hint=f"createflow stack start {name}")
        return started

    def _exit_of(self, name: str, process: ChildProcess) -> UnexpectedExit:
        return UnexpectedExit(name, process.exit_status or 0, self._log(name), process.log_tail())

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _pid(self, name: str) -> int:
        started = self._started.get(name)
        return started.process.pid if started is not None and started.process.is_running else 0


def _has_room(component: Component) -> bool:
    return component.data is None or has_room(component.data)


async def _is_ready(component: Component, limit_s: float) -> bool:
    try:
        return _has_room(component) and await asyncio.wait_for(component.check_ready(), limit_s)
    except (OSError, TimeoutError):
        return False
