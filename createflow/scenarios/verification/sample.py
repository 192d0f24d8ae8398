"""One create that is followed into the sinks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """A create that was accepted."""

    resource_id: str
    name: str
    """Empty where the create carries none of its own."""


Seen = Callable[[Sample], Awaitable[bool]]
"""Whether the sample was seen by the sink's deadline; returns as soon as it is."""
