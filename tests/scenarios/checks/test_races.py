"""A window of a millisecond between looking and writing is found every time."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from createflow.scenarios.checks.business.business_logic.concurrent_writes import one_of_many_creates_of_a_name_wins
from createflow.scenarios.checks.business.business_logic.idempotent_creates import same_key_creates_once
from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness.check import Check
from createflow.schemas.profile import Profile
from createflow.schemas.report import Outcome
from tests.scenarios.conformance.quiet_progress import QuietProgress

pytestmark = pytest.mark.anyio
_TIMES = 12
_WINDOW_S = 0.001


class Shop:
    """Creates by key and by name. Between looking one up and adding it there may be a pause."""

    def __init__(self, *, window_s: float, has_unique_names: bool) -> None:
        self._window_s = window_s
        self._names: set[str] | None = set() if has_unique_names else None
        """Protected by themselves, as by an index of a database."""
        self._known: dict[str, dict[str, Any]] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._lock = asyncio.Lock()

    async def create(self, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and document."""
        if not self._window_s:
            async with self._lock:
                return self._add(key, body, self._known.get(key))
        known = self._known.get(key)
        await asyncio.sleep(self._window_s)
        return self._add(key, body, known)

    def read(self, resource_id: str) -> dict[str, Any] | None:
        """One resource."""
        return self._rows.get(resource_id)

    def _add(self, key: str, body: dict[str, Any], known: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
        if known is not None:
            return (201, known) if key.startswith("key:") else (409, {"code": "conflict"})
        if self._names is not None:
            if body["name"] in self._names:
                return 409, {"code": "conflict"}
            self._names.add(body["name"])
        document = {"id": str(len(self._rows) + 1), **body}
        self._rows[document["id"]] = self._known[key] = document
        return 201, document


@asynccontextmanager
async def shop(window_s: float, *, has_unique_names: bool = False) -> AsyncIterator[str]:
    """Serve a shop on a free port; gives its base URL."""
    store = Shop(window_s=window_s, has_unique_names=has_unique_names)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (head := await _head(reader)) is not None:
            line, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
            content = await reader.readexactly(int(headers.get("content-length", "0")))
            status, document = 404, {}
            if line.startswith("POST"):
                body = json.loads(content)
                key = f"key:{headers['idempotency-key']}" if "idempotency-key" in headers else f"name:{body['name']}"
                status, document = await store.create(key, body)
            elif (found := store.read(line.split()[1].rpartition("/")[2])) is not None:
                status, document = 200, found
            reply = json.dumps(document).encode()
            location = f"location: /api/resources/{document['id']}\r\n" if status == 201 else ""
            writer.write(
                f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{location}"
                f"content-length: {len(reply)}\r\n\r\n".encode()
                + reply
            )
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _head(reader: asyncio.StreamReader) -> bytes | None:
    try:
        return (await reader.readuntil(b"\r\n\r\n"))[:-4]
    except asyncio.IncompleteReadError:
        return None


@pytest.mark.parametrize(
    ("check", "has_unique_names"),
    [(same_key_creates_once, False), (same_key_creates_once, True), (one_of_many_creates_of_a_name_wins, False)],
    ids=["key", "key where names are unique", "name"],
)
async def test_a_window_of_a_millisecond_is_found(check: Check, has_unique_names: bool) -> None:  # noqa: FBT001
    """Twelve times out of twelve; without the window the check passes.

    Where names are unique, they prevent the second of two equal creates, so only creates with other names show it. That
    takes longer, because what has to be true for any target is tried before it: three times.
    """

    async def outcome(window_s: float) -> Outcome:
        async with shop(window_s, has_unique_names=has_unique_names) as base_url:
            target = {"base_url": base_url, "idempotency": True, "unique_name": True}
            profile = Profile.model_validate({"target": target})
            report = await conformance(profile, [check], source="test", progress=QuietProgress())
        return report.results[0].outcome

    assert await outcome(0.0) is Outcome.PASSED
    times = _TIMES // 4 if has_unique_names else _TIMES
    assert [await outcome(_WINDOW_S) for _ in range(times)] == [Outcome.FAILED] * times
