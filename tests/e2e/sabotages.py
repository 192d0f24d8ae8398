"""What somebody does to the stores of a stack from outside, while its writes are looked for."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import psycopg

from tests.scenarios.verification.test_verified_stack import settings
from tests.up_stack import UpCommand

_TOO_LATE_S = 3.0

Sabotage = Callable[[UpCommand, list[str]], Awaitable[None]]
"""Damages the store of a stack, given the ids of some resources that were written a moment ago."""


_SECOND_ENTRY = (
    "insert into audit_log (actor, action, resource_id, outcome, request_id)"
    " select 'mallory', action, resource_id, outcome, request_id from audit_log"
    " where resource_id = any(%(ids)s::uuid[])"
)
_SECOND_EVENT = (
    "insert into outbox (stream, type, resource_id, version, actor, request_id, data)"
    " select 'createflow', 'created', id, version, created_by, 'x', {document} from resources"
    " where id = any(%(ids)s::uuid[])"
)


async def _execute(query: str, stack: UpCommand, ids: list[str]) -> None:
    async with connect(stack) as connection:
        await connection.execute(query, {"ids": ids})


@asynccontextmanager
async def connect(stack: UpCommand) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
    """To the primary, as the service."""
    # A pooler stands between, so nothing is prepared.
    dsn = settings(stack, "service-1")["primary_dsn"]
    async with await psycopg.AsyncConnection.connect(dsn, prepare_threshold=None) as connection:
        yield connection


QUERIES: dict[str, tuple[str, str, str]] = {
    "rows get another description": (
        "update resources set description = 'x' where id = any(%(ids)s::uuid[])",
        "primary", "altered",
    ),
    "in one row in two a key of the metadata has another name": (
        """update resources set metadata = regexp_replace(metadata::text, '"([^"]*)":', '"\\1x":')::json
        where id = any((%(ids)s::uuid[])[:4])""",
        "primary", "altered",
    ),
    "a second row of the same name": (
        """insert into resources (name, description, metadata, created_by)
        select name, description, metadata, created_by from resources where id = any(%(ids)s::uuid[])""",
        "primary", "duplicated",
    ),
    "a second audit entry": (_SECOND_ENTRY, "audit", "duplicated"),
    "an audit entry by somebody else": (_SECOND_ENTRY, "audit", "altered"),
    "the same event under a new id": (
        _SECOND_EVENT.format(document="resource_document(resources)"), "events", "duplicated",
    ),
    "an event whose resource differs": (
        _SECOND_EVENT.format(document="replace(resource_document(resources), 'made by', 'made for')"),
        "events", "altered",
    ),
}  # fmt: skip
"""What somebody does to the store, given the ids of some resources; the sink that shows it, and how."""


async def swallow_events(stack: UpCommand, _: list[str]) -> None:
    """One in two of those that wait in the outbox, while the worker that publishes them is halted."""
    await _stack(stack, "pause")
    try:
        async with asyncio.timeout(20), connect(stack) as connection:
            swallowed = 0
            while swallowed < 8:
                await asyncio.sleep(0.05)
                swallowed += (await connection.execute("delete from outbox where seq % 2 = 0")).rowcount
                await connection.commit()
    finally:
        await _stack(stack, "resume")


async def delay_events(stack: UpCommand, _: list[str]) -> None:
    """The worker that publishes and indexes them is halted for longer than they may take."""
    await _stack(stack, "pause")
    try:
        await asyncio.sleep(stack.profile.deadlines.event_s + _TOO_LATE_S)
    finally:
        await _stack(stack, "resume")


async def _stack(stack: UpCommand, action: str) -> None:
    command = (sys.executable, "-m", "createflow", "stack", action, "worker-1", "--state", str(stack.state))
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0


async def alter_documents(stack: UpCommand, ids: list[str]) -> None:
    """Another description in the index."""
    await _change_documents(stack, ids, lambda source: source | {"description": "x"})


async def lose_fields(stack: UpCommand, ids: list[str]) -> None:
    """Some documents lose a field."""
    await _change_documents(stack, ids, lambda source: {**{k: v for k, v in source.items() if k != "metadata"}})


async def _change_documents(
    stack: UpCommand, ids: list[str], change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    search = stack.profile.sinks.search
    assert search is not None
    async with httpx.AsyncClient(base_url=search.url.get_secret_value()) as client:
        for resource_id in ids:
            found = (await client.get(f"/{search.index}/_doc/{resource_id}")).json()
            if found.get("found"):
                content = json.dumps(change(found["_source"]))
                await client.put(
                    f"/{search.index}/_doc/{resource_id}?refresh=true",
                    content=content,
                    headers={"content-type": "application/json"},
                )


async def lose_documents(stack: UpCommand, ids: list[str]) -> None:
    """Some documents are removed."""
    search = stack.profile.sinks.search
    assert search is not None
    async with httpx.AsyncClient(base_url=search.url.get_secret_value()) as client:
        for resource_id in ids:
            await client.delete(f"/{search.index}/_doc/{resource_id}?refresh=true")


SABOTAGES: dict[str, tuple[Sabotage, str, str]] = {
    **{name: (partial(_execute, query), sink, kind) for name, (query, sink, kind) in QUERIES.items()},
    "one event in two is swallowed": (swallow_events, "events", "missing"),
    "events come late": (delay_events, "events", "late"),
    "documents get another description": (alter_documents, "search", "altered"),
    "documents lose a field": (lose_fields, "search", "altered"),
    "documents are removed": (lose_documents, "search", "missing"),
}


async def written_lately(stack: UpCommand, name_like: str, is_over: Callable[[], bool]) -> list[str]:
    """The ids of eight resources with such a name that were written since the call, half a second ago or more."""
    recent = (
        "select id::text from resources where name like %s and created_at > %s"
        " and created_at < now() - interval '0.5 s' limit 8"
    )
    ids: list[str] = []
    async with connect(stack) as connection:
        await connection.set_autocommit(True)
        before = (await (await connection.execute("select now()")).fetchall())[0][0]
        while len(ids) < 8 and not is_over():
            await asyncio.sleep(0.05)
            ids = [row[0] for row in await (await connection.execute(recent, (name_like, before))).fetchall()]
    assert len(ids) == 8
    return ids
