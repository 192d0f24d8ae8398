"""Bodies fit the schema, name their run, and are unique."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from createflow.scenarios.load.plan.request_forms import (
    has_room_for_names,
    make_body_template,
    name_style,
    read_documents,
    require_fit,
)
from createflow.scenarios.load.plan.write_log import Writes
from createflow.scenarios.target.contract import Contract
from createflow.schemas.error import UserError
from createflow.schemas.profile_target import Target
from createflow.schemas.wire import wire_schema

URL = "http://127.0.0.1:1"


def _filled(template: str, k: int) -> str:
    return template % ((k,) * template.replace("%%", "").count("%"))


def test_each_body_is_valid_and_carries_run_and_number() -> None:
    """Verification finds creates by name and by metadata."""
    template = make_body_template(Contract(Target(base_url=URL)), run_id="r1")
    first, second = (json.loads(_filled(template, k)) for k in (7, 8))
    jsonschema.validate(first, wire_schema("create_request"))
    assert first["name"] == "load r1 7"
    assert first["metadata"] == {"run": "r1", "arrival": 7}
    assert first["name"] != second["name"]


def test_another_schema_gets_its_own_fields_and_percent_signs_survive(tmp_path: Path) -> None:
    """The name field may have another name and be short, beside fields that only an example has."""
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string", "maxLength": 20}, "share": {"const": "100%"}},
        "required": ["title", "share"],
    }
    file = tmp_path / "create.json"
    file.write_text(json.dumps(schema), encoding="utf-8")
    contract = Contract(Target.model_validate({"base_url": URL, "schema_file": str(file), "fields": {"name": "title"}}))
    assert json.loads(_filled(make_body_template(contract, run_id="0123abcd"), 123_456)) == {
        "title": "123456",
        "share": "100%",
    }
    assert not has_room_for_names(contract, run_id="0123abcd"), "such names are not told apart from those of other runs"


def test_a_data_file_gives_the_documents_and_only_the_name_changes(tmp_path: Path) -> None:
    """One document a line; empty lines do not count."""
    file = tmp_path / "data.jsonl"
    file.write_text('{"name": "x", "metadata": {"createflow": "kept"}}\n\n{"description": "%d"}\n', encoding="utf-8")
    contract = Contract(Target(base_url=URL))
    bodies = [
        json.loads(_filled(make_body_template(contract, run_id="r1", document=document), 3))
        for document in read_documents(file)
    ]
    assert bodies == [
        {"name": "load r1 3", "metadata": {"createflow": "kept"}},
        {"description": "%d", "name": "load r1 3"},
    ]


def test_documents_that_the_target_would_refuse_are_told_before_the_load() -> None:
    """By their number, the field and the keyword."""
    contract = Contract(Target(base_url=URL))
    bodies = [
        make_body_template(contract, run_id="r1", document={"name": "x", "description": "y" * length})
        for length in (2000, 2001)
    ]
    with pytest.raises(UserError, match=r"data.jsonl, document 2 does not fit .*: /description: .*\(maxLength\)"):
        require_fit(contract, bodies, file=Path("data.jsonl"))


def _own_contract(folder: Path, **properties: object) -> Contract:
    file = folder / "create.json"
    file.write_text(json.dumps({"required": [*properties], "properties": {"name": {}, **properties}}), encoding="utf-8")
    return Contract(Target.model_validate({"base_url": URL, "schema_file": str(file)}))


def test_names_of_a_load_are_only_numbers_where_the_schema_takes_no_others(tmp_path: Path) -> None:
    """And where it takes no numbers either, the load does not begin."""
    digits = _own_contract(tmp_path, name={"type": "string", "pattern": "^[a-z0-9]*$", "maxLength": 20})
    template = make_body_template(digits, run_id="0123abcd")
    assert json.loads(_filled(template, 7)) == {"name": "7"}
    require_fit(digits, [template])
    letters = _own_contract(tmp_path, name={"type": "string", "pattern": "^[a-z][a-z0-9]*$", "maxLength": 20})
    with pytest.raises(UserError, match=r"the bodies of a load do not fit the create schema: /name: .*\(pattern\)"):
        require_fit(letters, [make_body_template(letters, run_id="0123abcd")])


@pytest.mark.parametrize(
    ("pattern", "name", "style"),
    [
        (r"^[a-z0-9]+(-[a-z0-9]+)*$", "load-0123abcd-7", "slug"),
        (r"^[A-Z0-9-]+$", "LOAD-0123ABCD-7", "upper_slug"),
        (r"^[A-Z0-9]+$", "L0123ABCDX7", "upper_code"),
    ],
)
def test_names_of_a_load_have_the_form_of_the_field(tmp_path: Path, pattern: str, name: str, style: str) -> None:
    """They begin alike, so that sinks are searched for them, and the number of the arrival is read from them."""
    contract = _own_contract(tmp_path, name={"type": "string", "pattern": pattern})
    template = make_body_template(contract, run_id="0123abcd")
    assert json.loads(_filled(template, 7))["name"] == name
    writes = Writes("0123abcd", bytes(9), bytes(9), name_style=name_style(contract, run_id="0123abcd"))
    assert (writes.name_style, writes.arrival_of(name), len(writes.preflight)) == (style, 7, len(f"{writes.prefix}-1"))


def test_what_a_body_says_anew_is_of_each_arrival(tmp_path: Path) -> None:
    """And so is what must be unique; a number stays a number."""
    body = {"name": "x", "sku": "S-{marker}", "number": "{counter}", "key": "{uuid}", "text": "100 % {counter}"}
    target = {"base_url": "http://x", "body": {**body, "email": "a@b.de"}, "fields": {"unique": ["email"]}}
    template = make_body_template(Contract(Target.model_validate(target)), run_id="0123abcd")
    first, second = (json.loads(_filled(template, number)) for number in (7, 8))
    assert first == {
        "name": "load 0123abcd 7",
        "sku": "S-l0123abcdx7",
        "number": 7,
        "key": "0123abcd-0000-4000-8000-000000000007",
        "text": "100 % 7",
        "email": "l0123abcdx7@example.com",
    }
    assert not {*first.values()} & {*second.values()}


@pytest.mark.parametrize(
    "rules", [{"additionalProperties": {"type": "string"}}, {"minProperties": 2}, {"propertyNames": {"maxLength": 3}}]
)
def test_metadata_of_a_load_fit_the_schema_as_they_are_sent(tmp_path: Path, rules: dict[str, object]) -> None:
    """A number, another count or a longer name than the schema allows would be refused."""
    contract = _own_contract(tmp_path, metadata={"type": "object", **rules})
    require_fit(contract, [make_body_template(contract, run_id="0123abcd")])


@pytest.mark.parametrize(("text", "told"), [("{}\n[1]\n", "line 2"), ("{}\n{\n", "line 2"), ("\n", "no document")])
def test_an_invalid_data_file_is_an_error_with_the_line(tmp_path: Path, text: str, told: str) -> None:
    """Before anything is sent."""
    file = tmp_path / "data.jsonl"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=told):
        read_documents(file)


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(UserError, match=r"nothing\.jsonl"):
        read_documents(tmp_path / "nothing.jsonl")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (os.mkfifo, "not a regular file"),
        (lambda file: file.symlink_to("/dev/zero"), "not a regular file"),
        (lambda file: file.write_text("{}\n" * 200_000), "more than 100000 documents"),
        (lambda file: file.write_text('{"a": [' + "[]," * 3_000_000), "too many values"),
        (lambda file: file.write_text('{"a": ' * 100_000), "line 1: not a JSON object"),
        (lambda file: file.write_text('{"a": NaN}'), "line 1: not a JSON object"),
        (lambda file: file.write_text('{"a": ' + "1" * 5000 + "}"), "line 1: not a JSON object"),
    ],
    ids=["pipe", "device", "many", "lists", "deep", "NaN", "digits"],
)
def test_a_hostile_file_of_documents_is_refused(tmp_path: Path, make: Callable[[Path], object], reason: str) -> None:
    """Before much is built of it, and with the reason."""
    file = tmp_path / "documents.jsonl"
    make(file)
    with pytest.raises(UserError, match=reason):
        read_documents(file)


def test_only_line_feeds_end_a_document(tmp_path: Path) -> None:
    """A JSON text may hold other separators of lines (RFC 8259 §7)."""
    file = tmp_path / "documents.jsonl"
    file.write_text('{"a": "x\u2028y\x85z"}\r\n{"a": 1}\n', encoding="utf-8", newline="")
    assert read_documents(file) == [{"a": "x\u2028y\x85z"}, {"a": 1}]
