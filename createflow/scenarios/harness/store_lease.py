"""The lease in the target's own store: commands of other users and on other machines see it, unlike the lock file.

It is held beside the lock file where ``sinks.primary`` is PostgreSQL. Where the store cannot be used there is none: a
lease protects against a mistake, and is no reason not to test.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TypeGuard

from createflow.scenarios.harness.lease import Holder, Waiting, is_held, lease_of
from createflow.scenarios.sinks.postgres_lock import LockUnusable, PostgresLock
from createflow.scenarios.text.printable import one_line
from createflow.schemas.profile import Profile
from createflow.schemas.profile_sinks import SqlSink

_POLL_S = 0.5
_LOOK_EVERY_S = 5.0


@asynccontextmanager
async def leases_of(
    profile: Profile, holder: Holder, *, wait_s: float, on_message: Callable[[str], None]
) -> AsyncIterator[tuple[int, ...]]:
    """Hold the lease of the state folder and that of the target's store inside the block.

    Gives the open files that hold them. A process that inherited them and goes on after the block keeps both.

    Args:
        profile: of the target.
        holder: this run.
        wait_s: how long to wait for others.
        on_message: called with the name of each that is waited for.

    Raises:
        TargetError: another holder has one of them.
    """
    base_url, primary = profile.target.base_url, profile.sinks.primary
    waiting = Waiting(base_url, wait_s=wait_s, on_message=on_message)
    async with AsyncExitStack() as scope:
        lock = PostgresLock(primary.dsn.get_secret_value(), _short(holder)) if _is_postgres(primary) else None
        if lock is not None:
            scope.push_async_callback(_give_back, lock, base_url)  # when the file was given back
        files = await scope.enter_async_context(lease_of(holder, waiting))
        if lock is not None:
            with suppress(LockUnusable):
                await _take(lock, holder, waiting)
            keeping = asyncio.create_task(_keep(lock, holder))
            scope.push_async_callback(_end, keeping)
        file = None if lock is None else lock.file()
        yield files if file is None else (*files, file)


def _is_postgres(primary: object) -> TypeGuard[SqlSink]:
    return isinstance(primary, SqlSink) and not primary.dsn.get_secret_value().startswith(("mysql:", "mariadb:"))


async def _give_back(lock: PostgresLock, base_url: str) -> None:
    await lock.close(is_inherited=is_held(base_url))


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _take(lock: PostgresLock, holder: Holder, waiting: Waiting) -> None:
    async def take() -> bool | None:
        return await lock.try_take(is_alone=holder.is_alone) or None

    async def others() -> list[str]:
        # What they call themselves in the database.
        return [one_line(name) for name in await lock.holders()]

    await waiting.for_lease(take, others, poll_s=_POLL_S)


async def _keep(lock: PostgresLock, holder: Holder) -> None:
    """Take it again when it was lost: a fault may have killed the database."""
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        with suppress(LockUnusable):
            if not await lock.is_held():
                await lock.try_take(is_alone=holder.is_alone)


def _short(holder: Holder) -> str:
    faults = " with faults" if holder.is_alone else ""
    return f"{holder.command}{faults}, process {holder.pid} on {holder.host}"
