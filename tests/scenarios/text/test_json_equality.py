"""Equality of JSON values, with and without objects that a server may add to."""

import pytest

from createflow.scenarios.checks.support.json_values import is_same
from createflow.scenarios.text.json_equality import OpenObject, same_json
from createflow.scenarios.text.json_schema import opened

LINES = {"type": "array", "items": {"$ref": "#/$defs/line"}}
SCHEMA = {
    "type": "object",
    "properties": {
        "lines": LINES,
        "customer": {"allOf": [{"$ref": "#/$defs/customer"}]},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "by_name": {"type": "object", "additionalProperties": {"$ref": "#/$defs/line"}},
        "anything": True,
        "elsewhere": {"$ref": "https://example.com/schema"},
    },
    "$defs": {
        "line": {"type": "object", "properties": {"sku": {"type": "string"}, "note": {"type": "object"}}},
        "customer": {"type": "object", "properties": {"name": {"type": "string"}}},
    },
}


def _shows(sent: object, shown: object) -> bool:
    expected = opened(SCHEMA, sent)
    assert is_same(expected, shown) is same_json(expected, shown)
    return same_json(expected, shown)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"lines": [{"sku": "a"}]}, {"lines": [{"sku": "a", "id": 7, "price": 1.5}]}),
        ({"customer": {"name": "a"}}, {"customer": {"id": "7", "name": "a", "links": {}}}),
        ({"by_name": {"x": {"sku": "a"}}}, {"by_name": {"x": {"sku": "a", "id": 1}}}),
        ({"elsewhere": {"a": 1}}, {"elsewhere": {"a": 1, "b": 2}}),
        ({"unknown": {"a": {"b": 1}}}, {"unknown": {"a": {"b": 1, "c": 2}, "d": 3}}),
    ],
)
def test_an_object_with_named_properties_may_be_shown_with_more(sent: object, shown: object) -> None:
    """A server gives the items of an order ids; the schema of what is sent says nothing of it."""
    assert _shows(sent, shown)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"labels": {"a": "1"}}, {"labels": {"a": "1", "b": "2"}}),
        ({"by_name": {"x": {"sku": "a"}}}, {"by_name": {"x": {"sku": "a"}, "y": {"sku": "b"}}}),
        ({"anything": {"a": {"b": 1}}}, {"anything": {"a": {"b": 1, "c": 2}}}),
        ({"lines": [{"sku": "a", "note": {}}]}, {"lines": [{"sku": "a", "note": {"a": 1}}]}),
    ],
)
def test_a_map_of_the_clients_is_shown_with_nothing_else(sent: object, shown: object) -> None:
    """Labels that nobody set would be a wrong value."""
    assert not _shows(sent, shown)


@pytest.mark.parametrize(
    "shown",
    [
        {"lines": [{"id": 7}]},
        {"lines": [{"sku": "b", "id": 7}]},
        {"lines": [{"sku": "a"}, {"sku": "a"}]},
        {"lines": []},
        {"lines": {"sku": "a"}},
    ],
)
def test_what_was_sent_is_there(shown: object) -> None:
    """A value that is changed, left out or doubled differs in an open object, too."""
    assert not _shows({"lines": [{"sku": "a"}]}, shown)


def test_without_a_schema_every_object_may_be_shown_with_more() -> None:
    """Nothing says then whether an object is a map."""
    assert same_json(opened(None, {"a": {"b": 1}}), {"a": {"b": 1, "c": 2}})
    assert not same_json(opened(None, {"a": {"b": 1}}), {"a": {"b": 2, "c": 2}})


def test_an_open_object_is_written_as_any_other() -> None:
    """Only the comparers ask for it."""
    assert OpenObject({"a": 1}) == {"a": 1}
