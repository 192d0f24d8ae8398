"""Write verification on a real stack: healthy, and with one finding in each sink."""

import asyncio
import json
import secrets
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest

from createflow.scenarios.load.plan.created import CreatedRow
from createflow.scenarios.load.plan.request_forms import make_body_template
from createflow.scenarios.load.plan.write_log import Outcome, Writes
from createflow.scenarios.sinks.registry import event_stream
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.credentials.registry import auth_provider
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.target.tls import trusted_context
from createflow.scenarios.text.secret_mask import Mask
from createflow.scenarios.text.trace_context import trace_id_of
from createflow.scenarios.verification.clean_up import clean_up
from createflow.scenarios.verification.lag_sampler import Sampler
from createflow.scenarios.verification.reconciliation import Reconciliation
from createflow.scenarios.verification.sent_writes import SentWrites
from createflow.schemas.load_finding import SinkVerdict, Verification
from createflow.schemas.profile import Profile
from tests.up_stack import UpCommand

pytestmark = pytest.mark.anyio
_SHOWN = frozenset({"name", "description", "metadata"})
_AT_ONCE = 24
_PER_WRITER = 60
"""Well below the burst that the stack's limiter allows."""


@dataclass(slots=True)
class Run:
    """Creates like those of a load, and their outcomes."""

    profile: Profile
    run_id: str = field(default_factory=lambda: secrets.token_hex(4))
    outcomes: bytearray = field(default_factory=bytearray)
    ids: list[str] = field(default_factory=list)
    tokens: tuple[str, ...] = ()
    body: str = ""

    async def write(self, count: int) -> None:
        """Create this many, after one preflight."""
        writers = auth_provider(self.profile.auth, Mask()).writers(f"load-{self.run_id}", count // _PER_WRITER + 1)
        self.tokens = tuple(writer.token or "" for writer in writers)
        body = self.body = make_body_template(Contract(self.profile.target), run_id=self.run_id)
        self.ids = [""] * count
        self.outcomes = bytearray([Outcome.ACCEPTED]) * count
        pending = iter(range(-1, count))
        target = self.profile.target

        async def some(client: httpx.AsyncClient) -> None:
            for k in pending:
                token = self.tokens[max(k, 0) % len(self.tokens)]
                headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
                reply = await client.post(target.path, content=body % ((k,) * body.count("%d")), headers=headers)
                assert reply.status_code == 201, reply.text
                if k >= 0:
                    self.ids[k] = reply.json()["id"]

        async with httpx.AsyncClient(
            base_url=target.base_url, verify=trusted_context(target.ca_file), timeout=20
        ) as client:
            await asyncio.gather(*(some(client) for _ in range(_AT_ONCE)))

    async def pour(self, dsn: str, count: int) -> None:
        """The same without the gateway: what the service would have committed, in one statement."""
        self.tokens = ("",)
        self.body = json.dumps({"name": f"load {self.run_id} %d", "description": "poured", "metadata": {}})
        self.outcomes = bytearray([Outcome.ACCEPTED]) * count
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            values = {"run": self.run_id, "last": count - 1}
            rows = await (await connection.execute(_POUR, values)).fetchall()
        ids = {name: resource_id for resource_id, name in rows}
        self.ids = [ids[self.writes.name_of(k)] for k in range(count)]

    @property
    def sent(self) -> SentWrites:
        """What the copies must show."""
        return SentWrites([self.body], self.profile.target, subjects=actors(self), shown=_SHOWN)

    @property
    def writes(self) -> Writes:
        """The outcomes; the first half is the warm-up."""
        half = len(self.outcomes) // 2
        return Writes(self.run_id, bytes(self.outcomes), bytes(half) + b"\1" * (len(self.outcomes) - half))

    def named(self, k: int) -> str:
        """The arrival as the report describes it."""
        return f"arrival {k} (load {self.run_id} {k}, id {self.ids[k]}, trace {trace_id_of(self.run_id, k)})"


_POUR = """
with made as (
    insert into resources (name, description, metadata, created_by)
    select 'load ' || %(run)s || ' ' || k, 'poured', '{}', 'load-' || %(run)s || '-0'
    from generate_series(-1, %(last)s::int) k
    returning id, name, version, created_by, resource_document(resources) as document
), audited as (
    insert into audit_log (actor, action, resource_id, outcome, request_id)
    select created_by, 'create', id, 'success', 'poured' from made
), told as (
    insert into outbox (stream, type, resource_id, version, actor, request_id, data)
    select 'createflow', 'created', id, version, created_by, 'poured', document from made
)
select id::text, name from made
"""


def patient(profile: Profile) -> Profile:
    """The profile with long deadlines, because these tests are not about speed."""
    late = dict.fromkeys(("replica_s", "event_s", "index_s", "audit_s", "cache_s"), 30.0)
    return profile.model_copy(update={"deadlines": profile.deadlines.model_copy(update=late)})


@asynccontextmanager
async def poured(stack: UpCommand, count: int) -> AsyncIterator[tuple[Run, Reconciliation]]:
    """The same with creates that come from the database."""
    run = Run(patient(stack.profile))
    async with Reconciliation(run.profile, Mask(), run.run_id) as reconciliation:
        await run.pour(settings(stack, "service-1")["primary_dsn"], count)
        yield run, reconciliation


@asynccontextmanager
async def verified(profile: Profile, count: int) -> AsyncIterator[tuple[Run, Reconciliation]]:
    """A run of this many creates between the two halves of a reconciliation."""
    run = Run(profile)
    async with Reconciliation(profile, Mask(), run.run_id) as reconciliation:
        await run.write(count)
        yield run, reconciliation


def actors(run: Run) -> list[str]:
    """The subjects of the run."""
    return [f"load-{run.run_id}-{number}" for number in range(len(run.tokens))]


def settings(stack: UpCommand, component: str) -> dict[str, Any]:
    """The settings of a part of the stack, which allow to write where the probes may only read."""
    text = (stack.state / "run" / component / "settings.json").read_text(encoding="utf-8")
    told: dict[str, Any] = json.loads(text)
    return told


def by_sink(told: Verification | None) -> dict[str, SinkVerdict]:
    """The verdicts, none of which is an error."""
    assert told is not None
    assert [one.error for one in told.sinks] == [""] * 6
    return {one.sink: one for one in told.sinks}


def accused(told: Verification | None) -> dict[str, dict[str, int]]:
    """All findings by sink."""
    kinds = ("missing", "duplicated", "altered", "phantom", "split")
    counts = {name: {kind: getattr(one, kind) for kind in kinds} for name, one in by_sink(told).items()}
    wrong = {name: {kind: count for kind, count in found.items() if count} for name, found in counts.items()}
    return {name: found for name, found in wrong.items() if found}


async def test_a_healthy_run_is_verified_in_every_sink(stack: UpCommand) -> None:
    """Some thousand writes without the preflight, and the number of resources that can be removed."""
    async with poured(stack, 2500) as (run, reconciliation):
        told = await reconciliation.verify(run.writes, actors=actors(run), sent=run.sent)
    assert told is not None
    assert accused(told) == {}
    assert {one.found for one in told.sinks} == {2500}
    assert [one.sink for one in told.sinks] == [
        "primary",
        "postgres-replica-1",
        "postgres-replica-2",
        "audit",
        "events",
        "search",
    ]
    assert (told.accepted, told.verified, told.accepted_measured, told.verified_measured) == (2500, 2500, 1250, 1250)
    assert {one.unasked for one in told.sinks} == {""}
    assert {one.compared for one in told.sinks} == {2500}
    assert told.sinks[4].power == "0 of 2,500 events differ: below 0.12 % with 95 % confidence"
    assert told.left_behind == 2500
    assert told.cache is not None
    assert (told.cache.sampled, told.cache.wrong, told.cache.error) == (200, 0, "")


async def test_each_finding_is_in_the_sink_where_it_occurs(stack: UpCommand) -> None:
    """Each kind of finding in each kind of sink, and nothing else."""
    async with poured(stack, 60) as (run, reconciliation):
        assert accused(await reconciliation.verify(run.writes, actors=actors(run), sent=run.sent)) == {}
        ghost = await _damage(stack, run)
        run.outcomes[5] = Outcome.REFUSED
        run.outcomes[6] = Outcome.UNKNOWN
        run.outcomes[7] = Outcome.UNKNOWN
        reconciliation._profile = stack.profile
        told = await reconciliation.verify(run.writes, actors=actors(run), sent=run.sent)
    replicas = {f"postgres-replica-{number}": {"missing": 1, "phantom": 1} for number in (1, 2)}
    assert accused(told) == {
        "primary": {"missing": 1, "phantom": 1},
        **replicas,
        "audit": {"duplicated": 1, "altered": 1, "phantom": 3},
        "events": {"duplicated": 1, "phantom": 1},
        "search": {"missing": 1, "phantom": 1, "split": 1},
    }
    words = {name: one.examples for name, one in by_sink(told).items()}
    assert words["primary"] == (
        f"arrival 1 (load {run.run_id} 1, trace {trace_id_of(run.run_id, 1)}) is missing in primary",
        f"{run.named(5)} is in primary, although it was refused",
    )
    assert f"{run.named(2)} is twice in audit" in words["audit"]
    assert f"in audit: an entry about resource {ghost}, which the primary does not have" in words["audit"]
    assert f"{run.named(3)} is twice in events" in words["events"]
    assert f"{run.named(4)} is missing in search" in words["search"]
    assert words["search"][-1].startswith(f"{run.named(7)} had no reply: it is in primary and postgres-replica-1")
    assert words["search"][-1].endswith("but missing in search")
    assert told is not None
    assert told.verified == 60 - 3 - 4


async def _damage(stack: UpCommand, run: Run) -> str:
    """One finding in each sink, each about another arrival. Returns the resource that never existed."""
    ghost = str(uuid.uuid4())
    dsn = settings(stack, "service-1")["primary_dsn"]
    assert stack.profile.sinks.events is not None
    published = await event_stream(stack.profile.sinks.events).last_position()
    entry = (
        "insert into audit_log (actor, action, resource_id, outcome, request_id) "
        "values (%s, 'create', %s, 'success', 'x')"
    )
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute("update resources set deleted_at = now() where id = %s", [run.ids[1]])
        await connection.execute(entry, [actors(run)[0], run.ids[2]])
        await connection.execute(entry, [actors(run)[0], ghost])
        await connection.execute(
            "insert into outbox (stream, type, resource_id, version, actor, request_id, data) "
            "select stream, type, resource_id, version, actor, request_id, data from outbox where resource_id = %s",
            [run.ids[3]],
        )
    async with asyncio.timeout(30):
        while await event_stream(stack.profile.sinks.events).last_position() == published:
            await asyncio.sleep(0.02)
    search = stack.profile.sinks.search
    assert search is not None
    async with httpx.AsyncClient(base_url=search.url.get_secret_value()) as client:
        for k in (4, 7):
            reply = await client.delete(f"/{search.index}/_doc/{run.ids[k]}?refresh=true")
            assert reply.is_success
    return ghost


async def test_a_wrong_cache_entry_is_found(stack: UpCommand) -> None:
    """The one resource with another cached value, with its arrival."""
    async with verified(stack.profile, 30) as (run, reconciliation):
        target = stack.profile.target
        headers = {"authorization": f"Bearer {run.tokens[0]}"}
        async with httpx.AsyncClient(base_url=target.base_url, verify=trusted_context(target.ca_file)) as client:
            assert (await client.get(f"{target.path}/{run.ids[9]}", headers=headers)).is_success
        dsn = settings(stack, "service-1")["primary_dsn"]
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            await connection.execute("update resources set description = 'changed' where id = %s", [run.ids[9]])
        told = await reconciliation.verify(run.writes, sent=run.sent)
    assert told is not None
    assert told.cache is not None
    described = json.loads(run.body % ((9,) * run.body.count("%d")))["description"]
    assert (told.cache.held >= 1, told.cache.wrong) == (True, 1)
    assert told.cache.examples == (
        f"{run.named(9)} has description = '{described}' instead of 'changed', in the cache",
    )


async def test_a_dead_sink_is_an_error_and_leaves_the_others_their_verdict(stack: UpCommand) -> None:
    """The index does not count as empty."""
    search = stack.profile.sinks.search
    assert search is not None
    dead = search.model_copy(update={"url": type(search.url)("http://127.0.0.1:9")})
    sinks = stack.profile.sinks.model_copy(update={"search": dead})
    async with verified(stack.profile.model_copy(update={"sinks": sinks}), 10) as (run, reconciliation):
        told = await reconciliation.verify(run.writes, sent=run.sent)
    assert told is not None
    assert [bool(one.error) for one in told.sinks] == [False] * 5 + [True]
    assert told.sinks[-1].error.startswith("it does not answer")
    assert told.verified == 10


async def test_a_run_is_removed_by_its_writers(stack: UpCommand) -> None:
    """Only the principal that created a resource may delete it."""
    async with verified(stack.profile, 100) as (run, reconciliation):
        await reconciliation.verify(run.writes, sent=run.sent)
        writers = [Principal(None, token) for token in run.tokens]
        created = [CreatedRow(k, f"{stack.profile.target.path}/{one}", one) for k, one in enumerate(run.ids)]
        for cleanup, expected in ((False, 0), (True, 100)):
            target = stack.profile.target.model_copy(update={"cleanup": cleanup})
            profile = stack.profile.model_copy(update={"target": target})
            connection = HttpConnection(RunContext(profile, run.run_id, Mask()))
            try:
                gone = await clean_up(connection, created=created, writers=writers, within_s=30)
            finally:
                await connection.close()
            assert gone == expected, "only where the profile asks for a clean-up"
        told = await reconciliation.verify(run.writes, sent=run.sent)
    assert told is not None
    assert (told.sinks[0].found, told.left_behind) == (0, 0)


async def test_the_sampler_sees_its_creates_in_every_sink(stack: UpCommand) -> None:
    """Each with a lag, none late, and none in the ledger of the run."""
    (who,) = auth_provider(stack.profile.auth, Mask()).writers("load-sampler", 1)
    async with verified(patient(stack.profile), 5) as (run, reconciliation):
        sampler = Sampler(run.profile, lambda: who, run_id=run.run_id, mask=Mask(), rate_per_s=20.0)
        async with sampler:
            await _until(lambda: len(sampler.created) >= 10)
        told = await reconciliation.verify(run.writes, actors=[*actors(run), "load-sampler-0"])
    assert accused(told) == {}
    lags = {lag.sink: lag for lag in sampler.lags()}
    assert sorted(lags) == ["audit", "events", "postgres-replica-1", "postgres-replica-2", "search"]
    assert all(lag.samples >= 10 and not lag.late for lag in lags.values()), sampler.troubles
    assert (sampler.own_writes_read, sampler.own_writes_missed) == (len(sampler.created), 0)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.02)
