"""A running stack, from an empty directory to the last process gone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from createflow.reference_server.adapters import engine_admin
from createflow.reference_server.stack import control
from createflow.reference_server.stack.assembly import Layout, lay_out
from createflow.reference_server.stack.component import Death, Row
from createflow.reference_server.stack.guarded import Guarded
from createflow.reference_server.stack.options import StackOptions
from createflow.reference_server.stack.ports import Ports
from createflow.reference_server.stack.state import State
from createflow.reference_server.stack.supervisor import Supervisor
from createflow.schemas.error import UserError


class RunningStack:
    """What one can ask of a stack while it runs."""

    def __init__(self, state: State, layout: Layout, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._admin_dsn = layout.admin_dsn
        self.profile_file = state.profile_file
        self.base_url = layout.base_url
        self.remarks = layout.remarks
        self.logs = state.logs

    def rows(self) -> list[Row]:
        """The table of components."""
        return self._supervisor.rows()

    async def do(self, verb: str, word: str) -> dict[str, Any]:
        """Carry out a command of ``createflow stack``.

        Raises:
            UserError: there is no such verb or component, or it is not in the state for it.
        """
        if verb in ("inject", "heal"):
            await self._database_error(word, inject=verb == "inject")
        elif verb != "status":
            acts = {
                "pause": self._supervisor.pause,
                "resume": self._supervisor.resume,
                "kill": self._supervisor.kill,
                "start": self._supervisor.revive,
            }
            if verb not in acts:
                raise UserError(f"a stack cannot {verb}", hint="one of: status, inject, heal, " + ", ".join(acts))
            await asyncio.gather(*(acts[verb](name) for name in self._supervisor.select(word)))
        return {"rows": [asdict(row) for row in self.rows()]}

    async def _database_error(self, word: str, *, inject: bool) -> None:
        if word != "database-error":
            raise UserError(f"there is no fault {word!r} to inject", hint="one of: database-error")
        change = engine_admin.break_writes if inject else engine_admin.heal_writes
        await change(self._admin_dsn)


@asynccontextmanager
async def running_stack(
    root: Path,
    options: StackOptions,
    *,
    on_death: Callable[[Death], None],
    remove: bool = False,
) -> AsyncIterator[RunningStack]:
    """Start a stack in ``root``, give it when all of it is ready, stop it at the end.

    Args:
        root: the state directory.
        on_death: called when a component ends by itself later on.
        remove: take the directory away afterwards.

    Raises:
        UserError: an engine is missing, a port is taken, the directory is in use.
        TargetError: a component did not start; the message has the end of its log.
    """
    state = State(root)
    ports = Ports()
    state.open()
    try:
        layout = lay_out(state, options, ports)
        supervisor = Supervisor(layout.components, logs=state.logs, on_death=on_death)
        stack = RunningStack(state, layout, supervisor)
        with Guarded(state):
            try:
                await supervisor.start()
                state.write_secret(state.profile_file, layout.profile)
                server = await control.serve(state.control_socket, stack.do)
                try:
                    yield stack
                finally:
                    server.close()
                    state.control_socket.unlink(missing_ok=True)
            finally:
                await asyncio.shield(supervisor.stop())
    finally:
        ports.release()
        state.close(remove=remove)
