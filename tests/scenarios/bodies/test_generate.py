"""Bodies made from a schema are of the schema, and the same for the same seed."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from createflow.scenarios.bodies.generate import generate_invalid_bodies, generate_valid_bodies
from createflow.schemas.wire import wire_schema

SCHEMA = {
    "type": "object",
    "required": ["name", "kind", "ref"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 3, "maxLength": 20},
        "kind": {"enum": ["a", "b"]},
        "ref": {"$ref": "#/$defs/ref"},
        "size": {"type": ["integer", "null"], "minimum": 1, "maximum": 5},
        "tags": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]{2}$"}, "minItems": 1},
        "at": {"type": "string", "format": "date-time"},
    },
    "$defs": {"ref": {"anyOf": [{"type": "number"}, {"type": "boolean"}]}},
}


@pytest.mark.parametrize("schema", [SCHEMA, wire_schema("create_request")], ids=["another", "the seed's"])
def test_generate_valid_bodies_are_valid_and_mistakes_are_not(schema: dict[str, Any]) -> None:
    """As the schema itself judges them."""
    judge = Draft202012Validator(schema)
    good = generate_valid_bodies(schema, 7, 15)
    assert len(good) == 15
    assert all(judge.is_valid(body) for body in good)
    bad = generate_invalid_bodies(schema, good, 7)
    assert len(bad) >= 10
    assert not any(judge.is_valid(body) for body, _ in bad)


def test_the_same_seed_makes_the_same_bodies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves nothing in the directory it runs in."""
    monkeypatch.chdir(tmp_path)
    first, again, other = (generate_valid_bodies(SCHEMA, seed, 10) for seed in (1, 1, 2))
    assert first == again != other
    assert generate_invalid_bodies(SCHEMA, first, 3) == generate_invalid_bodies(SCHEMA, first, 3)
    assert not list(tmp_path.iterdir())
