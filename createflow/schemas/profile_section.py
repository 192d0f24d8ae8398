"""What every table of a profile is made of."""

import json
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from createflow.schemas.web_address import checked_address

Value = TypeVar("Value")


class Section(BaseModel):
    """A frozen table of the profile that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


Seconds = Annotated[float, Field(gt=0, le=3600)]

Pointer = Annotated[str, Field(pattern=r"^(/.*)?$")]
"""A JSON Pointer (RFC 6901); empty for the whole document."""


def _several(value: object) -> object:
    return (value,) if isinstance(value, (int, str)) else value


Status = Annotated[int, Field(ge=100, le=599)]
Statuses = Annotated[tuple[Status, ...], BeforeValidator(_several, json_schema_input_type=Status | tuple[Status, ...])]
"""One status or a list of them."""

Words = Annotated[tuple[str, ...], BeforeValidator(_several, json_schema_input_type=str | tuple[str, ...])]
"""One word or a list of them."""

BaseUrl = Annotated[str, Field(pattern=r"^https?://[^/?#@]+/?$"), AfterValidator(checked_address)]
"""Scheme, host and port of an HTTP server."""

_IN_ADDRESSES = r"[^\x00-\x20\x7f#]"

Path = Annotated[str, Field(pattern=rf"^/{_IN_ADDRESSES}*$")]
"""The path of a request; blanks and the like are written in per cent."""

OptionalPath = Annotated[str, Field(pattern=rf"^(/{_IN_ADDRESSES}*)?$")]
"""A path, or nothing."""

Token = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
"""A word of HTTP: a method, or the name of a header."""

HeaderValue = Annotated[str, Field(pattern=r"^[\t\x20-\x7e]*$")]
"""What a header may say without being another one: one line of ASCII."""


def _as_json(value: object) -> object:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError("a date, a time, nan or inf is no JSON value: write it as text or as a number") from None
    return value


Json = Annotated[Any, AfterValidator(_as_json)]
"""A value that can be sent."""

JsonObject = Annotated[dict[str, Any], AfterValidator(_as_json)]
"""An object that can be sent."""
