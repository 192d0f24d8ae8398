"""What is sent and shown."""

import uuid
from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _storable(text: str) -> str:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("NUL and lone surrogates cannot be stored")
    return text


def _text(value: object) -> object:
    if value is not None and not isinstance(value, str):
        raise ValueError("a date is written as text")
    return value


Storable = AfterValidator(_storable)
Tag = Annotated[str, Field(min_length=1, max_length=40), Storable]
Day = Annotated[date, Field(strict=False), BeforeValidator(_text)]


class ProjectIn(BaseModel):
    """A project as clients write it. Nothing is converted: ``"5"`` is no number."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S"), Storable]
    description: Annotated[str, Field(max_length=2000), Storable] = ""
    budget_cents: Annotated[int, Field(ge=0, le=10**15)] = 0
    tags: Annotated[list[Tag], Field(max_length=20)] = []
    starts_on: Day | None = None


class ProjectOut(BaseModel):
    """A project as it is shown."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    description: str
    budget_cents: int
    tags: list[str]
    starts_on: date | None
    owner: str
    created_at: datetime
