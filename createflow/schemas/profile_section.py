"""What every table of a profile is made of."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

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
