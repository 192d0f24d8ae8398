"""A store behind HTTP: a GET with the id, and a credential that goes nowhere else."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.failure import SinkFailed
from createflow.scenarios.sinks.mapping import WrongMapping
from createflow.scenarios.sinks.registry import mask_secrets, primary_table, replica_tables
from createflow.scenarios.sinks.sink import Table
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile
from createflow.schemas.profile_sinks import Sinks

pytestmark = pytest.mark.anyio
STORE = {"/a": {"items": [{"id": "a", "n": 1}]}, "/b": {"items": [{"id": "b"}, {"id": "b"}]}, "/a%2F1": {"items": []}}


class Store(BaseHTTPRequestHandler):
    """Answers whoever has the credential."""

    asked: list[str]

    def do_GET(self) -> None:
        """One document, or what the path says."""
        self.asked.append(self.path)
        status, body = 200, json.dumps(STORE.get(self.path)).encode()
        if self.headers["Authorization"] != "Bearer secret-of-the-store":
            status, body = 401, b""
        elif self.path == "/elsewhere":
            status, body = 302, b""
        elif self.path == "/text":
            body = b"<html>"
        elif self.path == "/other":
            body = b'{"rows": []}'
        elif self.path not in STORE:
            status, body = 404, b"{}"
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/a")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a store. Its requests are in ``Store.asked``."""
    Store.asked = []
    monkeypatch.setenv("STORE_TOKEN", "secret-of-the-store")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def declared(address: str, **changes: Any) -> Sinks:
    """A profile with a primary behind HTTP, and a replica."""
    primary = {
        "kind": "http",
        "url": f"{address}/{{id}}",
        "documents": "/items",
        "credential_env": "STORE_TOKEN",
        **changes,
    }
    raw = {"primary": primary, "replicas": [{"name": "copy", "url": f"{address}/{{id}}"}]}
    return Profile.model_validate({"target": {"base_url": "http://127.0.0.1:1"}, "sinks": raw}).sinks


async def primary(address: str, **changes: Any) -> Table:
    """The primary, opened."""
    table = primary_table(declared(address, **changes))
    assert table is not None
    try:
        await table.open()
    except BaseException:
        await table.close()
        raise
    return table


async def test_documents_are_found_missing_or_doubled(store: str) -> None:
    """404 is nothing; the id is percent-encoded; a replica has a URL of its own."""
    table = await primary(store)
    assert await table.by_id("a") == [{"id": "a", "n": 1}]
    assert len(await table.by_id("b")) == 2
    assert await table.by_id("nowhere") == []
    assert await table.by_id("a/1") == []
    assert "/a%2F1" in Store.asked
    (copy,) = replica_tables(declared(store))
    assert len(await copy.by_id("a")) == 1
    await table.close()
    await copy.close()


async def test_no_redirect_is_followed(store: str) -> None:
    """The credential would go along."""
    table = await primary(store)
    with pytest.raises(SinkFailed, match=r"answers a GET with 302; check url of sinks\.primary"):
        await table.by_id("elsewhere")
    assert Store.asked[-1] == "/elsewhere"
    await table.close()


async def test_what_is_no_document_is_told(store: str) -> None:
    """No JSON, or nothing at the place of the documents."""
    table = await primary(store)
    with pytest.raises(Inconclusive, match="the reply to a GET is no JSON"):
        await table.by_id("text")
    with pytest.raises(WrongMapping, match=r"sinks\.primary\.documents: .* '/items'; it has /rows"):
        await table.by_id("other")
    await table.close()


async def test_a_wrong_address_or_credential_is_told_when_it_is_opened(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the keys that mend it."""
    with pytest.raises(SinkFailed, match=r"check sinks\.primary\.url"):
        await primary("http://127.0.0.1:1")
    monkeypatch.setenv("STORE_TOKEN", "another")
    with pytest.raises(SinkFailed, match=r"with 401; check credential_env, header, scheme of sinks\.primary"):
        await primary(store)
    monkeypatch.delenv("STORE_TOKEN")
    with pytest.raises(UserError, match="the environment variable STORE_TOKEN is not set"):
        await primary(store)
    with pytest.raises(UserError, match=r"has no \{id\}"):
        await primary(store, url=store)


async def test_the_credential_is_in_no_report(store: str) -> None:
    """Whatever the store says."""
    mask = Mask()
    assert "secret-of-the-store" in mask_secrets(declared(store), mask)
    assert "secret" not in mask.text("it said secret-of-the-store")
