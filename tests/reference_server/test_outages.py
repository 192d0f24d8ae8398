"""What a client gets while an engine does not answer, and that the server recovers by itself."""

import asyncio
import uuid

import nats
import nats.js.errors
import pytest

from createflow.reference_server.adapters import engine_admin
from tests.reference_server.engine_set import EngineSet
from tests.reference_server.in_process_server import InProcessServer, open_server, until

pytestmark = pytest.mark.anyio


async def _statuses(server: InProcessServer, tag: str, number: int) -> list[tuple[str, int]]:
    names = [f"{tag} {index}" for index in range(number)]
    replies = await asyncio.gather(*(server.create({"name": name}) for name in names))
    return [(name, reply.status_code) for name, reply in zip(names, replies, strict=True)]


async def test_a_paused_database_is_503_or_504_and_then_at_once(engines: EngineSet) -> None:
    """A 503 leaves no row, and creates are answered with 201 again soon after."""
    async with open_server(engines, rpc_timeout_s=0.5) as server:
        tag = uuid.uuid4().hex
        await server.create()
        await asyncio.to_thread(engines.pause, "postgres-primary")
        try:
            replies = await _statuses(server, f"{tag} down", 30)
            refused = await server.create()
        finally:
            await asyncio.to_thread(engines.resume, "postgres-primary")
        assert {status for _, status in replies} <= {503, 504}
        assert refused.status_code == 503
        assert "has failed repeatedly" in refused.text, "the open circuit breaker refuses without asking the service"

        async def works() -> bool:
            return (await server.create()).status_code == 201

        assert await until(works)
        rows = {
            row[0] for row in await server.rows("SELECT name FROM resources WHERE name LIKE %(like)s", like=f"{tag}%")
        }
        assert not rows & {name for name, status in replies if status == 503}


async def test_without_valkey_requests_are_served_and_reads_are_right(engines: EngineSet) -> None:
    """The gateway counts by itself, and the cache catches up."""
    async with open_server(engines) as server:
        location = (await server.create()).headers["location"]
        resource_id = location.rpartition("/")[2]
        await asyncio.to_thread(engines.pause, "valkey")
        try:
            changed = await server.put(location, {"name": "second"})
            assert changed.status_code == 200
            assert (await server.get(location)).json()["name"] == "second"
            assert "ratelimit" in changed.headers
        finally:
            await asyncio.to_thread(engines.resume, "valkey")
        assert (await server.get(location)).json()["name"] == "second"

        async def caught_up() -> bool:
            cached = await server.cached(resource_id)
            return cached is not None and cached["name"] == "second"

        assert await until(caught_up)


async def test_paused_search_delays_the_index_only(engines: EngineSet) -> None:
    """Creates go on, and the document is indexed once search is back."""
    async with open_server(engines, worker=True) as server:
        await asyncio.to_thread(engines.pause, "search")
        try:
            reply = await server.create()
            assert reply.status_code == 201
            assert (await server.events(reply.json()["id"]))[0]["data"] == reply.json()
        finally:
            await asyncio.to_thread(engines.resume, "search")
        assert await until(lambda: server.indexed(reply.json()["id"])) == reply.json()


async def test_paused_nats_is_503_or_504(engines: EngineSet) -> None:
    """Afterwards creates are answered with 201 again."""
    async with open_server(engines, rpc_timeout_s=0.3) as server:
        await asyncio.to_thread(engines.pause, "nats")
        try:
            assert (await server.create()).status_code in {503, 504}
        finally:
            await asyncio.to_thread(engines.resume, "nats")

        async def works() -> bool:
            return (await server.create()).status_code == 201

        assert await until(works)


async def test_a_stream_that_was_lost_is_made_again_with_every_event(engines: EngineSet) -> None:
    """The outbox still has them; the worker goes on by itself, and says meanwhile that it is not ready."""
    async with open_server(engines, worker=True) as server:
        first = (await server.create()).json()["id"]
        assert len(await server.events(first)) == 1
        client = await nats.connect(engines.nats_urls["operator"])
        try:
            await client.jetstream().delete_stream(f"{server.settings.subject_prefix.upper()}_EVENTS")
        finally:
            await client.close()
        second = (await server.create()).json()["id"]

        async def is_back() -> bool:
            try:
                return len(await server.events(first)) == len(await server.events(second)) == 1
            except nats.js.errors.NotFoundError:
                return False

        assert await until(is_back)
        assert await until(lambda: server.indexed(second))


_SWALLOW = """
    CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.name LIKE '{name}%' THEN RETURN NULL; END IF; RETURN NEW;
    END $$;
    CREATE TRIGGER {name} BEFORE INSERT ON resources FOR EACH ROW EXECUTE FUNCTION {name}();
"""


async def test_a_create_whose_row_the_database_swallows_is_500_and_the_others_go_on(engines: EngineSet) -> None:
    """Alone and among others that are committed together; no write waits for one that failed."""
    tag = f"t{uuid.uuid4().hex}"
    async with open_server(engines) as server:
        await engine_admin.run_script(engines.admin_dsn, _SWALLOW.format(name=tag))
        try:
            assert (await server.create({"name": f"{tag} alone"})).status_code == 500
            names = ["first", f"{tag} between", "last"] * 2
            replies = await asyncio.gather(*(server.create({"name": name}) for name in names))
        finally:
            await engine_admin.run_script(engines.admin_dsn, f"DROP FUNCTION {tag} CASCADE")
        assert [reply.status_code for reply in replies] == [201, 500, 201] * 2
        assert (await server.create()).status_code == 201
