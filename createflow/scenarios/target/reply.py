"""One reply of the target, as checks see it, and what a refusal means by the contract or the profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from createflow.scenarios.target.received import NotJson, delay_seconds, http_date, json_of
from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.profile_target import Errors, Meaning
from createflow.schemas.report import Exchange

MEANINGS: dict[int, Meaning] = {
    400: "validation",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method",
    409: "conflict",
    412: "precondition",
    413: "too_large",
    415: "media_type",
    422: "key_reuse",
    429: "rate_limited",
    500: "database_error",
    503: "unavailable",
}
"""The contract's statuses, which checks use, and what each means."""
_FREE: dict[Meaning, tuple[int, ...]] = {"validation": (400, 422), "not_found": (404, 410)}
"""What RFC 9110 (§15.5.11, §15.5.21) leaves to a server that declares neither a status nor our contract."""


class Refusals:
    """How one target refuses: statuses and error codes, as the contract or ``[target.errors]`` of the profile says.

    Args:
        errors: of the profile.
        is_promised: the target promises all of our contract, its statuses too.
    """

    def __init__(self, errors: Errors, *, is_promised: bool = True) -> None:
        self._errors = errors
        self._statuses = {**({} if is_promised else _FREE), **errors.statuses}

    def has_meaning(self, expected: int, status: int, document: Any) -> bool:
        """Whether a reply means what the contract's status ``expected`` means.

        Args:
            expected: a status of the contract.
            status: of the reply.
            document: the body of the reply, when it is JSON.
        """
        meaning = MEANINGS.get(expected)
        if meaning is None:
            return status == expected
        if status not in self._statuses.get(meaning, (expected,)):
            return False
        codes = self._errors.codes.get(meaning)
        return codes is None or str(value_at(document, self._errors.code)) in codes

    def first(self, expected: int) -> int:
        """The first status that this target uses in place of the contract's status ``expected``."""
        meaning = MEANINGS.get(expected)
        declared = self._errors.statuses.get(meaning, ()) if meaning is not None else ()
        return declared[0] if declared else expected

    def describe(self, expected: int) -> str:
        """The statuses and codes that this target uses in place of the contract's status ``expected``."""
        meaning = MEANINGS.get(expected)
        if meaning is None:
            return str(expected)
        statuses = " or ".join(str(status) for status in self._statuses.get(meaning, (expected,)))
        codes = self._errors.codes.get(meaning)
        return f"{statuses} with the code {' or '.join(codes)}" if codes else statuses

    def code_in(self, document: Mapping[str, Any] | None) -> str | None:
        """The error code in the body of a refusal: where the profile says, else its ``code`` or ``type``."""
        body = document or {}
        code = value_at(body, self._errors.code) if self._errors.code else body.get("code", body.get("type"))
        return str(code) if isinstance(code, (str, int)) and code not in {"", "about:blank"} else None


CONTRACT = Refusals(Errors())
"""The refusals of the contract, without a profile."""


_LONGEST_PATIENCE_S = 3


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
    def busy_for_s(self) -> float | None:
        """How long a target that is too busy, or keeps a limit, asks to wait (RFC 9110 §15.6.4, RFC 6585 §4).

        ``None`` when it does not, or for more than a few seconds.
        """
        after_s = self.retry_after_s
        is_short = self.status in {429, 503} and after_s is not None and after_s <= _LONGEST_PATIENCE_S
        return after_s if is_short else None

    @property
    def redirects_to(self) -> str:
        """Where a redirect leads, ``nowhere`` for one that does not say it; empty for another reply."""
        is_redirect = 300 <= self.status < 400 and self.status != 304
        return self.headers.get("location", "nowhere") if is_redirect else ""

    @property
    def retry_after_s(self) -> float | None:
        """The Retry-After in seconds, which may be a date (RFC 9110 §10.2.3); ``None`` without one."""
        value = self.headers.get("retry-after", "")
        moment = http_date(value)
        if moment is None:
            return delay_seconds(value)
        # Against the target's own clock, where it shows it: the two may differ.
        now = http_date(self.headers.get("date", "")) or datetime.now(UTC)
        return max((moment - now).total_seconds(), 0.0)

    @property
    def if_match(self) -> dict[str, str]:
        """The condition that holds as long as the resource is as this reply shows it.

        Empty where the entity tag is weak, because If-Match never holds for those (RFC 9110 §13.1.1), and without one.
        """
        etag = self.headers.get("etag", "")
        return {"if-match": etag} if etag and not etag.startswith("W/") else {}

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
    def is_broken_json(self) -> bool:
        """It says that its body is JSON, and it is none."""
        if not self.body or not (self.media_type == "application/json" or self.media_type.endswith("+json")):
            return False
        try:
            json_of(self.body)
        except NotJson:
            return True
        return False

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
