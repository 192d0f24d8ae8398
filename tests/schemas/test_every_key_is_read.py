"""A key that nobody reads would be a promise to its writer that is not kept."""

import ast
from functools import cache
from pathlib import Path

import pytest

import createflow
from createflow.schemas.profile_reference import TABLES

PACKAGE = Path(createflow.__file__).parent


@cache
def _read() -> frozenset[str]:
    """Every attribute that the package reads outside the models."""
    files = [file for file in PACKAGE.rglob("*.py") if "schemas" not in file.relative_to(PACKAGE).parts]
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in files)
    return frozenset(node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute))


@pytest.mark.parametrize("key", [f"{heading} {name}" for heading, model in TABLES for name in model.model_fields])
def test_every_key_of_a_profile_is_read(key: str) -> None:
    """By its name: a model hands its fields on as they are."""
    name = key.rpartition(" ")[2]
    assert name in _read() or name.endswith("_env")  # those are read as one, by the name of the principal
