"""What a document says about a create goes into the profile; what it does not say is not made up."""

import json
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.drafting.draft import SCHEMA_FILE, draft_profile
from createflow.scenarios.drafting.first_body import with_first_body
from createflow.scenarios.openapi.create_operation import CreateOperation, find_create_operation
from createflow.scenarios.target.representation import WireFormat
from createflow.schemas import profile_file
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile

TITLE = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}
SHOWN = {
    "type": "object",
    "properties": {
        "uuid": {"type": "string"},
        "title": {"type": "string"},
        "createdAt": {"type": "string", "format": "date-time"},
        "owner": {"type": "string"},
    },
}


def json_of(schema: Any, **more: Any) -> dict[str, Any]:
    """A body or reply with this schema."""
    return {"content": {"application/json": {"schema": schema, **more}}}


def document(post: dict[str, Any], **paths: Any) -> dict[str, Any]:
    """A document with one create."""
    return {"openapi": "3.1.0", "paths": {"/things": {"post": {"requestBody": json_of(TITLE), **post}}, **paths}}


def drafted(operation: CreateOperation, folder: Path) -> Profile:
    """The profile that is written, as it is read again."""
    (folder / SCHEMA_FILE).write_text(json.dumps(operation.schema))
    (folder / "createflow.toml").write_text(draft_profile(operation, base_url="http://127.0.0.1:1"))
    return profile_file.load(folder / "createflow.toml", {"CREATEFLOW_SECOND_KEY": "k"})


def test_the_reply_says_where_the_fields_are(tmp_path: Path) -> None:
    """Envelope, id, time, refusals, the resource's own path. The creator may be any name, so it stays a comment."""
    replies = {
        "201": json_of({"type": "object", "properties": {"data": SHOWN}}),
        "401": {"description": "who?"},
        "422": json_of({"type": "object"}),
    }
    own = {"get": {"responses": {}}, "put": {"requestBody": json_of(TITLE), "responses": {}}}
    whole = document({"responses": replies}, **{"/things/{thing}": own})
    operation = find_create_operation({**whole, "servers": [{"url": "/v1"}]})
    target = drafted(operation, tmp_path).target
    assert (target.fields.id, target.fields.name, target.fields.created_at) == ("uuid", "title", "createdAt")
    assert target.fields.created_by == ""
    assert target.envelope.reply == "/data"
    assert target.errors.statuses == {"validation": (422, 400)}
    assert target.errors.media_type == "application/json"
    assert target.read_path == "/v1/things/{id}"
    assert target.update


def test_a_documented_location_is_used_and_a_narrow_put_is_no_update(tmp_path: Path) -> None:
    """A PUT that does not take all of the body cannot replace the resource."""
    replies = {"201": {"headers": {"Location": {}}, **json_of({"type": "object", "properties": {"message": {}}})}}
    own = {"get": {}, "put": {"requestBody": json_of({"type": "object", "properties": {"state": {"type": "string"}}})}}
    target = drafted(find_create_operation(document({"responses": replies}, **{"/things/{id}": own})), tmp_path).target
    assert not target.read_path
    assert target.fields.id == "@location"
    assert not target.update


@pytest.mark.parametrize(
    ("schema", "pointer", "also"),
    [
        ({"type": "object", "required": ["thing"], "properties": {"thing": TITLE}}, "/thing", {}),
        (
            {
                "type": "object",
                "required": ["data"],
                "properties": {
                    "data": {
                        "type": "object",
                        "required": ["type", "attributes"],
                        "properties": {"type": {"const": "things"}, "attributes": TITLE},
                    }
                },
            },
            "/data/attributes",
            {"data": {"type": "things"}},
        ),
        (
            {
                "type": "object",
                "required": ["address"],
                "properties": {"address": TITLE, "name": {"type": "string"}},
            },
            "",
            {},
        ),
    ],
    ids=["a wrapper", "JSON:API", "an object among others"],
)
def test_an_envelope_is_told_from_a_required_object(schema: dict[str, Any], pointer: str, also: dict[str, Any]) -> None:
    """An envelope leaves no other choice than what is in it."""
    operation = find_create_operation(document({"requestBody": json_of(schema), "responses": {"201": {}}}))
    assert operation.request_pointer == pointer
    assert operation.request_also == also


def test_all_that_a_request_needs_is_taken_or_named(tmp_path: Path) -> None:
    """Parameters with a known value, and those without; two credentials at once."""
    parameters = [
        {"in": "query", "name": "api-version", "required": True, "schema": {"enum": ["2024-10-01"]}},
        {"in": "header", "name": "X-Tenant", "required": True, "example": "acme"},
        {"in": "header", "name": "X-Region", "required": True, "schema": {"type": "string"}},
        {"in": "header", "name": "X-Other", "schema": {"default": "not required"}},
        {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string"}},
    ]
    whole = document({"parameters": parameters, "security": [{"a": [], "b": []}], "responses": {"201": {}}})
    keys = {name: {"type": "apiKey", "in": "header", "name": f"X-{name}"} for name in "ab"}
    operation = find_create_operation({**whole, "components": {"securitySchemes": keys}})
    assert operation.parameters.unknown == ("header X-Region",)
    profile = drafted(operation, tmp_path)
    assert profile.target.path == "/things?api-version=2024-10-01"
    assert profile.target.headers == {"X-Tenant": "acme", "X-b": "k"}
    assert profile.target.idempotency
    assert profile.auth.kind == "api_key"
    assert "header X-Region" in (tmp_path / "createflow.toml").read_text()


def test_named_examples_come_first() -> None:
    """Also by reference; they are bodies of a whole create."""
    whole = document(
        {
            "requestBody": json_of(
                TITLE, examples={"small": {"$ref": "#/components/examples/e"}}, example={"title": "last"}
            ),
            "responses": {"201": {}},
        }
    )
    operation = find_create_operation({**whole, "components": {"examples": {"e": {"value": {"title": "first"}}}}})
    assert operation.schema is not None
    assert operation.schema["examples"] == [{"title": "first"}, {"title": "last"}]


@pytest.mark.parametrize("kind", ["text/csv", "application/xml"])
def test_a_document_without_a_create_that_can_be_sent_says_which_bodies_it_has(kind: str) -> None:
    """It is no create that can be tested."""
    with pytest.raises(UserError, match=f"only {kind}"):
        find_create_operation(document({"requestBody": {"content": {kind: {}}}, "responses": {"201": {}}}))


def test_a_json_create_goes_before_one_of_a_form() -> None:
    """And ``*/*`` is JSON as well; a path item may be a reference."""
    whole = document({"requestBody": {"content": {"multipart/form-data": {}}}, "responses": {"201": {}}})
    item = {"post": {"requestBody": {"content": {"*/*": {"schema": TITLE}}}, "responses": {"201": {}}}}
    whole["paths"]["/others"] = {"$ref": "#/components/pathItems/o"}
    operation = find_create_operation({**whole, "components": {"pathItems": {"o": item}}})
    assert (operation.path, operation.media_type) == ("/others", "application/json")


def test_a_body_that_is_a_list_has_one_element(tmp_path: Path) -> None:
    """And the reply then is one, too."""
    several = {"type": "array", "items": TITLE}
    replies = {"201": json_of({"type": "array", "items": SHOWN})}
    target = drafted(find_create_operation(document({"requestBody": json_of(several), "responses": replies})), tmp_path)
    assert (target.target.envelope.request, target.target.envelope.reply) == ("/-", "/0")
    wire = WireFormat(target.target)
    assert wire.encode({"title": "a"}) == b'[{"title":"a"}]'
    assert wire.sent(b'[{"title":"a"}]') == {"title": "a"}


def test_an_id_beside_the_attributes_is_found(tmp_path: Path) -> None:
    """JSON:API: what was sent comes back one object deeper."""
    shown = {"type": "object", "properties": {"id": {"type": "string"}, "attributes": TITLE}}
    replies = {"201": json_of({"type": "object", "properties": {"data": shown}})}
    target = drafted(find_create_operation(document({"responses": replies})), tmp_path).target
    assert (target.envelope.reply, target.fields.id) == ("/data/attributes", "/data/id")


def test_an_id_inside_an_object_that_was_sent_is_found_there(tmp_path: Path) -> None:
    """What was sent is shown beside it, so the whole reply is the representation."""
    inside = {"type": "object", "properties": {"name": {"type": "string"}}}
    own = {"uid": {"type": "string"}, "creationTimestamp": {"type": "string", "format": "date-time"}}
    shown = {"type": "object", "properties": {**inside["properties"], **own}}
    sent = {"type": "object", "properties": {"metadata": inside, "title": {"type": "string", "maxLength": 60}}}
    reply = {"type": "object", "properties": {"metadata": shown, "title": {"type": "string"}}}
    operation = find_create_operation(document({"requestBody": json_of(sent), "responses": {"201": json_of(reply)}}))
    target = drafted(operation, tmp_path).target
    assert (target.envelope.reply, target.fields.id) == ("", "/metadata/uid")
    assert target.fields.created_at == "/metadata/creationTimestamp"


@pytest.mark.parametrize(
    ("kind", "body_as", "encoded"),
    [
        ("application/x-www-form-urlencoded", "form", b"title=a+b&count=3"),
        ("application/x-www-form-urlencoded; charset=utf-8", "form", b"title=a+b&count=3"),
        ("multipart/form-data", "multipart", None),
    ],
)
def test_a_create_that_takes_a_form_is_drafted_as_one(
    tmp_path: Path, kind: str, body_as: str, encoded: bytes | None
) -> None:
    """With the schema of its fields, by which a form is read back."""
    fields = {"title": {"type": "string"}, "count": {"type": "integer"}}
    form = {"content": {kind: {"schema": {"type": "object", "required": ["title"], "properties": fields}}}}
    replies = {"201": json_of({"type": "object", "properties": {"id": {"type": "string"}, **fields}})}
    operation = with_first_body(find_create_operation(document({"requestBody": form, "responses": replies})))
    assert operation.problem == ""
    profile = drafted(operation, tmp_path)
    target = profile.target
    assert (target.body_as, target.fields.name) == (body_as, "title")
    wire = WireFormat(target, operation.schema)
    content = wire.encode({"title": "a b", "count": 3})
    assert encoded in {None, content}
    assert wire.sent(content) == {"title": "a b", "count": 3}


def test_a_form_of_a_login_is_no_create() -> None:
    """Its reply has no id, and says nothing of 201."""
    form = {"content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}}
    login = {"requestBody": form, "responses": {"200": json_of({"type": "object", "properties": {"token": {}}})}}
    with pytest.raises(UserError, match="no create with a JSON body or a form"):
        find_create_operation({"openapi": "3.1.0", "paths": {"/login": {"post": login}}})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "required": ["thing", "unheard"], "properties": {"thing": TITLE}},
        {"type": "object", "properties": {"thing": TITLE, "also": TITLE}},
    ],
)
def test_what_has_more_than_one_part_is_no_envelope(schema: dict[str, Any]) -> None:
    """Even where the document forgot to describe one."""
    assert find_create_operation(document({"requestBody": json_of(schema), "responses": {}})).request_pointer == ""


@pytest.mark.parametrize(("version", "longest"), [("3.0.3", None), ("3.1.0", 5)])
def test_what_stands_beside_a_reference_counts_since_3_1(version: str, longest: int | None) -> None:
    """OpenAPI 3.0.3 §4.7.23 ignores it."""
    label = {"$ref": "#/components/schemas/l", "maxLength": 5, "description": "beside"}
    schema = {"type": "object", "properties": {"label": label}}
    whole = document({"requestBody": json_of(schema), "responses": {"201": {}}})
    found = find_create_operation({**whole, "openapi": version, "components": {"schemas": {"l": {"type": "string"}}}})
    assert found.schema is not None
    assert found.schema["properties"]["label"].get("maxLength") == longest


@pytest.mark.parametrize(
    ("kind", "accept"),
    [("application/vnd.api+json", "application/vnd.api+json, "), ("application/json; charset=utf-8", "")],
)
def test_replies_of_a_kind_of_their_own_are_asked_for(tmp_path: Path, kind: str, accept: str) -> None:
    """Who answers 406 to everything else is not to blame."""
    content = {"content": {kind: {"schema": TITLE}}}
    operation = find_create_operation(document({"requestBody": content, "responses": {"201": content}}))
    assert drafted(operation, tmp_path).target.accept == f"{accept}application/json, application/problem+json"


def test_a_reply_of_any_size_is_looked_at() -> None:
    """Its fields are near the top; what it can contain in all is no matter."""
    deep = {
        f"L{n}": {"properties": {k: {"$ref": f"#/components/schemas/L{n + 1}"} for k in "abcdefgh"}} for n in range(40)
    }
    shown = {"properties": {**SHOWN["properties"], "all": {"$ref": "#/components/schemas/L0"}}}
    whole = document({"responses": {"201": json_of(shown)}})
    assert find_create_operation({**whole, "components": {"schemas": deep}}).shape.id == "uuid"


def test_of_creates_that_are_alike_the_first_with_an_id_is_taken() -> None:
    """A login says 201 as well."""
    whole = document({"responses": {"201": json_of(SHOWN)}})
    login = {"post": {"requestBody": json_of(TITLE), "responses": {"201": json_of({"properties": {"token": {}}})}}}
    operation = find_create_operation({**whole, "paths": {"/login": login, **whole["paths"]}})
    assert (operation.path, operation.others) == ("/things", ("/login",))


def test_a_put_to_a_path_that_ends_in_a_variable_creates(tmp_path: Path) -> None:
    """Where it is named, or where nothing else does; its id is new for each create."""
    whole = document({"responses": {"201": {}}})
    whole["paths"] = {"/shelves/{shelf}/things/{thing}": {"put": whole["paths"]["/things"]["post"]}}
    target = drafted(find_create_operation(whole), tmp_path).target
    assert (target.method, target.path) == ("PUT", "/shelves/{shelf}/things/{new_id}")
    assert find_create_operation(whole, "PUT /shelves/{shelf}/things/{thing}").method == "PUT"
    with pytest.raises(UserError, match="no create at POST /shelves"):
        find_create_operation(whole, "POST /shelves/{shelf}/things/{thing}")
