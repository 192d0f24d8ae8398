"""The wire schemas (JSON Schema 2020-12), read by the server and by the tester alike."""

import json
from functools import cache
from importlib.resources import files
from typing import Any, Literal

SchemaName = Literal["create_request", "resource", "problem", "event"]


@cache
def wire_schema(name: SchemaName) -> dict[str, Any]:
    """The schema of one wire document, as a mapping that callers must not change."""
    text = files("createflow.schemas").joinpath("json", f"{name}.schema.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


METADATA_MAX_BYTES = 16 * 1024
"""Size of ``metadata`` as compact JSON in UTF-8; JSON Schema cannot say it."""

METADATA_MAX_DEPTH = 8
"""Levels of nesting inside ``metadata``, the object itself being the first."""
