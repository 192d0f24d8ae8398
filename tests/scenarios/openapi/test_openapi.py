"""An OpenAPI document becomes the beginning of a profile."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from createflow.scenarios.bodies.generate import generate_valid_bodies
from createflow.scenarios.openapi import document as openapi_document
from createflow.scenarios.openapi import parsing
from createflow.scenarios.openapi.create_operation import CreateOperation, find_create_operation
from createflow.scenarios.openapi.document import Access, read_document
from createflow.scenarios.openapi.references import Resolver
from createflow.scenarios.target.contract import Contract
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile_target import Target
from tests.scenarios.malformed_server import Habit, malformed_server, reply

OLD = """
openapi: 3.0.3
servers: [{url: "https://api.example.com/v1/"}]
security: [{key: []}]
paths:
  /orders/{id}/lines: {post: {responses: {"201": {description: made}}}}
  /login: {post: {requestBody: {content: {application/json: {schema: {}}}}, responses: {"200": {description: in}}}}
  /orders:
    post:
      requestBody: {$ref: "#/components/requestBodies/Order"}
      responses: {"201": {description: made}}
components:
  requestBodies: {Order: {content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}}
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
  schemas:
    Order:
      allOf:
        - {type: object, required: [id, title], properties: {id: {type: string, readOnly: true}, title: {type: string}}}
        - $ref: "#/components/schemas/Priced"
    Priced:
      type: object
      required: [price, note]
      properties:
        price: {type: number, minimum: 0, exclusiveMinimum: true}
        note: {type: string, nullable: true, enum: [a, b]}
        parent: {$ref: "#/components/schemas/Order"}
        elsewhere: {$ref: "http://127.0.0.1:1/never-fetched.json"}
"""


def written(folder: Path, text: str) -> str:
    """A file with this text."""
    file = folder / "openapi"
    file.write_text(text, encoding="utf-8")
    return str(file)


def found(folder: Path, text: str = OLD, path: str | None = None) -> CreateOperation:
    """The create of a document."""
    return find_create_operation(read_document(written(folder, text)), path)


def test_the_first_post_that_answers_201_without_path_parameters_is_the_create(tmp_path: Path) -> None:
    """The server's path stands before it; the others are named."""
    operation = found(tmp_path)
    assert (operation.base_url, operation.path) == ("https://api.example.com", "/v1/orders")
    assert operation.others == ("/orders/{id}/lines",)
    assert found(tmp_path, path="/login").path == "/v1/login"


def test_the_schema_stands_alone_and_says_what_3_0_said(tmp_path: Path) -> None:
    """References inside are followed once, others never; read-only fields are not sent; nullable is a type."""
    schema = found(tmp_path).schema
    assert schema is not None
    Draft202012Validator.check_schema(schema)
    assert schema["required"] == ["title", "price", "note"]
    properties = schema["properties"]
    assert "id" not in properties
    assert properties["price"] == {"type": "number", "exclusiveMinimum": 0}
    assert properties["note"] == {"type": ["string", "null"], "enum": ["a", "b", None]}
    assert properties["elsewhere"] == {}
    assert set(re.findall(r'"\$ref": "([^"]*)"', json.dumps(schema))) == {"#/$defs/Order_0"}


RECURSIVE = """
openapi: 3.0.3
paths:
  /items:
    post:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Item"}}}}
      responses: {"201": {description: made}}
components:
  schemas:
    Item:
      type: object
      required: [name, parts, shape, owner]
      properties:
        name: {type: string}
        id: {type: string, readOnly: true}
        parts: {type: array, minItems: 1, items: {$ref: "#/components/schemas/Part"}}
        shape:
          oneOf: [{$ref: "#/components/schemas/Circle"}, {$ref: "#/components/schemas/Square"}]
          discriminator: {propertyName: kind, mapping: {round: "#/components/schemas/Circle"}}
        owner: {nullable: true, allOf: [{$ref: "#/components/schemas/Part"}]}
    Part:
      type: object
      required: [id, size, parts]
      properties:
        id: {type: integer, readOnly: true}
        size: {type: integer, format: int32, minimum: 1}
        parts: {type: array, items: {$ref: "#/components/schemas/Part"}}
    Circle: {type: object, required: [kind, r], properties: {kind: {type: string}, r: {type: number}}}
    Square: {type: object, required: [kind, a], properties: {kind: {type: string}, a: {type: number}}}
"""


def test_bodies_of_a_recursive_schema_with_a_discriminator_are_made(tmp_path: Path) -> None:
    """Read-only fields are left out at every depth; a kind names the shape that it belongs to."""
    schema = found(tmp_path, RECURSIVE).schema
    assert schema is not None
    bodies = [body for seed in range(4) for body in generate_valid_bodies(schema, seed, 10)]
    kinds = {body["shape"]["kind"]: sorted(body["shape"].keys() & {"a", "r"}) for body in bodies}
    assert kinds.keys() == {"round", "Square"}
    assert "r" in kinds["round"]
    assert "a" in kinds["Square"]
    assert any(part["parts"] for body in bodies for part in body["parts"])
    assert not any("id" in part for body in bodies for part in [body, *body["parts"]])
    assert {type(body["owner"]) for body in bodies} == {dict, type(None)}
    assert all(1 <= part["size"] < 2**31 for body in bodies for part in body["parts"])


def test_bodies_can_be_made_from_it(tmp_path: Path) -> None:
    """As the tester makes them."""
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(found(tmp_path).schema))
    target = {"base_url": "http://x", "schema_file": str(file), "fields": {"name": "title"}}
    body = Contract(Target.model_validate(target)).document()
    assert {"title", "price", "note"} <= set(body)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("swagger: '1.2'", "not a Swagger 2.0 or OpenAPI"),
        ("[", "neither JSON nor YAML"),
        ("{", "not JSON: line 1"),
        ("openapi: 3.1.0\npaths: {/a: {get: {}}}", "no create"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, text: str, words: str) -> None:
    """Without a traceback."""
    with pytest.raises(UserError, match=words):
        found(tmp_path, text)


def test_a_document_that_unfolds_without_end_is_refused(tmp_path: Path) -> None:
    """By references, and by YAML's aliases."""
    levels = {f"l{n}": {"a": {"$ref": f"#/l{n + 1}"}, "b": {"$ref": f"#/l{n + 1}"}} for n in range(30)}
    with pytest.raises(UserError, match="parts"):
        Resolver(levels).resolved({"$ref": "#/l0"})
    lines = ["openapi: 3.1.0", "a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9))]
    with pytest.raises(UserError, match="parts"):
        read_document(written(tmp_path, "\n".join(lines)))


def _fetched(habit: Habit) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        async with malformed_server(habit) as url:
            return await asyncio.to_thread(read_document, f"{url}/openapi.json")

    return asyncio.run(run())


def test_a_url_is_read_once_and_not_followed_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded in size; a redirect is told."""
    good = json.dumps({"openapi": "3.1.0", "paths": {}}).encode()
    assert _fetched(lambda _: reply("200 OK", good))["openapi"] == "3.1.0"
    with pytest.raises(TargetError, match="answered 302"):
        _fetched(lambda _: reply("302 Found", headers="location: http://127.0.0.1:1/\r\n"))
    monkeypatch.setattr(openapi_document, "MAX_BYTES", 8)
    with pytest.raises(UserError, match="larger than 8 bytes"):
        _fetched(lambda _: reply("200 OK", good))


def test_a_document_behind_the_credential_of_its_target_is_read_with_it() -> None:
    """After a 401 and not before; to the origin of the target and to no other."""
    seen: list[bool] = []

    def habit(request: bytes) -> bytes:
        seen.append(b"authorization: Bearer t-1" in request)
        return reply("200 OK", OLD.encode()) if seen[-1] else reply("401 Unauthorized")

    def read(access: Callable[[str], Access]) -> dict[str, Any]:
        async def fetch() -> dict[str, Any]:
            async with malformed_server(habit) as url:
                return await asyncio.to_thread(read_document, f"{url}/openapi.json", access=access(url))

        return asyncio.run(fetch())

    assert "paths" in read(lambda url: Access("t-1", url))
    assert seen == [False, True]
    for access in (Access("t-1", "http://127.0.0.1:9"), Access("", "")):
        with pytest.raises(TargetError, match="answered 401") as caught:
            read(lambda _, access=access: access)  # type: ignore[misc]
        assert "--token-env" in (caught.value.hint or "")
    with pytest.raises(TargetError, match="answered 401 to the token as well"):
        read(lambda url: Access("t-2", url))
    assert seen[2:] == [False, False, False, False]


def test_large_documents_are_read_by_the_c_library() -> None:
    """A document of 50 MB takes seconds so; 300,000 parts are an ordinary size."""
    assert parsing._LOADER is yaml.CSafeLoader
    paths = {f"/things{n}": {"get": {"responses": {"200": {"description": "shown"}}}} for n in range(30_000)}
    assert len(parsing.parse(json.dumps({"openapi": "3.1.0", "paths": paths}).encode())["paths"]) == 30_000


def test_the_first_create_is_found_among_many_paths(tmp_path: Path) -> None:
    """The one whose resources can be read, with one look at each path."""
    made = {"requestBody": {"content": {"application/json": {}}}, "responses": {"201": {}}}
    paths: dict[str, Any] = {f"/things{n}": {"post": made} for n in range(3_000)}
    paths["/things2321/{id}"] = {"get": {}}
    assert found(tmp_path, json.dumps({"openapi": "3.1.0", "paths": paths})).path == "/things2321"
