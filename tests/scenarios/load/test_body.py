"""Bodies fit the schema, say which run they belong to, and are all different."""

import json
from pathlib import Path

import jsonschema

from createflow.scenarios.contract import Contract
from createflow.scenarios.load.body import body_template
from createflow.schemas.profile import Target
from createflow.schemas.wire import wire_schema

URL = "http://127.0.0.1:1"


def test_each_body_is_valid_and_carries_run_and_number() -> None:
    """What the load created can be found again by name and by metadata."""
    template = body_template(Contract(Target(base_url=URL)), run_id="r1")
    first, second = (json.loads(template % {"k": k}) for k in (7, 8))
    jsonschema.validate(first, wire_schema("create_request"))
    assert first["name"] == "load r1 7"
    assert first["metadata"] == {"run": "r1", "arrival": 7}
    assert first["name"] != second["name"]


def test_another_schema_gets_its_own_fields_and_percent_signs_survive(tmp_path: Path) -> None:
    """The name may be called otherwise, be short, and stand beside fields that only an example knows."""
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string", "maxLength": 20}, "share": {"const": "100%"}},
        "required": ["title", "share"],
    }
    file = tmp_path / "create.json"
    file.write_text(json.dumps(schema), encoding="utf-8")
    target = Target.model_validate({"base_url": URL, "schema_file": str(file), "fields": {"name": "title"}})
    body = json.loads(body_template(Contract(target), run_id="0123abcd") % {"k": 123_456})
    jsonschema.validate(body, schema)
    assert body == {"title": "123456", "share": "100%"}
