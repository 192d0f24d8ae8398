"""Group commit: requests that ask for a connection at the same time share one, and their creates share a statement."""

import asyncio
import time

import psycopg

from createflow.reference_server.adapters.postgres_pool import Connection, Pool
from createflow.reference_server.adapters.unit_of_work_sql import (
    GROUP_INSERT,
    can_be_grouped,
    compose_statement,
    group_parameters,
    written_row,
)
from createflow.reference_server.domain.ports import (
    DatabaseError,
    KeyTakenError,
    NameTakenError,
    UnavailableError,
    UnknownOutcomeError,
)
from createflow.reference_server.domain.unit_of_work import UnitOfWork, WrittenRow

UNIQUE_NAME = "resources_unique_name"
"""The index of a stack whose names are unique."""
_TAKEN: dict[str | None, type[Exception]] = {"idempotency_keys_pkey": KeyTakenError, UNIQUE_NAME: NameTakenError}
_NOT_BEGUN = ("53", "57P01", "57P03", "57P05")
"""SQLSTATEs with which the server refuses a statement or aborts it before its commit."""

Outcome = WrittenRow | Exception | None


class Group:
    """A connection and its members. The connection goes back to the pool when the last member leaves."""

    def __init__(self, pool: Pool, connection: Connection, members: int) -> None:
        self._pool = pool
        self._connection = connection
        self._members = members
        self._waiting: list[tuple[UnitOfWork, asyncio.Future[WrittenRow | None]]] = []
        self._flush: asyncio.Task[None] | None = None

    async def leave(self) -> None:
        """End one membership."""
        self._members -= 1
        if self._members == 0:
            await self._pool.give(self._connection)

    async def write(self, unit: UnitOfWork) -> WrittenRow | None:
        """Write a unit together with the other members' units."""
        future: asyncio.Future[WrittenRow | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((unit, future))
        if self._flush is None:
            self._flush = asyncio.create_task(self._write_all())
        return await future

    async def _write_all(self) -> None:
        """Give every waiting unit its outcome, whatever happens: a unit that waits for ever keeps the connection."""
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            try:
                grouped = [entry for entry in waiting if can_be_grouped(entry[0])]
                if len(grouped) > 1 and await self._write_grouped(grouped):
                    waiting = [entry for entry in waiting if not entry[1].done()]
                for unit, future in waiting:
                    _settle(future, await self._write_one(unit))
            except Exception as error:  # noqa: BLE001 - raised to each unit that has no outcome
                for _, future in waiting:
                    _settle(future, UnknownOutcomeError(repr(error)))
        self._flush = None

    async def _write_grouped(self, entries: list[tuple[UnitOfWork, asyncio.Future[WrittenRow | None]]]) -> bool:
        """Write all in one statement; False when the database refused it: then each unit is written alone."""
        units = [unit for unit, _ in entries]
        sent_ns = time.perf_counter_ns()
        for unit in units:
            unit.sent_ns = sent_ns
        try:
            cursor = await self._connection.execute(GROUP_INSERT, group_parameters(units))
            rows = await cursor.fetchall()
        except psycopg.Error as error:
            failure = _classify(error)
            if isinstance(failure, (DatabaseError, NameTakenError)):
                return False
            for _, future in entries:
                _settle(future, failure)
            return True
        except Exception:  # noqa: BLE001 - one unit that cannot be sent must not leave the others waiting
            return False
        if len(rows) != len(entries):  # which row is whose is not known, and all of them are committed
            raise UnknownOutcomeError(f"{len(rows)} rows for {len(entries)} creates")
        for (_, future), row in zip(entries, rows, strict=True):
            _settle(future, written_row(row))
        return True

    async def _write_one(self, unit: UnitOfWork) -> Outcome:
        sql, parameters = compose_statement(unit)
        unit.sent_ns = time.perf_counter_ns()
        try:
            cursor = await self._connection.execute(sql, parameters)
            row = await cursor.fetchone()
        except psycopg.Error as error:
            return _classify(error)
        except Exception as error:  # noqa: BLE001 - raised to the writer of this unit
            return error
        try:
            return written_row(row) if row else None
        except (TypeError, AttributeError) as error:  # committed, and what is told of it makes no sense
            return UnknownOutcomeError(repr(error))


class GroupLease:
    """One member's lease of the group's connection."""

    __slots__ = ("_group",)

    def __init__(self, group: Group) -> None:
        self._group: Group | None = group

    async def write(self, unit: UnitOfWork) -> WrittenRow | None:
        """Write a unit together with the other members' units."""
        if self._group is None:
            raise TypeError("the lease has been released")
        return await self._group.write(unit)

    async def release(self) -> None:
        """End the membership; a second call does nothing."""
        group, self._group = self._group, None
        if group is not None:
            await group.leave()


def _settle(future: asyncio.Future[WrittenRow | None], outcome: Outcome) -> None:
    if future.done():
        return  # the writer was cancelled; the outcome stands all the same
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _classify(error: psycopg.Error) -> Exception:
    """Return what an error means for the write: rolled back, not begun, or unknown."""
    state = error.sqlstate
    if state is None:
        return UnknownOutcomeError(str(error))
    if isinstance(error, psycopg.errors.UniqueViolation) and error.diag.constraint_name in _TAKEN:
        return _TAKEN[error.diag.constraint_name]()
    if state.startswith(_NOT_BEGUN):
        return UnavailableError(str(error))
    if state == "57P02" or (state.startswith("08") and "crashed" in str(error)):
        # A server that crashes, or a pooler that lost its server, cannot say whether the commit was reached.
        return UnknownOutcomeError(str(error))
    if state.startswith("08"):
        return UnavailableError(str(error))
    return DatabaseError(str(error))
