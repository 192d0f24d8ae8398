"""What editors and readers are told of the profile is what the model says."""

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from createflow.schemas.profile import Profile
from createflow.schemas.profile_reference import (
    SCHEMA_FILE,
    TABLES,
    profile_schema,
    profile_schema_text,
    profile_tables,
)

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*/createflow.toml"))


def test_the_schema_file_is_current() -> None:
    """``python -m createflow.schemas.profile_reference`` writes it again."""
    text = files("createflow.schemas").joinpath("json", SCHEMA_FILE).read_text(encoding="utf-8")
    assert text == profile_schema_text()


def test_the_document_has_every_key() -> None:
    """The same command writes the tables; no model and no meaning is missing."""
    document = (ROOT / "docs" / "profile.md").read_text(encoding="utf-8")
    assert document.endswith(profile_tables())
    definitions = profile_schema()["$defs"]
    assert {model.__name__ for _, model in TABLES} == {*definitions, "Profile"}
    for name, definition in definitions.items():
        for key, value in definition.get("properties", {}).items():
            assert key == "kind" or value.get("description"), f"{name}.{key} has no meaning"


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.parent.name)
def test_every_example_is_valid_by_the_schema_and_by_the_model(file: Path) -> None:
    """An editor and the tester agree."""
    document = json.loads(json.dumps(tomllib.loads(file.read_text(encoding="utf-8")), default=str))
    Draft202012Validator(profile_schema()).validate(document)
    assert isinstance(Profile.model_validate(document), BaseModel)


@pytest.mark.parametrize(
    "section",
    [
        {"target": {"base_url": "http://x", "method": "PUT"}},
        {"target": {"base_url": "http://x", "path": "/{new_id}"}},
        {"target": {"base_url": "http://x", "body": {}, "body_file": "x"}},
        {"target": {"base_url": "http://x", "errors": {"statuses": {"validation": 42}}}},
        {"target": {"base_url": "http://x", "fields": {"name": "/a/b"}}},
        {"target": {"base_url": "http://x"}, "setup": [{"path": "/x", "capture": {"a": "id"}}]},
    ],
)
def test_what_makes_no_sense_is_refused(section: dict[str, object]) -> None:
    """When the profile is read, not in the middle of a run."""
    with pytest.raises(ValueError, match="validation error"):
        Profile.model_validate(section)
