"""Values that are filled into bodies: what set-up requests captured, and what each body gets anew."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from createflow.schemas.profile_section import VARIABLE

Values = Mapping[str, str | int]


def made_values(marker: str, number: int) -> dict[str, str | int]:
    """The values of ``MADE`` for one body.

    Args:
        marker: its unique word.
        number: of the body in the run, from 1.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"marker": marker, "uuid": str(uuid.uuid4()), "now": now, "counter": number}


def filled(value: Any, variables: Values) -> Any:
    """The JSON value with ``{name}`` replaced in its strings; other text in braces stays as it is.

    A string that is nothing but one ``{name}`` becomes the value itself, a number for example.
    """
    if isinstance(value, str):
        whole = VARIABLE.fullmatch(value)
        if whole is not None:
            return variables.get(whole[1], value)
        return VARIABLE.sub(lambda match: str(variables.get(match[1], match[0])), value)
    if isinstance(value, dict):
        return {key: filled(item, variables) for key, item in value.items()}
    return [filled(item, variables) for item in value] if isinstance(value, list) else value
