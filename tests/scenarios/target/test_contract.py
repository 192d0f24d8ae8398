"""Create bodies are made from the target's own schema."""

import json
import os
import socket
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from createflow.scenarios.bodies.judge import Judge
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.contract import Contract
from createflow.schemas.error import UserError
from createflow.schemas.profile_promises import Promises
from createflow.schemas.profile_target import Target
from createflow.schemas.wire import METADATA_MAX_BYTES, METADATA_MAX_DEPTH


def contract(folder: Path, schema: object, **target: object) -> Contract:
    """The contract of a target with this schema."""
    file = folder / "schema.json"
    file.write_text(json.dumps(schema))
    return Contract(Target.model_validate({"base_url": "http://x", "schema_file": str(file), **target}))


def test_the_seeds_own_body_is_valid_and_fresh_each_time() -> None:
    """Name and metadata carry a nonce, so that no two checks meet."""
    seed = Contract(Target(base_url="http://x"))
    first, second = seed.document(), seed.document()
    for body in (first, second):
        Draft202012Validator(seed.schema).validate(body)
        assert seed.nonce_in(body) in str(body["metadata"])
    assert seed.nonce_in(first) != seed.nonce_in(second)


def test_some_bodies_are_as_large_as_our_contract_allows() -> None:
    """A store may have a limit of its own. Where only the schema is ours, they stay small."""
    target = Target(base_url="http://x")
    promised, plain = Contract(target, Promises(contract=True)), Contract(target)
    bodies = [promised.varied(number) for number in range(12)]
    for body in bodies:
        Draft202012Validator(promised.schema).validate(body)
        assert promised.nonce_in(body)
    assert max(len(body["name"]) for body in bodies) == promised.max_length("name")
    assert max(len(_compact(body["metadata"])) for body in bodies) == METADATA_MAX_BYTES
    assert max(_depth(body["metadata"]) for body in bodies) == METADATA_MAX_DEPTH
    assert max(len(_compact(plain.varied(number))) for number in range(12)) < METADATA_MAX_BYTES / 4


def _compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def test_a_body_of_another_schema_is_valid_by_it(tmp_path: Path) -> None:
    """Simple values are made up; the name goes where the profile says it is."""
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["title", "count", "kind", "on", "price"],
        "properties": {
            "title": {"type": "string", "maxLength": 12},
            "count": {"type": "integer", "minimum": 3},
            "kind": {"enum": ["a", "b"]},
            "on": {"type": "boolean"},
            "price": {"type": "number", "maximum": 0.5},
            "note": {"type": "string", "minLength": 50, "maxLength": 60},
        },
    }
    other = contract(tmp_path, schema, fields={"name": "title"})
    body = other.document()
    Draft202012Validator(schema).validate(body)
    assert other.name_in(body) == body["title"]
    assert (other.is_closed, other.max_length("title"), other.is_default) == (True, 12, False)


@pytest.mark.parametrize("rules", [{"minimum": 0.0}, {"maximum": -2.0}, {"default": 7.0}, {"enum": [3.0]}])
@pytest.mark.parametrize("kind", ["integer", ["integer", "null"]])
def test_an_integer_is_written_as_one(tmp_path: Path, rules: dict[str, object], kind: object) -> None:
    """Documents write the bounds of integers as 0.0, and a strict parser refuses 0.0 where it reads an integer."""
    properties = {"name": {"type": "string"}, "count": {"type": kind, **rules}}
    other = contract(tmp_path, {"type": "object", "required": ["count"], "properties": properties})
    assert type(other.document()["count"]) is int


def test_what_is_required_is_made_and_an_example_goes_first(tmp_path: Path) -> None:
    """An example that does not fit the schema is passed over."""
    schema = {
        "required": ["name", "at", "by"],
        "properties": {"name": {"type": "string"}, "at": {"format": "date"}, "by": {"pattern": "^[A-Z]{3}$"}},
    }
    made_up = contract(tmp_path, schema).document()
    Draft202012Validator(schema).validate(made_up)
    assert len(made_up["by"]) == 3
    example = {"name": "x", "at": "2024-01-01", "by": "ABC"}
    body = contract(tmp_path, {**schema, "examples": [{**example, "at": "today"}, example]}).document()
    assert (body["at"], body["by"]) == ("2024-01-01", "ABC")
    assert body["name"] != "x"


@pytest.mark.parametrize(
    ("properties", "body", "reason", "hint"),
    [
        ({"n": {"multipleOf": 2}}, {"n": 3}, r"target.body does not fit .*: /n: 3 is not .* 2 \(multipleOf\)", "body"),
        ({"n": {"format": "int32", "type": "integer"}}, {"n": 2**31}, r"/n: 2147483648 .* \(maximum\)", "body"),
        ({"n": {"type": "object", "required": ["x"]}}, {"n": {}}, r"/n: .* required property \(required\)", "body"),
        (
            {"name": {"pattern": "^[A-Z]{2}$"}},
            None,
            r"no body can be made that fits .*: /name: .*\(pattern\)",
            "fields",
        ),
        (
            {"n": {"type": "integer", "minimum": 5, "maximum": 4}},
            None,
            "none was found that it allows|max_value",
            "body",
        ),
    ],
    ids=["a multiple", "a format's bound", "within", "a name", "nothing"],
)
def test_what_cannot_be_made_valid_is_told_by_field_and_keyword(
    tmp_path: Path, properties: dict[str, object], body: dict[str, object] | None, reason: str, hint: str
) -> None:
    """Before the first request. Otherwise its refusal would be taken for the target's fault."""
    schema = {"required": [*properties], "properties": {"name": {"type": "string"}, **properties}}
    with pytest.raises(UserError, match=reason) as caught:
        contract(tmp_path, schema, **({} if body is None else {"body": {"name": "x", **body}}))
    assert hint in str(caught.value.hint)


def test_a_name_takes_the_form_that_the_schema_allows(tmp_path: Path) -> None:
    """And only the variants of a body that fit are sent."""
    schema = {
        "properties": {
            "name": {"type": "string", "pattern": "^[a-z0-9]{8,20}$"},
            "text": {"type": "string", "maxLength": 50, "not": {"pattern": " "}},
        }
    }
    other = contract(tmp_path, schema)
    for body in (other.document(), *map(other.varied, range(12))):
        Draft202012Validator(schema).validate(body)
    assert other.nonce_in(other.document()).startswith("n")


@pytest.mark.parametrize("inside", ["properties", "allOf", "items"])
def test_read_only_properties_are_not_sent(tmp_path: Path, inside: str) -> None:
    """Neither those of an object inside."""
    part = {"required": ["id", "x"], "properties": {"id": {"type": "integer", "readOnly": True}, "x": {"const": 1}}}
    field = {"properties": part, "allOf": {"allOf": [part]}, "items": {"type": "array", "items": part, "minItems": 1}}
    schema = {"required": ["name", "a"], "properties": {"name": {"type": "string"}, "a": field[inside]}}
    body = contract(tmp_path, schema).document()
    assert body["a"] == ([{"x": 1}] if inside == "items" else {"x": 1})


@pytest.mark.parametrize("schema", [[], {}, {"properties": []}])
def test_what_is_no_schema_of_an_object_is_refused(tmp_path: Path, schema: object) -> None:
    """With the file's name."""
    with pytest.raises(UserError, match=r"schema\.json: not a JSON Schema"):
        contract(tmp_path, schema)


def made(**target: object) -> Contract:
    """The contract of a target without a schema file."""
    return Contract(Target.model_validate({"base_url": "http://x", **target}))


def test_without_a_schema_only_one_body_is_known() -> None:
    """What would need a schema is skipped and says so; the body is as fresh as any."""
    bare = made(body={"title": "x", "n": 1}, fields={"name": "title"})
    first, second = bare.document(), bare.document()
    assert first["n"] == 1
    assert first["title"] != second["title"]
    assert (bare.has_schema, bare.is_default, bare.is_closed, bare.properties) == (False, False, False, {})
    with pytest.raises(NotDeclared, match=r"`target\.schema_file` is not configured"):
        _ = bare.required


def test_exact_bytes_stay_exact(tmp_path: Path) -> None:
    """Nothing of the run is put into them; changes are the checks' own."""
    file = tmp_path / "body"
    file.write_bytes(b'{"a": 1}')
    exact = made(body_file=str(file))
    assert exact.raw == b'{"a": 1}'
    assert exact.document() == {"a": 1}
    assert exact.document(b=2) == {"a": 1, "b": 2}
    with pytest.raises(NotDeclared, match="no text name, by which"):
        exact.name_in(exact.document())
    with pytest.raises(NotDeclared, match="no field name, whose text"):
        exact.document(name="other")
    assert exact.fields.declared() == ("id", "created_at", "created_by")


@pytest.mark.parametrize("place", ["", "@header:Date"])
def test_a_field_that_is_not_shown_is_not_declared(place: str) -> None:
    """The Date header is the time of any reply, and so says nothing of the resource."""
    fields = made(fields={"created_at": place, "created_by": ""}).fields
    for name in ("created_at", "created_by"):
        with pytest.raises(NotDeclared, match=name):
            getattr(fields, name)
    assert fields.declared() == ("id", "name")


@pytest.mark.parametrize("key", ["$ref", "$dynamicRef"])
def test_a_reference_to_another_document_is_refused_and_not_fetched(key: str, tmp_path: Path) -> None:
    """A schema of somebody else must not make the tester contact anybody."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.05)
        foreign = f"http://127.0.0.1:{listener.getsockname()[1]}/name.json"
        file = tmp_path / "schema.json"
        schema = {"type": "object", "properties": {"name": {"anyOf": [{key: foreign}]}}}
        file.write_text(json.dumps(schema), encoding="utf-8")
        with pytest.raises(UserError, match="nothing is fetched"):
            Contract(Target.model_validate({"base_url": "http://x", "schema_file": str(file)}))
        with pytest.raises(Exception, match=r"name\.json"):
            Judge(schema, with_formats=True)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_reference_inside_the_document_is_followed(tmp_path: Path) -> None:
    """Also to a part that has an ``$id`` of its own."""
    file = tmp_path / "schema.json"
    schema = {
        "type": "object",
        "properties": {"name": {"$ref": "#/$defs/name"}, "other": {"$ref": "urn:other"}},
        "$defs": {"name": {"type": "string"}, "other": {"$id": "urn:other", "type": "string"}},
    }
    file.write_text(json.dumps(schema), encoding="utf-8")
    contract = Contract(Target.model_validate({"base_url": "http://x", "schema_file": str(file)}))
    judge = Judge(contract.schema, with_formats=True)
    assert not judge.fits({"name": 1})
    assert judge.fits({"name": "a", "other": "b"})


def _nested(levels: int, keyword: str) -> dict[str, object]:
    schema: dict[str, object] = {}
    for _ in range(levels):
        schema = {keyword: schema if keyword == "not" else {"a": schema}}
    return {"properties": {"a": schema}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (json.dumps(_nested(100, "not")), "more than 64 levels"),
        (json.dumps(_nested(95, "properties")), "more than 64 levels"),
        ('{"properties": {"a": ' + '{"not": ' * 100_000, "more than 64 levels"),
        ('{"properties": {"a": {"minLength": 1' + "0" * 5000 + "}}}", "a number of 5001 digits"),
        ('{"properties": {"a": {"maximum": NaN}}}', "NaN is not a number"),
        ('{"properties": {"a": {"maximum": 1e999}}}', "too large"),
        ('{"properties": {"a": {"title": "\\ud800"}}}', "surrogate"),
        ('{"properties": {}, "properties": {}}', "stands twice"),
        (json.dumps({"properties": {"a": {"type": [*range(30_000), "a"]}}}), "a type with more than 20 names"),
        (json.dumps({"properties": {str(number): {} for number in range(90_000)}}), "larger than|parts"),
        ('{"properties": ' + "[[],[]," * 140_000, "parts"),
        (" " * 1_100_000, "larger than 1048576 bytes"),
        ('{"properties": {}', "not JSON: line 1"),
        ("", "not JSON: line 1"),
        ("\u0000", "not JSON: line 1"),
    ],
    ids=[
        "deep not",
        "deep properties",
        "never closed",
        "digits",
        "NaN",
        "1e999",
        "surrogate",
        "twice",
        "types",
        "many",
        "lists",
        "blanks",
        "cut off",
        "empty",
        "NUL",
    ],
)
def test_a_hostile_schema_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    """Before anything is done with it that grows faster than its text."""
    file = tmp_path / "schema.json"
    file.write_text(text)
    with pytest.raises(UserError, match=rf"schema\.json: .*({reason})") as caught:
        made(schema_file=str(file))
    assert len(str(caught.value)) < 500 + len(str(file))


def test_a_schema_as_deep_as_allowed_can_be_used(tmp_path: Path) -> None:
    """It does not reach the end of Python's stack."""
    assert contract(tmp_path, _nested(60, "not")).has_schema


@pytest.mark.parametrize(
    "rules",
    [
        {"minLength": 10**300},
        {"minLength": 5.0, "maxLength": 9.0},
        {"pattern": "^(a|a)*$"},
        {"pattern": r"\p{L}"},
        {"pattern": "(?i)" + "[\\u0000-\\uffff]" * 1000},
        {"type": "integer", "minimum": 10**300},
        {"type": "array", "minItems": 10**9},
        {"type": ["string", "null"], "maxLength": 1e300},
    ],
    ids=lambda rules: json.dumps(rules)[:40],
)
def test_strange_rules_of_a_field_do_no_harm(tmp_path: Path, rules: dict[str, object]) -> None:
    """Patterns are not compiled here, and nothing is made that is as long as a number says."""
    schema = {"properties": {"name": {"type": "string"}, "other": {"type": "string", **rules}}}
    other = contract(tmp_path, schema)
    assert len(json.dumps(other.document())) < 1000
    assert other.max_length("other") is None or other.max_length("other") in {9, int(1e300)}


def test_what_is_not_a_regular_file_is_no_schema(tmp_path: Path) -> None:
    """Nothing waits for a writer."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for key in ("schema_file", "body_file"):
        with pytest.raises(UserError, match="not a regular file"):
            made(**{key: str(pipe)})
