"""``[[baseline]]``: failures that are known, each with its reason and the day on which that ends to be an excuse."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class BaselineEntry(BaseModel):
    """One check that is known to fail."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: str
    """The check's id, whole."""
    reason: Annotated[str, Field(min_length=1)]
    """Why it is tolerated: a ticket, a decision."""
    expires: date
    """The last day on which it is."""
