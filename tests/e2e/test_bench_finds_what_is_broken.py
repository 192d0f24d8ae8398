"""Whatever is broken behind a create while a load goes on: ``bench`` says so, in the sink where it is, and how."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from createflow.scenarios.benchmark.run import benchmark
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.reports.load.verdict import LoadVerdict, verdict_of
from createflow.schemas.load_report import LoadReport
from createflow.schemas.profile import Profile
from tests.scenarios.verification.test_verified_stack import settings
from tests.up_stack import UpCommand, start_up_command, stop_up_command

pytestmark = pytest.mark.thorough
RATE_PER_S = 60.0
DURATION_S = 4.0
FIELDS = ("missing", "altered", "duplicated", "phantom")

DEFECTS: dict[str, tuple[str, str]] = {
    "row_changes_later": ("primary", "altered"),
    "row_cloned": ("primary", "duplicated"),
    "row_copied_under_other_name": ("primary", "phantom"),
    "row_vanishes": ("primary", "missing"),
    "create_undone": ("primary", "missing"),
    "joined_create_lost": ("primary", "missing"),
    "event_lost": ("events", "missing"),
    "event_lost_one_in_fifty": ("events", "missing"),
    "event_lost_in_relay": ("events", "missing"),
    "event_twice": ("events", "duplicated"),
    "event_published_again": ("events", "duplicated"),
    "event_wrong_actor": ("events", "altered"),
    "event_wrong_time": ("events", "altered"),
    "event_values_as_text": ("events", "altered"),
    "audit_lost": ("audit", "missing"),
    "audit_lost_one_in_ten": ("audit", "missing"),
    "audit_vanishes": ("audit", "missing"),
    "audit_anonymous": ("audit", "altered"),
    "audit_rewritten": ("audit", "altered"),
    "audit_wrong_time": ("audit", "altered"),
    "audit_wrong_request": ("audit", "altered"),
    "audit_wrong_resource": ("audit", "missing"),
    "index_skips_one_in_ten": ("search", "missing"),
    "index_second_document": ("search", "duplicated"),
    "replica_lags": ("postgres-replica-2", "missing"),
}
"""Where ``bench`` must find each, and what."""


async def bench(profile: Profile) -> LoadReport:
    """A short load, and the verification of its writes."""
    options = LoadOptions(rate_per_s=RATE_PER_S, duration_s=DURATION_S, warmup_s=0.5, workers=1)
    return await benchmark(profile, options)


def accused(report: LoadReport) -> dict[str, dict[str, int]]:
    """The findings by sink."""
    assert report.verification is not None
    found = {sink.sink: {field: getattr(sink, field) for field in FIELDS} for sink in report.verification.sinks}
    return {name: {field: count for field, count in counts.items() if count} for name, counts in found.items()}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_seeded_defect_is_found(defect: str, tmp_path: Path) -> None:
    """In its sink, with its kind, counted as not verified, and the verdict is FAILED."""
    tmp_path.chmod(0o711)
    up = start_up_command(tmp_path, "--defect", defect)
    try:
        report = asyncio.run(bench(up.profile))
    finally:
        stop_up_command(up)
    sink, kind = DEFECTS[defect]
    assert accused(report)[sink].get(kind), accused(report)
    assert verdict_of(report) is LoadVerdict.FAILED


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
    async with _connect(stack) as connection:
        await connection.execute(query, {"ids": ids})


@asynccontextmanager
async def _connect(stack: UpCommand) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
    # A pooler stands between, so nothing is prepared.
    dsn = settings(stack, "service-1")["primary_dsn"]
    async with await psycopg.AsyncConnection.connect(dsn, prepare_threshold=None) as connection:
        yield connection


QUERIES: dict[str, tuple[str, str, str]] = {
    "rows get another description": (
        "update resources set description = 'x' where id = any(%(ids)s::uuid[])",
        "primary", "altered",
    ),
    "in one row in two a number becomes a text": (
        """update resources set metadata = replace(metadata::text, '"arrival":', '"arrival":1')::json
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
        async with asyncio.timeout(20), _connect(stack) as connection:
            swallowed = 0
            while swallowed < 8:
                await asyncio.sleep(0.05)
                swallowed += (await connection.execute("delete from outbox where seq % 2 = 0")).rowcount
                await connection.commit()
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
    "documents get another description": (alter_documents, "search", "altered"),
    "documents lose a field": (lose_fields, "search", "altered"),
    "documents are removed": (lose_documents, "search", "missing"),
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", SABOTAGES)
async def test_a_sabotage_from_outside_is_found(stack: UpCommand, name: str) -> None:
    """In the middle of the load, by somebody who writes to the store itself."""
    sabotage, sink, kind = SABOTAGES[name]
    async with _connect(stack) as connection:
        await connection.set_autocommit(True)
        before = (await (await connection.execute("select now()")).fetchall())[0]
        loading = asyncio.create_task(bench(stack.profile))
        recent = (
            "select id::text from resources where name like 'load %%' and created_at > %s"
            " and created_at < now() - interval '0.5 s' limit 8"
        )
        ids: list[str] = []
        while len(ids) < 8 and not loading.done():
            await asyncio.sleep(0.05)
            ids = [row[0] for row in await (await connection.execute(recent, before)).fetchall()]
    assert len(ids) == 8
    await sabotage(stack, ids)
    report = await loading
    assert accused(report)[sink].get(kind), accused(report)
    assert verdict_of(report) is LoadVerdict.FAILED
    assert report.verification is not None
    assert report.verification.verified < report.verification.accepted
