"""Connections that are kept for the next request.

httpcore's own pool asks each of its connections, at the begin and at the end of each request, whether it is closed,
which makes a socket's system calls for every idle one: a third of all CPU of a run. This one asks only the one that it
takes.
"""

import asyncio
import heapq
import time
from collections.abc import Callable
from itertools import count

import httpcore

_SWEEP_S = 1.0


class ConnectionPool:
    """Gives each request a connection of its own, the oldest idle one first.

    Args:
        connect: makes a connection to an origin; it connects at its first request.
        max_connections: requests wait while there are so many.
        max_idle: so many are kept.
    """

    def __init__(
        self,
        connect: Callable[[httpcore.Origin], httpcore.AsyncHTTPConnection],
        *,
        max_connections: int,
        max_idle: int,
    ) -> None:
        self._connect = connect
        self._max_idle = max_idle
        self._free = asyncio.Semaphore(max_connections)
        self._numbers = count()
        self._idle: dict[str, list[tuple[int, httpcore.AsyncHTTPConnection]]] = {}
        self._used: dict[httpcore.AsyncHTTPConnection, tuple[int, str]] = {}
        self._swept_at_s = time.monotonic()
        self._is_closed = False

    async def take(self, origin: httpcore.Origin, *, is_new: bool = False) -> httpcore.AsyncHTTPConnection:
        """A connection to the origin that no other request uses, or a new one. Whoever takes it puts it back.

        Raises:
            ConnectError: of httpcore; the pool is closed.
        """
        await self._free.acquire()
        try:
            self._require_open()
            await self._close_expired()
            idle = self._idle.get(str(origin), [])
            while idle and not is_new:
                number, connection = heapq.heappop(idle)
                if not connection.is_closed() and not connection.has_expired():
                    self._used[connection] = (number, str(origin))
                    return connection
                await connection.aclose()
            self._require_open()  # once more: others went on while an old connection was closed
        except BaseException:
            self._free.release()
            raise
        connection = self._connect(origin)
        self._used[connection] = (next(self._numbers), str(origin))
        return connection

    async def put(self, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keep it for the next request, if its reply was read to the end, or else close it."""
        entry = self._used.pop(connection, None)
        if entry is None:
            return
        self._free.release()
        is_kept = not self._is_closed and self._count_idle() < self._max_idle
        if is_kept and connection.is_idle() and not connection.is_closed():
            number, origin = entry
            heapq.heappush(self._idle.setdefault(origin, []), (number, connection))
        else:
            await connection.aclose()

    async def aclose(self) -> None:
        """Close every connection, used or not, and open no more: a request that nobody waits for may go on."""
        self._is_closed = True
        connections = [*self._used, *(one for idle in self._idle.values() for _, one in idle)]
        self._idle.clear()
        for connection in connections:
            await connection.aclose()

    def _require_open(self) -> None:
        if self._is_closed:
            raise httpcore.ConnectError("the connections of this run are closed")

    def _count_idle(self) -> int:
        return sum(map(len, self._idle.values()))

    async def _close_expired(self) -> None:
        now = time.monotonic()
        if now < self._swept_at_s + _SWEEP_S:
            return
        self._swept_at_s = now
        expired = []
        for idle in self._idle.values():
            kept = [entry for entry in idle if not entry[1].has_expired()]
            expired += [entry[1] for entry in idle if entry not in kept]
            # In place: a request that waits for the end of a closed connection goes on with this list. A connection
            # in two lists would be given to two requests.
            idle[:] = kept
            heapq.heapify(idle)
        for connection in expired:
            await connection.aclose()
