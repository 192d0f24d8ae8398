"""The JSON Schemas of saved reports, generated from the models.

``python -m createflow.schemas.report_schema`` prints the conformance report's; with ``load`` after it, the load
report's.
"""

import json
import sys
from pathlib import Path

from pydantic import BaseModel

from createflow.schemas.load_report import LoadReport
from createflow.schemas.report import RunReport

_MODELS: dict[str, type[BaseModel]] = {"report": RunReport, "load-report": LoadReport}


def schema_file(name: str) -> Path:
    """The file of the schema ``report`` or ``load-report``."""
    return Path(__file__).parent / "json" / f"{name}.schema.json"


def schema_text(name: str) -> str:
    """The schema as JSON text, as in its file."""
    schema = _MODELS[name].model_json_schema(mode="serialization")
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://github.com/createflow/createflow/{name}.schema.json",
    }
    return json.dumps(head | schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text("load-report" if sys.argv[1:] == ["load"] else "report"))
