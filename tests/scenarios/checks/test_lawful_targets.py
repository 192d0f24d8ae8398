"""A target that does exactly what its schema says is not accused, whatever the schema says."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.schemas.flow import Step
from createflow.schemas.report import Outcome
from tests.scenarios.checks.lawful_target import LawfulTarget, results_of

LOOKED_AT = [check for check in CHECKS if check.step in {Step.VALIDATION, Step.RESPONSE} and not check.disturbs]


def _with(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties]}


SCHEMAS: dict[str, dict[str, Any]] = {
    "a slug as name": {
        **_with(name={"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", "maxLength": 63}),
        "additionalProperties": False,
    },
    "letters only": _with(name={"type": "string", "pattern": r"^[\p{L}\p{N} ]+$", "maxLength": 50}),
    "open": {"properties": {"name": {"type": "string", "maxLength": 60}}, "required": ["name"]},
    "short names and few values": _with(
        name={"type": "string", "minLength": 3, "maxLength": 30},
        metadata={"type": "object", "maxProperties": 2, "additionalProperties": {"type": "string"}},
    ),
    "formats": _with(
        name={"type": "string", "maxLength": 80},
        n={"type": "integer", "format": "int32"},
        **{kind: {"type": "string", "format": kind} for kind in ("email", "date-time", "ipv4", "duration", "time")},
    ),
    "numbers": _with(
        name={"type": "string"},
        a={"type": "number", "multipleOf": 0.01, "exclusiveMinimum": 0},
        b={"type": "integer", "multipleOf": 15, "minimum": 15, "maximum": 480},
    ),
    "nested": _with(
        name={"type": "string", "maxLength": 100},
        address=_with(zip={"type": "string", "pattern": r"^\d{5}$"}, city={"type": "string", "minLength": 1}),
        tags={"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True, "maxItems": 2},
    ),
    "nullable": {
        "required": ["name"],
        "properties": {
            "name": {"type": ["string", "null"], "maxLength": 40},
            "x": {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}]},
            "s": {"oneOf": [_with(k={"const": "a"}), _with(k={"const": "b"}, z={"type": "integer"})]},
            "any": {},
        },
    },
    "recursive": {
        "required": ["name", "children"],
        "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
    },
    "rules for the whole": {
        "required": ["name"],
        "properties": {"name": {"type": "string"}},
        "allOf": [{"properties": {"q": {"type": "integer", "minimum": 5}}, "required": ["q"]}],
        "minProperties": 2,
    },
}


@pytest.mark.many(one_in=5)
@pytest.mark.parametrize("with_formats", [True, False], ids=["formats count", "formats only describe"])
@pytest.mark.parametrize("name", SCHEMAS)
def test_a_target_that_does_what_its_schema_says_is_not_accused(
    name: str, with_formats: object, tmp_path: Path
) -> None:
    """Whether or not it looks at formats."""
    target = LawfulTarget(SCHEMAS[name], with_formats=bool(with_formats))
    results = asyncio.run(results_of(target, SCHEMAS[name], LOOKED_AT, tmp_path))
    wrong = {Outcome.FAILED, Outcome.BROKEN, Outcome.INCONCLUSIVE}
    assert [result for result in results.values() if result.outcome in wrong] == []
    assert sum(result.outcome is Outcome.PASSED for result in results.values()) > 15


def test_one_that_stores_less_is(tmp_path: Path) -> None:
    """So that silence means something."""
    target = LawfulTarget(SCHEMAS["nested"], keeps=lambda body: {**body, "tags": []})
    results = asyncio.run(results_of(target, SCHEMAS["nested"], LOOKED_AT, tmp_path))
    assert results["validation.generated_bodies_come_back"].outcome is Outcome.FAILED
