"""Values in findings, as JSON has them: who reads a finding knows the target's language, not ours."""

import json
from typing import Any


def in_json(value: Any) -> str:
    """The value as JSON; as text, where JSON has no such value, as for a time of a database.

    Half a surrogate pair and what does not print stand as escapes.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, TypeError, RecursionError):  # an object in itself, or keys that are none
        return repr(value)
    return text if text.isprintable() else json.dumps(value, default=str)
