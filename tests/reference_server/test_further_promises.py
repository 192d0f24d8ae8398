"""What the reference promises only when asked to: private resources, unique names, updates that name a version."""

import asyncio
import uuid

import pytest

from createflow.reference_server.adapters import engine_admin
from createflow.reference_server.adapters.postgres_group_commit import UNIQUE_NAME
from tests.reference_server.engine_set import EngineSet
from tests.reference_server.in_process_server import open_server, until

pytestmark = pytest.mark.anyio


async def test_a_private_resource_of_another_is_as_missing(engines: EngineSet) -> None:
    """Also from the cache and in a search, and to whoever would change it; its owner sees it."""
    name = f"private {uuid.uuid4()}"
    async with open_server(engines, worker=True, private=True) as server:
        location = (await server.create({"name": name})).headers["location"]
        owner, other = server.as_user(), server.as_user("mallory")
        assert (await server.get(location)).json()["name"] == name
        missing = await server.http.get(f"/api/resources/{uuid.uuid4()}", headers=other)
        for method, body in (("GET", None), ("PUT", {"name": "mine"}), ("DELETE", None)):
            seen = await server.http.request(method, location, json=body, headers=other)
            assert (seen.status_code, seen.json()["code"]) == (404, missing.json()["code"])

        async def listed() -> list[str]:
            found = await server.http.get("/api/resources", params={"q": name}, headers=owner)
            return [item["name"] for item in found.json()["items"]]

        assert await until(listed) == [name]
        found = await server.http.get("/api/resources", params={"q": name}, headers=other)
        assert found.json()["items"] == []
        assert (await server.put(location, {"name": name})).status_code == 200


async def test_an_update_or_delete_that_names_no_version_is_428(engines: EngineSet) -> None:
    """And changes nothing; one that names the version, or any, goes through."""
    async with open_server(engines, conditional_updates=True) as server:
        made = await server.create()
        location, etag = made.headers["location"], made.headers["etag"]
        refused = await server.put(location, {"name": "second"})
        assert (refused.status_code, refused.json()["code"]) == (428, "precondition_required")
        assert (await server.http.delete(location, headers=server.as_user())).status_code == 428
        assert (await server.get(location)).json() == made.json()
        changed = await server.put(location, {"name": "second"}, **{"if-match": etag})
        assert changed.status_code == 200
        assert (await server.put(location, {"name": "third"}, **{"if-match": "*"})).status_code == 200
        assert (await server.put(f"/api/resources/{uuid.uuid4()}", {"name": "x"})).status_code == 404


async def test_one_of_many_creates_of_a_name_wins(engines: EngineSet) -> None:
    """Those that are committed together too; the name of what was deleted is free again."""
    tag = f"t{uuid.uuid4().hex}"
    index = f"CREATE UNIQUE INDEX {UNIQUE_NAME} ON resources (name) WHERE deleted_at IS NULL AND name LIKE '{tag}%'"
    await engine_admin.run_script(engines.admin_dsn, index)
    try:
        async with open_server(engines) as server:
            replies = await asyncio.gather(*(server.create({"name": f"{tag} {number % 2}"}) for number in range(8)))
            assert sorted(reply.status_code for reply in replies) == [201] * 2 + [409] * 6
            assert {reply.json()["code"] for reply in replies if reply.status_code == 409} == {"conflict"}
            location = next(reply.headers["location"] for reply in replies if reply.status_code == 201)
            name = (await server.get(location)).json()["name"]
            other = (await server.create({"name": f"{tag} other"})).headers["location"]
            assert (await server.put(other, {"name": name})).status_code == 409
            assert (await server.http.delete(location, headers=server.as_user())).status_code == 204
            assert (await server.put(other, {"name": name})).status_code == 200
            rows = await server.rows("SELECT name FROM resources WHERE name LIKE %(like)s", like=f"{tag}%")
            assert len(rows) == 3
    finally:
        await engine_admin.run_script(engines.admin_dsn, f"DROP INDEX {UNIQUE_NAME}")
