"""A key that nobody reads would be a promise to its writer that is not kept."""

import ast
from functools import cache
from pathlib import Path

import pytest

import createflow
from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.schemas.profile_reference import TABLES

PACKAGE = Path(createflow.__file__).parent


@cache
def _read() -> frozenset[str]:
    """Every attribute that the package reads outside the models."""
    files = [file for file in PACKAGE.rglob("*.py") if "schemas" not in file.relative_to(PACKAGE).parts]
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in files)
    return frozenset(node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute))


@cache
def _needed() -> frozenset[str]:
    """Every key without which a check is skipped: those are looked up by their whole name."""
    return frozenset(need.value for check in CATALOGUE for need in check.needs)


@pytest.mark.parametrize("key", [f"{heading} {name}" for heading, model in TABLES for name in model.model_fields])
def test_every_key_of_a_profile_is_read(key: str) -> None:
    """By its name, since a model hands its fields on as they are, or as what a check needs."""
    table, _, name = key.rpartition(" ")
    read = name in _read() or f"{table.strip('[]')}.{name}" in _needed()
    assert read or name.endswith("_env")  # those are read as one, by the name of the principal
