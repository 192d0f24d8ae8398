"""One reply of the target, as checks see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from createflow.scenarios.target.received import NotJson, json_of
from createflow.scenarios.target.refusals import CONTRACT, Refusals
from createflow.schemas.report import Exchange


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete reply. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    exchange: Exchange
    """The record of it for the report, without secrets."""
    sent_at: float
    """Wall clock, seconds since the epoch, before the first byte was sent."""
    received_at: float
    """Wall clock after the last byte was read."""
    representation: dict[str, Any] | None = None
    """The resource in the reply, without its envelope; ``None`` when it has none."""
    refusals: Refusals = CONTRACT
    """The meaning of refusals of this target."""

    @property
    def accepted(self) -> bool:
        """The status is a 2xx."""
        return 200 <= self.status < 300

    @property
    def elapsed_s(self) -> float:
        """From the first byte sent to the last byte read."""
        return self.exchange.elapsed_ms / 1000

    @property
    def media_type(self) -> str:
        """The type without its parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def document(self) -> dict[str, Any] | None:
        """The resource in the reply, without its envelope; else the body when it is a JSON object."""
        if self.representation is not None:
            return self.representation
        try:
            document = json_of(self.body)
        except NotJson:
            return None
        return document if isinstance(document, dict) else None

    @property
    def error_code(self) -> str | None:
        """The code in the body of a refusal; ``None`` when it has none."""
        return self.refusals.code_in(self.document)

    def means(self, *statuses: int) -> bool:
        """Whether the reply means one of the contract's statuses, by the statuses and codes of the profile."""
        try:
            document = json_of(self.body)
        except NotJson:
            document = None
        return any(self.refusals.has_meaning(status, self.status, document) for status in statuses)
