"""A document of Swagger 2.0 as OpenAPI 3.0."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from createflow.scenarios.openapi.swagger import from_swagger

PET: dict[str, Any] = {"type": "object", "properties": {"name": {"type": "string", "x-nullable": True}}}
BODY = {"in": "body", "name": "pet", "schema": {"$ref": "#/definitions/Pet"}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)


def converted(**changes: Any) -> dict[str, Any]:
    """A small document with changes, converted."""
    operation = {"parameters": [BODY], "responses": {201: {"description": "made", "schema": BODY["schema"]}}}
    document = {"swagger": "2.0", "paths": {"/pets": {"post": operation}}, "definitions": {"Pet": PET}}
    return from_swagger(document | changes)


def test_the_body_becomes_a_request_body_and_references_move() -> None:
    """What they lead to stands where it is looked for."""
    made = converted()
    post = made["paths"]["/pets"]["post"]
    schema = {"$ref": "#/components/schemas/Pet"}
    assert post["requestBody"] == {"content": {"application/json": {"schema": schema}}}
    assert post["responses"]["201"]["content"] == {"application/json": {"schema": schema}}
    assert post["parameters"] == []
    assert made["components"]["schemas"]["Pet"]["properties"]["name"]["nullable"] is True


@pytest.mark.parametrize(
    ("place", "urls"),
    [
        ({"host": "a.example:8443", "basePath": "/v1", "schemes": ["http", "https", "ws"]},
         ["https://a.example:8443/v1", "http://a.example:8443/v1"]),
        ({"host": "a.example"}, ["https://a.example"]),
        ({"basePath": "/v1"}, ["/v1"]),
        ({}, ["/"]),
        ({"host": 5, "schemes": "https"}, ["/"]),
    ],
)  # fmt: skip
def test_the_servers_are_host_base_path_and_schemes(place: dict[str, Any], urls: list[str]) -> None:
    """Encrypted first; without a host it is where the document comes from."""
    assert [server["url"] for server in converted(**place)["servers"]] == urls


def test_media_types_are_those_of_the_operation_else_of_the_document() -> None:
    """JSON where none is named."""
    operation = {"consumes": ["application/vnd.a+json"], "parameters": [BODY], "responses": {}}
    made = converted(consumes=["text/plain"], paths={"/a": {"post": operation}, "/b": {"post": {"parameters": [BODY]}}})
    content = [made["paths"][path]["post"]["requestBody"]["content"] for path in ("/a", "/b")]
    assert [list(kinds) for kinds in content] == [["application/vnd.a+json"], ["text/plain"]]


def test_the_fields_of_a_form_become_a_schema() -> None:
    """Each is a parameter; a file is bytes."""
    fields = [
        {"in": "formData", "name": "a", "type": "string", "maxLength": 5, "required": True},
        {"in": "formData", "name": "b", "type": "file"},
    ]
    operation = {"parameters": fields}
    content = converted(paths={"/a": {"post": operation}})["paths"]["/a"]["post"]["requestBody"]["content"]
    properties = {"a": {"type": "string", "maxLength": 5}, "b": {"type": "string", "format": "binary"}}
    schema = {"type": "object", "properties": properties, "required": ["a"]}
    assert content == {"application/x-www-form-urlencoded": {"schema": schema}}


def test_type_and_bounds_of_a_parameter_become_its_schema() -> None:
    """Those of the path are for all its operations, and a body among them is for each."""
    limit = {"in": "query", "name": "limit", "required": True, "type": "integer", "maximum": 10}
    made = converted(paths={"/a": {"parameters": [limit, BODY], "post": {"parameters": []}}})["paths"]["/a"]
    schema = {"type": "integer", "maximum": 10}
    assert made["parameters"] == [{"in": "query", "name": "limit", "required": True, "schema": schema}]
    assert "requestBody" in made["post"]


@pytest.mark.parametrize(
    ("scheme", "made"),
    [
        ({"type": "basic"}, {"type": "http", "scheme": "basic"}),
        ({"type": "apiKey", "in": "header", "name": "X"}, {"type": "apiKey", "in": "header", "name": "X"}),
        ({"type": "oauth2", "flow": "application", "tokenUrl": "https://t", "scopes": {}},
         {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://t", "scopes": {}}}}),
        ({"type": "oauth2", "flow": "password", "tokenUrl": "https://t"},
         {"type": "oauth2", "flows": {"password": {"tokenUrl": "https://t"}}}),
    ],
)  # fmt: skip
def test_security_schemes_have_other_names(scheme: dict[str, Any], made: dict[str, Any]) -> None:
    """Swagger 2.0 §Security Scheme Object, OpenAPI 3.0 the same."""
    assert converted(securityDefinitions={"s": scheme})["components"]["securitySchemes"]["s"] == made


@given(st.dictionaries(st.sampled_from(["paths", "definitions", "host", "schemes", "responses", "consumes"]), JSON))
def test_any_document_is_converted(document: dict[str, Any]) -> None:
    """Whatever stands where something else should."""
    assert from_swagger(document)["openapi"] == "3.0.3"


@given(JSON, JSON, JSON)
def test_any_operation_is_converted(parameters: Any, responses: Any, shared: Any) -> None:
    """The same one level below."""
    item = {"parameters": shared, "post": {"parameters": parameters, "responses": responses}}
    assert "/a" in converted(paths={"/a": item})["paths"]
