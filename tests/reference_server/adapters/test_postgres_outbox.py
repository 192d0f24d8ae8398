"""The outbox on a real PostgreSQL: one leader, and no gap."""

import uuid
from collections.abc import AsyncIterator

import psycopg
import pytest

from createflow.reference_server.adapters.postgres_outbox import PostgresOutbox
from tests.reference_server.engine_set import EngineSet
from tests.reference_server.in_process_server import until

pytestmark = pytest.mark.anyio

_INSERT = """
    INSERT INTO outbox (stream, type, resource_id, version, actor, request_id, data, occurred_at)
    VALUES (%s, 'created', uuidv7(), 1, %s, 'request-1', '{}', now() - %s * interval '1 hour')
"""


@pytest.fixture
def stream() -> str:
    """A stream for this test only, because the engines are shared."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def outbox(engines: EngineSet, stream: str) -> AsyncIterator[PostgresOutbox]:
    """An outbox that leads."""
    outbox = PostgresOutbox(engines.settings.direct_dsn, stream)
    assert await outbox.lead()
    yield outbox
    await outbox.close()


async def connected(engines: EngineSet, *, autocommit: bool = True) -> psycopg.AsyncConnection[tuple[object, ...]]:
    """Open another session of the application."""
    return await psycopg.AsyncConnection.connect(engines.settings.direct_dsn, autocommit=autocommit)


async def actors(outbox: PostgresOutbox) -> list[str]:
    """Return the actors of the rows that may be published now."""
    return [row.event.actor for row in await outbox.batch(10)]


async def test_a_row_behind_one_that_commits_late_waits_for_it(
    engines: EngineSet, outbox: PostgresOutbox, stream: str
) -> None:
    """Numbers are assigned at the insert and rows appear at the commit: a relay that skips the gap loses an event."""
    async with await connected(engines, autocommit=False) as late, await connected(engines) as early:
        await late.execute(_INSERT, (stream, "late", 0))
        await early.execute(_INSERT, (stream, "early", 0))
        assert await actors(outbox) == []
        await late.commit()
        assert await actors(outbox) == ["late", "early"]


async def test_there_is_one_leader_and_the_next_goes_on_where_it_stopped(
    engines: EngineSet, outbox: PostgresOutbox, stream: str
) -> None:
    """The lock ends with the session, the checkpoint does not."""
    async with await connected(engines) as session:
        for actor in ("first", "second"):
            await session.execute(_INSERT, (stream, actor, 0))
    follower = PostgresOutbox(engines.settings.direct_dsn, stream)
    assert not await follower.lead()
    assert await follower.oldest() is not None
    await outbox.advance((await outbox.batch(10))[-1])
    assert await follower.oldest() is None
    await outbox.rewind()
    await outbox.advance((await outbox.batch(1))[0])
    await outbox.close()
    assert await until(follower.lead)  # the server ends a session a moment later
    assert await actors(follower) == ["second"]
    await follower.close()


_AT = """
    INSERT INTO outbox (stream, xid, type, resource_id, version, actor, request_id, data)
    VALUES (%s, %s::xid8, 'created', uuidv7(), 1, %s, 'request-1', '{}')
"""


async def test_the_order_is_that_of_numbers_not_of_texts(
    engines: EngineSet, outbox: PostgresOutbox, stream: str
) -> None:
    """Of a backlog across a power of ten, a batch in the order of texts would begin with the later rows.

    The checkpoint would then pass the earlier ones, and their events would never be published.
    """
    numbers = ["3", "9", "10", "11", "99", "100"]
    async with await connected(engines) as other:
        for number in numbers:
            await other.execute(_AT, (stream, number, number))
    found: list[str] = []
    while rows := await outbox.batch(2):
        found += [row.event.actor for row in rows]
        await outbox.advance(rows[-1])
    assert found == numbers


async def test_the_oldest_row_that_is_not_published_is_known_also_while_it_is_held_back(
    engines: EngineSet, outbox: PostgresOutbox, stream: str
) -> None:
    """A lag that counts only what may be published would be zero for as long as a transaction runs."""
    assert await outbox.oldest() is None
    async with await connected(engines, autocommit=False) as running, await connected(engines) as other:
        await running.execute(_INSERT, (f"{stream}x", "running", 0))
        await other.execute(_INSERT, (stream, "held back", 0))
        assert await outbox.batch(10) == []
        assert await outbox.oldest() is not None
        await running.rollback()
    await outbox.advance((await outbox.batch(10))[-1])
    assert await outbox.oldest() is None


async def test_a_rewind_starts_again_with_the_oldest_row(
    engines: EngineSet, outbox: PostgresOutbox, stream: str
) -> None:
    """Also in the next process."""
    async with await connected(engines) as other:
        for actor in ("first", "second"):
            await other.execute(_INSERT, (stream, actor, 0))
    await outbox.advance((await outbox.batch(10))[-1])
    assert await actors(outbox) == []
    await outbox.rewind()
    assert await actors(outbox) == ["first", "second"]
    await outbox.close()
    assert await outbox.lead()
    assert await actors(outbox) == ["first", "second"]
