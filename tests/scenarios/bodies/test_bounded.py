"""Whatever a schema asks for, the work on it ends, within bounds of time and memory."""

import random
import tempfile
from pathlib import Path
from typing import Any

import pytest

from createflow.scenarios.bodies.bounded import fits, valid_bodies
from createflow.scenarios.bodies.generate import generate_valid_bodies
from createflow.scenarios.bodies.worker import CPU_LIMITS_S
from createflow.scenarios.outcome import Inconclusive
from tests.scenarios.bodies.test_generate import SCHEMA

BACKTRACKS = "^(([a-z])+.)+[A-Z]([a-z])+$"


def _with_name(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": ["name"], "properties": {"name": schema}}


def _doubling(levels: int) -> dict[str, Any]:
    """Each level refers twice to the next one."""
    definitions: dict[str, Any] = {
        f"L{level}": {"properties": {side: {"$ref": f"#/$defs/L{level + 1}"} for side in "ab"}, "required": ["a", "b"]}
        for level in range(levels)
    }
    return {**_with_name({"$ref": "#/$defs/L0"}), "$defs": {**definitions, f"L{levels}": {"type": "boolean"}}}


@pytest.mark.anyio
async def test_a_process_of_its_own_makes_the_same() -> None:
    """So that the global random state of this one stays as it is."""
    random.seed(5)
    before = random.getstate()
    made = await valid_bodies(SCHEMA, 3, 10)
    assert random.getstate() == before
    try:
        assert made == generate_valid_bodies(SCHEMA, 3, 10)
    finally:
        random.setstate(before)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (_with_name({"type": "string", "minLength": 10**300}), "a text of about 10.300 characters"),
        (_with_name({"type": "array", "minItems": 10**9}), "a list of 1000000000 values"),
        (_with_name({"type": "array", "minItems": 1e300}), "a list of about 10.300 values"),
        (_with_name({"$ref": "#/properties/name"}), "refers to itself without an end"),
        (_with_name({"$ref": "#/$defs/missing"}), "missing"),
        (_with_name({"type": "string", "pattern": r"\p{Nonsense}+"}), "is not a .regex"),
        (_with_name({"type": "string", "pattern": "a{99999999999999999999}"}), "is not a .regex"),
        (_with_name({"type": "integer", "minimum": 5, "maximum": 4}), "no bodies can be made"),
        (
            {**_with_name({"$ref": "#/examples/0"}), "examples": [{"type": "array", "minItems": "x"}]},
            "no bodies can be made",
        ),
        (_doubling(40), f"{CPU_LIMITS_S['valid']} s of processor time|bytes of memory|too deeply|no bodies"),
    ],
    ids=[
        "a long text",
        "a long list",
        "a longer list",
        "a circle",
        "nothing there",
        "another dialect",
        "a repetition",
        "nothing fits",
        "no schema",
        "doubling",
    ],
)
async def test_a_hostile_schema_makes_the_result_inconclusive(schema: dict[str, Any], reason: str) -> None:
    """With the reason, and without a traceback."""
    with pytest.raises(Inconclusive, match=reason) as caught:
        await valid_bodies(schema, 1, 25)
    assert len(str(caught.value)) < 500


@pytest.mark.anyio
@pytest.mark.parametrize("pattern", [BACKTRACKS, "^(a|a)*$", "^(a*)*$", "^(?=(a+)+$)a"])
async def test_a_pattern_that_backtracks_in_other_engines_is_judged(pattern: str) -> None:
    """The text does not match. An engine that only backtracks needs longer than any test."""
    assert await fits(_with_name({"type": "string", "pattern": pattern}), "name", [f"{'a' * 60}!"]) == [False]


@pytest.mark.anyio
async def test_a_pattern_that_must_backtrack_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves nothing behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pattern = r"(a*)*\1b"
    with pytest.raises(Inconclusive, match="a pattern backtracks too often: simplify it"):
        await fits(_with_name({"type": "string", "pattern": pattern}), "name", [f"{'a' * 60}!"])
    assert not list(tmp_path.iterdir())


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "maxLength": 3}, [True, False]),
        ({"type": "string", "pattern": "^a"}, [True, False]),
        ({"$ref": "#/$defs/short"}, [True, False]),
    ],
    ids=["simple", "pattern", "reference"],
)
async def test_fits_judges_each_value(schema: dict[str, Any], expected: list[bool]) -> None:
    """As the whole schema does, whether or not another process is needed."""
    whole = {**_with_name(schema), "$defs": {"short": {"maxLength": 3}}}
    assert await fits(whole, "name", ["abc", "bcde"]) == expected
    assert await fits(whole, "unknown", ["abc"]) == [True]
