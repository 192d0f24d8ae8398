"""The JSON Schema of a saved report, made from the model: ``python -m createflow.schemas.report_schema``."""

import json
import sys
from pathlib import Path

from createflow.schemas.report import RunReport

FILE = Path(__file__).parent / "json" / "report.schema.json"


def text() -> str:
    """The schema as the file holds it."""
    schema = RunReport.model_json_schema(mode="serialization")
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/createflow/createflow/report.schema.json",
    }
    return json.dumps(head | schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
