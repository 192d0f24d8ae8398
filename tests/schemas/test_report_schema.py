"""The schemas of saved reports are the models'."""

import json

import jsonschema
import pytest

from createflow.scenarios.reports.saved import to_json
from createflow.schemas import report_schema
from tests.scenarios.reports.hostile import HOSTILE


@pytest.mark.parametrize("name", ["report", "load-report"])
def test_the_file_is_current(name: str) -> None:
    """Made again with: python -m createflow.schemas.report_schema [load] > createflow/schemas/json/NAME.schema.json."""
    assert report_schema.schema_file(name).read_text(encoding="utf-8") == report_schema.schema_text(name)


def test_a_saved_report_fits_its_schema() -> None:
    """Also the strangest."""
    schema = json.loads(report_schema.schema_text("report"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(to_json(HOSTILE)), schema)
