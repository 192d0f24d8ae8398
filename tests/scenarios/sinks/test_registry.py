"""Sinks: the engine is chosen by the URL, and every engine of a stack is read without writing."""

import uuid

import psycopg
import pytest
from pydantic import SecretStr

from createflow.scenarios.harness.probe_set import ProbeSet
from createflow.scenarios.sinks import registry
from createflow.scenarios.sinks.postgres import PostgresTable
from createflow.scenarios.sinks.registry import cache, event_stream, search_index
from createflow.scenarios.sinks.sink import Primary, Replicas
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile
from createflow.schemas.profile_sinks import ReplicaSink, Sinks, SqlSink
from tests.up_stack import UpCommand

NOBODY = str(uuid.uuid4())


@pytest.fixture
def profile(stack: UpCommand) -> Profile:
    """What the stack says of itself."""
    return stack.profile


def rows(profile: Profile, by_id: str) -> PostgresTable:
    """The primary, asked something else."""
    assert profile.sinks.primary is not None
    dsn = profile.sinks.primary.dsn
    return PostgresTable("primary", dsn.get_secret_value(), SqlSink(dsn=dsn, by_id=by_id))


@pytest.mark.anyio
async def test_a_query_cannot_write(profile: Profile) -> None:
    """The transaction is read-only, whatever the profile's query says and its role may do."""
    probe = await rows(profile, "select %(id)s as id, current_setting('transaction_read_only') as read_only").open()
    try:
        assert await probe.by_id("x") == [{"id": "x", "read_only": "on"}]
    finally:
        await probe.close()


@pytest.mark.anyio
async def test_a_connection_that_was_ended_is_made_again(profile: Profile) -> None:
    """A healed fault may have ended it."""
    probe = await rows(profile, "select %(id)s as id, pg_backend_pid() as pid").open()
    try:
        (before,) = await probe.by_id("x")
        assert probe._connection is not None
        await probe._connection.close()
        (after,) = await probe.by_id("x")
        assert (after["id"], before["id"]) == ("x", "x")
        assert after["pid"] != before["pid"]
    finally:
        await probe.close()


@pytest.mark.anyio
async def test_what_does_not_exist_is_nowhere(profile: Profile) -> None:
    """Every probe says so without an error."""
    sinks = profile.sinks
    assert sinks.cache is not None
    assert sinks.events is not None
    assert sinks.search is not None
    cached = await cache(sinks.cache).open()
    events = await event_stream(sinks.events).open()
    search = await search_index(sinks.search).open()
    try:
        assert await cached.value(NOBODY) is None
        assert await cached.keys_holding(NOBODY) == []
        assert events.of(NOBODY) == []
        assert events.mentioning(NOBODY) == []
        assert await search.document(NOBODY) is None
        # As one word: other names may have a part of it.
        assert await search.found("name", NOBODY.replace("-", "")) == []
    finally:
        for probe in (cached, events, search):
            await probe.close()


@pytest.mark.anyio
async def test_a_sink_that_refuses_us_is_told_without_its_password(profile: Profile) -> None:
    """The address is shown, and why it did not open."""
    assert profile.sinks.primary is not None
    dsn = profile.sinks.primary.dsn.get_secret_value()
    wrong = psycopg.conninfo.make_conninfo(dsn, password="geheimnis")
    raw = profile.sinks.primary.model_dump() | {"dsn": wrong}
    sinks = profile.sinks.model_copy(update={"primary": SqlSink.model_validate(raw)})
    mask = Mask()
    async with ProbeSet(profile.model_copy(update={"sinks": sinks}), "test", mask) as probes:
        (told,) = probes._sinks._errors.values()
    assert "sinks.primary at localhost:" in told or "sinks.primary at 127.0.0.1:" in told
    assert "geheimnis" not in mask.text(told)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_an_engine_is_chosen_by_the_scheme_of_its_url(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheme that no engine has goes to the first of the kind, which reports what is wrong with it."""
    chosen: list[str] = []
    monkeypatch.setitem(registry.TABLES, "mysql", lambda name, _dsn, _queries: chosen.append(name))
    section = SqlSink(dsn=SecretStr("mysql://h/db"), by_id="")
    registry.table("the primary", section.dsn, section)
    assert chosen == ["the primary"]
    assert isinstance(registry.table("x", SecretStr(f"{scheme}://h/db"), section), PostgresTable)
    with pytest.raises(UserError, match="the dsn of x in"):
        registry.table("x", SecretStr("not a dsn"), section)


def test_only_what_is_configured_is_opened() -> None:
    """Replicas are read with the primary's queries, so without it there are none."""
    replica = ReplicaSink(name="r", dsn=SecretStr("postgresql://h/db"))
    assert registry.configured_probes(Sinks(replicas=(replica,)), "id") == []
    primary = SqlSink(dsn=SecretStr("postgresql://u:secret@h/db"), by_id="")
    sinks = Sinks(primary=primary, replicas=(replica,))
    assert [probe.role for probe in registry.configured_probes(sinks, "id")] == [Primary, Replicas]
    assert registry.secret_urls(sinks) == ["postgresql://u:secret@h/db", "postgresql://h/db"]
