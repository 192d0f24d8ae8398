"""A document that is OpenAPI here and nonsense there becomes a profile that loads, or a word to the user."""

import copy
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from createflow.scenarios.bodies import bounded
from createflow.scenarios.bodies.generate import misfits
from createflow.scenarios.drafting.draft import draft_profile, files_beside
from createflow.scenarios.drafting.first_body import with_first_body
from createflow.scenarios.openapi.create_operation import find_create_operation
from createflow.scenarios.openapi.document import read_document
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.target import contract
from createflow.schemas import profile_file
from createflow.schemas.error import UserError

GOOD: dict[str, Any] = {
    "openapi": "3.0.3",
    "servers": [{"url": "https://a.example/v1"}],
    "security": [{"k": []}],
    "components": {
        "securitySchemes": {
            "k": {"type": "apiKey", "in": "header", "name": "X-K"},
            "o": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://t.example/x"}}},
        },
        "schemas": {
            "A": {
                "type": "object",
                "required": ["name", "id"],
                "properties": {
                    "name": {"type": "string", "maxLength": 50, "example": "x"},
                    "id": {"type": "string", "readOnly": True},
                    "n": {"type": "integer", "minimum": 1, "exclusiveMinimum": True, "nullable": True},
                    "e": {"enum": ["a"], "type": "string", "nullable": True},
                },
            },
            "B": {"allOf": [{"$ref": "#/components/schemas/A"}, {"properties": {"z": {"type": "boolean"}}}]},
            "C": {
                "oneOf": [{"$ref": "#/components/schemas/B"}, {"$ref": "#/components/schemas/D"}],
                "discriminator": {"propertyName": "name", "mapping": {"b": "#/components/schemas/B"}},
            },
            "D": {
                "type": "object",
                "properties": {"name": {"type": "string"}},
                "discriminator": {"propertyName": "name"},
            },
        },
    },
    "paths": {
        "/x": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/C"}}}},
                "responses": {"201": {}},
                "security": [{"o": ["s"]}],
            }
        },
    },
}


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from _places(item, (*at, key))


WORDS = ["type", "$ref", "properties", "required", "allOf", "enum", "examples", "url", "name", "201", "content"]
STRANGE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**20)
    | st.text(max_size=8)
    | st.sampled_from(["#/components/schemas/B", "\u2028", 'a"b', "\x7f", "{x}", "\U0001f600", "string", "object"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=6,
)


def _profile_of(folder: Path, document: Any) -> None:
    file = folder / "openapi.json"
    file.write_text(json.dumps(document))
    operation = with_first_body(find_create_operation(read_document(str(file))))
    (folder / "createflow.toml").write_text(draft_profile(operation))
    for name, text in files_beside(operation).items():
        (folder / name).write_text(text)
    target = profile_file.load(folder / "createflow.toml", {}).target
    contract.Contract(target)


def _judge_here(schema: dict[str, Any], values: Sequence[Any]) -> list[str]:
    """As the other process does, which would be started 300 times."""
    try:
        return misfits(schema, values)
    except ValueError as error:
        raise Inconclusive(str(error)) from None


def _make_none(_schema: dict[str, Any]) -> dict[str, Any]:
    raise Inconclusive("none is made")


@pytest.fixture
def _in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (contract, bounded):
        monkeypatch.setattr(module, "misfits_at_once", _judge_here)
        monkeypatch.setattr(module, "valid_body_at_once", _make_none)


@pytest.mark.usefixtures("_in_one_process")
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from([*_places(GOOD)][1:]), strange=STRANGE)
@example(place=("components", "schemas", "C"), strange={"properties": 5})
def test_nonsense_at_any_place_is_borne(tmp_path: Path, place: tuple[Any, ...], strange: Any) -> None:
    """One place at a time is what no tool would write and somebody will."""
    document = part = copy.deepcopy(GOOD)
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = strange
    try:
        _profile_of(tmp_path, document)
    except UserError as told:
        assert "createflow.toml" not in told.message, "what we drafted ourselves must load"  # noqa: PT017


@pytest.mark.parametrize("where", ["", "a\x00b", "/dev/zero", "http://[::1", "http://a:99999/x", "no-such-file"])
def test_what_is_no_document_is_told(where: str) -> None:
    """Nothing endless is read, and no broken address is a failure of ours."""
    with pytest.raises(UserError):
        read_document(where)
