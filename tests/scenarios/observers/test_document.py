"""Replies against an OpenAPI document: statuses, media types and bodies."""

import json
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.observers.document import replies_fit_the_openapi_document
from createflow.scenarios.openapi.document import read_document
from createflow.scenarios.openapi.replies import DeclaredReplies
from createflow.scenarios.outcome import NotDeclared
from createflow.schemas.error import UserError
from tests.scenarios.observers.exchanges import causes, exchange, facts

ITEM = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "nullable": True}}}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://target.example/api"}],
    "paths": {
        "/resources": {
            "post": {
                "responses": {
                    "201": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/x"}}}},
                    "4XX": {"$ref": "#/components/refused"},
                }
            }
        },
        "/resources/{id}": {"get": {"responses": {"200": {"description": ""}, "default": {"description": ""}}}},
        "/resources/search": {"get": {"responses": {"200": {"description": ""}}}},
    },
    "components": {"x": ITEM, "refused": {"description": "", "content": {"application/problem+json": {}}}},
}


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """The file."""
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(DOCUMENT))
    return file


def test_an_operation_is_found_by_method_and_path(document: Path) -> None:
    """Below the server's path; a path without variables first."""
    declared = DeclaredReplies(read_document(str(document)))
    search, item = declared.at("GET", "/api/resources/search"), declared.at("GET", "/api/resources/7")
    assert (search and search.name, item and item.name) == ("GET /resources/search", "GET /resources/{id}")
    assert declared.at("GET", "/api/resources/7/8") is None
    assert declared.at("PUT", "/api/resources/7") is None
    assert declared.at("GET", "/resources/7") is None
    assert search is not None
    assert search.reply(404) is None
    assert item is not None
    assert item.reply(404) is not None


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (201, b'{"id": "1"}', "application/json", []),
        (201, b'{"id": null}', "application/json", []),
        (201, b"{}", "application/json", ["the body (body: 'id' is a required property) of a 201"]),
        (201, b'{"id": 1}', "application/json", ["the body (id: does not fit type) of a 201"]),
        (201, b"<a>", "text/html", ["the media type text/html of a 201"]),
        (402, b"{}", "application/problem+json", []),
        (402, b"{}", "application/json", ["the media type application/json of a 402"]),
        (200, b"{}", "application/json", ["200"]),
        (503, b"{}", "application/json", ["503"]),
        (501, b"", "text/plain", []),
    ],
)
def test_a_reply_fits_or_is_told(document: Path, status: int, body: bytes, kind: str, words: list[str]) -> None:
    """With the operation; what HTTP provides for any server needs no declaration."""
    known = facts(target={"openapi_file": str(document)})
    found = causes(replies_fit_the_openapi_document, exchange(status, body, kind), known=known)
    assert found == [f"{word} to POST /resources" for word in words]


def test_what_the_document_does_not_describe_is_not_judged(document: Path) -> None:
    """Other paths, raw bytes, and replies during a fault."""
    known = facts(target={"openapi_file": str(document)})
    for seen in (exchange(418, url="http://x/else"), exchange(418, is_raw=True), exchange(503, fault="service_down")):
        assert causes(replies_fit_the_openapi_document, seen, known=known) is None


def test_without_a_document_it_is_skipped() -> None:
    """And a document that cannot be read is the user's mistake."""
    with pytest.raises(NotDeclared):
        replies_fit_the_openapi_document.watch(facts())
    with pytest.raises(UserError):
        replies_fit_the_openapi_document.watch(facts(target={"openapi_file": "no-such-file.json"}))


def test_a_hostile_document_cannot_stop_the_run(tmp_path: Path) -> None:
    """Patterns that backtrack are left out, and so are paths of many variables; the rest is judged."""
    backtracks = {"type": "string", "pattern": "^(a|a)*$"}
    schema = {"properties": {"a": backtracks, "pattern": backtracks}, "patternProperties": {"^(a|a)*$": {}}}
    hostile = json.loads(json.dumps(DOCUMENT))
    hostile["components"]["x"] = schema
    hostile["paths"]["/" + "{x}-" * 400] = {"get": {"responses": {}}}
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(hostile))
    known, text = facts(target={"openapi_file": str(file)}), f"{'a' * 60}!"
    fine = json.dumps({"a": text, "pattern": text, text: 1}).encode()
    assert causes(replies_fit_the_openapi_document, exchange(201, fine, "application/json"), known=known) == []
    wrong = causes(replies_fit_the_openapi_document, exchange(201, b'{"pattern": 1}', "application/json"), known=known)
    assert wrong == ["the body (pattern: does not fit type) of a 201 to POST /resources"]
    assert DeclaredReplies(read_document(str(file))).at("GET", f"/api/{'-' * 400}/") is None
