"""The schema of a saved report is the model's."""

import json

import jsonschema

from createflow.scenarios.reports import as_json
from createflow.schemas import report_schema
from tests.scenarios.reports.hostile import HOSTILE


def test_the_file_is_current() -> None:
    """Made again with: python -m createflow.schemas.report_schema > createflow/schemas/json/report.schema.json."""
    assert report_schema.FILE.read_text(encoding="utf-8") == report_schema.text()


def test_a_saved_report_fits_its_schema() -> None:
    """Also the strangest."""
    schema = json.loads(report_schema.text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(as_json.render(HOSTILE)), schema)
