"""What a schema says about who writes and who reads a property."""

from typing import Any

import pytest

from createflow.scenarios.text.json_schema import with_written_properties, without_write_only

SECRET = {"type": "string", "writeOnly": True}
ACCOUNT = {"type": "object", "properties": {"pin": SECRET, "owner": {"type": "string"}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"account": ACCOUNT}},
        {"properties": {"account": {"$ref": "#/$defs/a~1b"}}, "$defs": {"a/b": ACCOUNT}},
        {"allOf": [{"properties": {"account": {"oneOf": [{"type": "null"}, ACCOUNT]}}}]},
        {
            "properties": {"account": {"properties": {"pin": {"allOf": [{"$ref": "#/$defs/pin"}]}}}},
            "$defs": {"pin": SECRET},
        },
    ],
    ids=["inside", "by a reference", "in combinations", "said by a part"],
)
def test_write_only_properties_are_left_out(schema: Any) -> None:
    """At every depth, however the schema says it; the rest stays."""
    sent = {"name": "a", "account": {"pin": "1", "owner": "b"}, "pin": "of another kind"}
    assert without_write_only(schema, sent) == {"name": "a", "account": {"owner": "b"}, "pin": "of another kind"}


def test_those_of_the_items_of_a_list_are_left_out() -> None:
    """Each item has the same schema."""
    schema = {"properties": {"accounts": {"type": "array", "items": ACCOUNT}}}
    assert without_write_only(schema, {"accounts": [{"pin": "1"}, {"owner": "b"}]}) == {
        "accounts": [{}, {"owner": "b"}]
    }


def test_a_schema_that_refers_to_itself_has_an_end() -> None:
    """It says nothing."""
    assert without_write_only({"allOf": [{"$ref": "#"} for _ in range(100)]}, {"a": 1}) == {"a": 1}


def test_what_properties_refer_to_is_written_in_their_places() -> None:
    """With what stands beside the reference; a circle stays one."""
    node = {
        "type": "object",
        "properties": {"kind": {"$ref": "#/$defs/kind", "default": "a"}, "next": {"$ref": "#/$defs/node"}},
    }
    schema = {"properties": {"node": {"$ref": "#/$defs/node"}}, "$defs": {"kind": {"enum": ["a"]}, "node": node}}
    written = with_written_properties(schema)["properties"]["node"]["properties"]
    assert written == {"kind": {"enum": ["a"], "default": "a"}, "next": {"$ref": "#/$defs/node"}}


def test_a_schema_that_grows_without_end_is_not_followed() -> None:
    """Each of its definitions has two references to the next one."""
    definitions = {
        f"d{n}": {"properties": {side: {"$ref": f"#/$defs/d{n + 1}"} for side in ("a", "b", "c", "d", "e", "f")}}
        for n in range(20)
    }
    written = with_written_properties({"properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": definitions})
    assert len(str(written)) < 1_000_000
