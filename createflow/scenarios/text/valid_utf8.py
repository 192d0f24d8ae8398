"""Text that every format can hold: no half of a surrogate pair, which UTF-8 and JSON cannot write."""

from typing import TypeVar

from pydantic import BaseModel

Record = TypeVar("Record", bound=BaseModel)


def wellformed(record: Record) -> Record:
    """The record with every lone surrogate in it shown as its escape."""
    return type(record).model_validate(_walked(record.model_dump()))


def _walked(value: object) -> object:
    if type(value) is str:
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_walked(key): _walked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_walked(item) for item in value)
    return value
