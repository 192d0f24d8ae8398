"""A running stack, from an empty directory to the last process gone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from createflow.reference_server.adapters import engine_admin
from createflow.reference_server.stack import control
from createflow.reference_server.stack.assembly import StackPlan, plan_stack
from createflow.reference_server.stack.child_process import Guardian
from createflow.reference_server.stack.component import StatusRow, UnexpectedExit
from createflow.reference_server.stack.endpoints import Ports
from createflow.reference_server.stack.options import StackOptions
from createflow.reference_server.stack.state import State
from createflow.reference_server.stack.supervisor import Supervisor
from createflow.schemas.error import UserError

_HANGS_S = 0.3
_SCALED = ("service", "gateway", "worker")


class RunningStack:
    """A stack while it runs: its addresses, its status, and the commands of ``createflow stack``."""

    def __init__(self, state: State, plan: StackPlan, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._admin_dsn = plan.admin_dsn
        self._replica_admin_dsns = plan.replica_admin_dsns
        self._search = plan.search
        self._door = plan.door
        self._crashing = asyncio.Lock()
        self.profile_file = state.profile_file
        self.join_files = state.join if plan.write_join_files is not None else None
        self.base_url = plan.base_url
        self.notes = plan.notes
        self.defects = plan.defects
        self.logs = state.logs

    async def rows(self) -> list[StatusRow]:
        """Ask every component for its state, and return the status table."""
        return await self._supervisor.rows()

    async def execute(self, verb: str, target: str, is_shown: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002
        """Carry out a command of ``createflow stack`` and return its reply.

        Args:
            verb: for example ``pause``.
            target: a component, a kind of component, or the fault to inject.
            is_shown: the reply has the state of the components, each of which is asked.

        Raises:
            UserError: there is no such verb or target, or its state does not allow the command.
        """
        names: list[str] | None = None
        if verb in ("inject", "heal"):
            await self._inject(target, inject=verb == "inject")
        elif verb == "scale":
            names = await self._scale(target)
        elif verb != "status":
            actions = {
                "pause": self._supervisor.pause,
                "resume": self._supervisor.resume,
                "kill": self._supervisor.kill,
                "start": self._supervisor.restart,
            }
            if verb not in actions:
                known = ", ".join(("status", "scale", "inject", "heal", *actions))
                raise UserError(f"a stack cannot {verb}", hint=f"one of: {known}")
            names = self._supervisor.select(target)
            done = await asyncio.gather(*(actions[verb](name) for name in names), return_exceptions=True)
            for error in done:
                if error is not None:
                    raise error
        if not is_shown:
            return {}
        rows = await self._supervisor.rows(names)
        if names is None and self._door is not None:
            rows += self._door.rows()
        return {"rows": [asdict(row) for row in rows]}

    async def _scale(self, target: str) -> list[str]:
        """Let as many components of a kind run as ``service=2`` says. Those that leave finish what they do."""
        kind, _, number = target.partition("=")
        names = self._supervisor.select(kind)
        if kind not in _SCALED or not number.isascii() or not number.isdigit() or not 1 <= int(number) <= len(names):
            raise UserError(
                f"cannot scale {target!r}: {', '.join(_SCALED)} can be scaled, here {kind} to 1 to {len(names)}",
                hint="createflow stack scale service=2; createflow up --services N says how many there can be",
            )
        staying, leaving = names[: int(number)], names[int(number) :]
        joining = [name for name in staying if not self._supervisor.is_running(name)]
        # Those that join come first: at no time there are fewer than before and after.
        await asyncio.gather(*map(self._supervisor.restart, joining))
        await asyncio.gather(*map(self._supervisor.retire, leaving))
        return names

    async def _inject(self, target: str, *, inject: bool) -> None:
        if target in engine_admin.SCRIPTS:
            await engine_admin.run_script(self._admin_dsn, engine_admin.SCRIPTS[target][0 if inject else 1])
            return
        if target == "replica-lag":
            for dsn in self._replica_admin_dsns:
                await engine_admin.pause_replay(dsn, paused=inject)
            await (self._supervisor.pause if inject else self._supervisor.resume)("valkey")
            return
        if target == "search-refusal":
            await engine_admin.block_documents(*self._search, blocked=inject)
            return
        if target == "broker-crash":
            async with self._crashing:  # a crash that has begun is completed, whoever has asked for it is there or not
                await (self._crash("nats") if inject else self._supervisor.restart("nats"))
            return
        # Here: a stack without defects imports none.
        from createflow.reference_server.defects.registry import find_defect
        from createflow.reference_server.defects.seeds import ChangeDatabase

        seed = find_defect(target).seed
        if not isinstance(seed, ChangeDatabase):
            raise UserError(
                f"the defect {target} cannot be seeded while the stack runs", hint=f"createflow up --defect {target}"
            )
        await engine_admin.run_script(self._admin_dsn, seed.whole_script if inject else seed.UNDO)

    async def _crash(self, name: str) -> None:
        """Let it hang for a moment, in which others still send to it, and then kill it: what it was sent is lost."""
        await self._supervisor.pause(name)
        await asyncio.sleep(_HANGS_S)
        await self._supervisor.kill(name)


@asynccontextmanager
async def running_stack(
    root: Path,
    options: StackOptions,
    *,
    on_exit: Callable[[UnexpectedExit], None],
    remove: bool = False,
    is_kept: bool = True,
) -> AsyncIterator[RunningStack]:
    """Start a stack, yield it when all components are ready, and stop it at the end.

    Args:
        root: the state directory.
        options: the shape of the stack.
        on_exit: called when a component ends by itself later on.
        remove: delete the directory afterwards.
        is_kept: what is stored must be whole afterwards; else all components end at once.

    Raises:
        UserError: an engine is missing, a port is taken, the directory is in use.
        TargetError: a component did not start; the message has the end of its log.
    """
    state = State(root)
    ports = Ports()
    state.open()
    try:
        plan = plan_stack(state, options, ports)
        supervisor = Supervisor(plan.components, logs=state.logs, on_exit=on_exit)
        stack = RunningStack(state, plan, supervisor)
        with Guardian(state):
            try:
                await supervisor.start()
                state.write_secret(state.profile_file, plan.profile)
                if plan.write_join_files is not None:
                    plan.write_join_files()
                server = await control.serve(state.control_socket, stack.execute)
                try:
                    async with plan.door.opened() if plan.door is not None else contextlib.nullcontext():
                        yield stack
                finally:
                    server.close()
                    state.control_socket.unlink(missing_ok=True)
            finally:
                await asyncio.shield(supervisor.stop(at_once=not is_kept))
    finally:
        ports.release()
        state.close(remove=remove)
