"""The JSON Schema of a profile, for editors: made from the model, so that both say the same.

``python -m createflow.schemas.profile_schema`` writes the file anew.
"""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from createflow.schemas.profile import Profile

FILE = "profile.schema.json"


def profile_schema() -> dict[str, Any]:
    """The schema, 2020-12."""
    schema = Profile.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "createflow profile"}


def profile_schema_text() -> str:
    """The file's text."""
    return json.dumps(profile_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(str(files("createflow.schemas").joinpath("json", FILE))).write_text(profile_schema_text(), encoding="utf-8")
