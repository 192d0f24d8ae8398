"""One connection for all who ask for one at the same time, and one statement for what they write."""

import asyncio

import psycopg

from createflow.reference_server.adapters import multi_row_insert as joined_create
from createflow.reference_server.adapters.postgres_pool import Connection, Pool
from createflow.reference_server.adapters.unit_statement import compose
from createflow.reference_server.domain.port import DatabaseError, KeyTakenError, UnavailableError, UnknownOutcomeError
from createflow.reference_server.domain.unit_of_work import Unit, Written

_NOT_BEGUN = ("53", "57P01", "57P03", "57P05")
"""SQLSTATEs with which the server turns a statement away or aborts it before its commit."""

Outcome = Written | Exception | None


class Group:
    """A connection and those who share it. It goes back to the pool when the last of them lets go."""

    def __init__(self, pool: Pool, connection: Connection, members: int) -> None:
        self._pool = pool
        self._connection = connection
        self._members = members
        self._waiting: list[tuple[Unit, asyncio.Future[Written | None]]] = []
        self._flush: asyncio.Task[None] | None = None

    async def leave(self) -> None:
        """One member less."""
        self._members -= 1
        if self._members == 0:
            await self._pool.give(self._connection)

    async def write(self, unit: Unit) -> Written | None:
        """Write with the others."""
        future: asyncio.Future[Written | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((unit, future))
        if self._flush is None:
            self._flush = asyncio.create_task(self._write_all())
        return await future

    async def _write_all(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            plain = [entry for entry in waiting if joined_create.is_plain(entry[0])]
            if len(plain) > 1 and await self._write_joined(plain):
                waiting = [entry for entry in waiting if not entry[1].done()]
            for unit, future in waiting:
                _settle(future, await self._write_one(unit))
        self._flush = None

    async def _write_joined(self, entries: list[tuple[Unit, asyncio.Future[Written | None]]]) -> bool:
        """Whether it is settled; when the database refused, nothing is written and each is tried alone."""
        units = [unit for unit, _ in entries]
        try:
            cursor = await self._connection.execute(joined_create.SQL, joined_create.parameters(units))
            outcomes: list[Outcome] = list(joined_create.written(await cursor.fetchall()))
        except psycopg.Error as error:
            judged = _judged(error)
            if isinstance(judged, DatabaseError):
                return False
            outcomes = [judged] * len(entries)
        except Exception:  # noqa: BLE001 - what cannot even be sent for one must not leave the others waiting
            return False
        for (_, future), outcome in zip(entries, outcomes, strict=True):
            _settle(future, outcome)
        return True

    async def _write_one(self, unit: Unit) -> Outcome:
        sql, parameters = compose(unit)
        try:
            cursor = await self._connection.execute(sql, parameters)
            row = await cursor.fetchone()
        except psycopg.Error as error:
            return _judged(error)
        except Exception as error:  # noqa: BLE001 - raised to the one who asked
            return error
        return Written(row[0], row[1], row[2].encode()) if row else None


class MemberLease:
    """One member's part in a group."""

    __slots__ = ("_group",)

    def __init__(self, group: Group) -> None:
        self._group: Group | None = group

    async def write(self, unit: Unit) -> Written | None:
        """Write with the others of the group."""
        if self._group is None:
            raise TypeError("the lease has been released")
        return await self._group.write(unit)

    async def release(self) -> None:
        """Let go; a second time is harmless."""
        group, self._group = self._group, None
        if group is not None:
            await group.leave()


def _settle(future: asyncio.Future[Written | None], outcome: Outcome) -> None:
    if future.done():
        return  # whoever asked has gone; the outcome stands all the same
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _judged(error: psycopg.Error) -> Exception:
    """What an error says about the write: rolled back, not begun, or nobody knows."""
    state = error.sqlstate
    if state is None:
        return UnknownOutcomeError(str(error))
    if isinstance(error, psycopg.errors.UniqueViolation) and error.diag.constraint_name == "idempotency_keys_pkey":
        return KeyTakenError()
    if state.startswith(_NOT_BEGUN):
        return UnavailableError(str(error))
    if state == "57P02" or (state.startswith("08") and "crashed" in str(error)):
        # A server that crashes, or a pooler that lost its server, cannot say whether the commit was reached.
        return UnknownOutcomeError(str(error))
    if state.startswith("08"):
        return UnavailableError(str(error))
    return DatabaseError(str(error))
