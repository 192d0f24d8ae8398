"""What every way to get documents provides."""

from collections.abc import Sequence
from typing import Any, Protocol

from createflow.scenarios.outcome import NotDeclared

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_BATCH = 1_000
"""Ids that are asked for at once."""


class DocumentSource(Protocol):
    """Gets the documents of resources. Everything raises ``SinkFailed`` when the store does not answer."""

    @property
    def address(self) -> str:
        """Where it reads, without credentials."""

    async def open(self) -> None:
        """Ask for something that is not there, so that a wrong address or credential is found before the first use."""

    async def close(self) -> None:
        """Close the connections."""

    async def by_ids(self, ids: Sequence[str]) -> list[Any]:
        """The documents of these resources, in any order; several of one resource, or none."""

    async def by_name(self, name: str) -> list[Any]:
        """The documents with this name. Raises NotDeclared where the profile does not say how they are found."""

    async def by_prefix(self, prefix: str, since: str) -> list[Any]:
        """The documents whose name begins so. Raises NotDeclared as ``by_name`` does."""


def not_declared(name: str, key: str) -> NotDeclared:
    """What to raise where a section has no such command."""
    return NotDeclared(f"{name} has no {key}")
