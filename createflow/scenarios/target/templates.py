"""Filling in variables: ``{name}`` in paths and in the strings of bodies."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from createflow.schemas.error import UserError

_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def filled_path(path: str, variables: Mapping[str, str]) -> str:
    """The path with every variable in it, percent-encoded.

    Raises:
        UserError: one of them has no value.
    """
    return _VARIABLE.sub(lambda match: quote(_value(match[1], variables, path), safe=""), path)


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """The JSON value with the variables in its strings; braces around anything else stay."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: variables.get(match[1], match[0]), value)
    if isinstance(value, dict):
        return {key: filled(item, variables) for key, item in value.items()}
    return [filled(item, variables) for item in value] if isinstance(value, list) else value


def _value(name: str, variables: Mapping[str, str], path: str) -> str:
    if name not in variables:
        raise UserError(
            f"{path}: nothing gives {{{name}}} a value",
            hint=f'a [[setup]] request with capture = {{{name} = "/pointer"}}; known: {", ".join(sorted(variables))}',
        )
    return variables[name]
