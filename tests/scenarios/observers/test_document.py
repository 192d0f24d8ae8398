"""Replies against an OpenAPI document: statuses, media types and bodies."""

import json
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.harness.observer import Watching
from createflow.scenarios.observers.document import replies_fit_the_openapi_document
from createflow.scenarios.openapi.document import read_document
from createflow.scenarios.openapi.replies import DeclaredReplies
from createflow.scenarios.outcome import Inconclusive, NotDeclared
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


def judged(tmp_path: Path, schema: Any, body: bytes) -> list[str] | None:
    """What is said of a body, where this is the schema of the reply."""
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(DOCUMENT | {"components": {**DOCUMENT["components"], "x": schema}}))
    known = facts(target={"openapi_file": str(file)})
    return causes(replies_fit_the_openapi_document, exchange(201, body, "application/json"), known=known)


@pytest.mark.parametrize(
    "schema",
    [
        {"patternProperties": {"^x-": {}}, "additionalProperties": False},
        {"properties": {"x-a": {"not": {"pattern": "^b"}}}},
        {"properties": {"x-a": {"oneOf": [{"pattern": "^a"}, {"pattern": "^b"}]}}},
        {"properties": {"x-a": {"if": {"pattern": "^b"}, "then": False}}},
        {"$dynamicAnchor": "a", "allOf": [{"$dynamicRef": "#a"}, {"not": {"not": {"$dynamicRef": "#a"}}}]},
    ],
)
def test_leaving_patterns_out_accuses_nobody(tmp_path: Path, schema: Any) -> None:
    """A schema without its pattern allows more, and what denies it would allow less. Nor is a reference followed."""
    assert judged(tmp_path, schema, b'{"x-a": "a"}') == []


DOUBLING: dict[str, Any] = {
    "definitions": {f"l{n}": {"anyOf": [{"$ref": f"#/components/x/definitions/l{n + 1}"}] * 4} for n in range(9)}
}


@pytest.mark.parametrize(
    ("schema", "body", "words"),
    [
        ({"properties": {"a": {"uniqueItems": True}}}, {"a": [[n] for n in range(3000)]}, "too many steps"),
        ({"items": {"enum": [{"n": n} for n in range(2000)]}}, [{"n": 1999}] * 2000, "too many steps"),
        (DOUBLING, 1, "the document's references expand to more than 50000 parts"),
    ],
)
def test_what_would_take_too_long_is_inconclusive(tmp_path: Path, schema: Any, body: Any, words: str) -> None:
    """Each item compared with all others, long enumerations, and schemas without end."""
    with pytest.raises(Inconclusive, match=words):
        judged(tmp_path, schema, json.dumps(body).encode())


def test_all_replies_together_have_one_bound(tmp_path: Path) -> None:
    """Each is small; a document of many takes no more than one that is large. Only what a run uses is made."""
    schema = {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(3000)}}
    hostile = json.loads(json.dumps(DOCUMENT))
    content = {"content": {"application/json": {"schema": {"$ref": "#/components/x"}}}}
    hostile["components"]["x"] = schema
    hostile["paths"] = {f"/{n}": {"get": {"responses": {"200": content}}} for n in range(20)}
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(hostile))
    declared = DeclaredReplies(read_document(str(file)))
    assert declared.at("GET", "/api/0") is declared.at("GET", "/api/0")
    with pytest.raises(UserError, match="more than 50000 parts"):
        [declared.at("GET", f"/api/{n}") for n in range(20)]


def test_an_observer_with_a_doubt_does_not_pass(tmp_path: Path) -> None:
    """It says which of the exchanges it could not judge; what it saw in others is told all the same."""
    file = tmp_path / "openapi.json"
    schema = {"properties": {"a": {"uniqueItems": True}}}
    file.write_text(json.dumps(DOCUMENT | {"components": {**DOCUMENT["components"], "x": schema}}))
    watching = Watching(replies_fit_the_openapi_document, facts(target={"openapi_file": str(file)}))
    watching.see(exchange(201, json.dumps({"a": [[n] for n in range(3000)]}).encode()))
    assert "too many steps" in watching.doubt
    assert not watching.error
    assert watching.accusation({}) is None
    watching.see(exchange(402))
    assert watching.accusation({}) is not None
