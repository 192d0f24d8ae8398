"""What a refusal means: its status and its error code, as the contract or the profile's ``[target.errors]`` says."""

from collections.abc import Mapping
from typing import Any

from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.profile_target import Errors, Meaning

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


class Refusals:
    """How one target refuses."""

    def __init__(self, errors: Errors) -> None:
        self._errors = errors

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
        if status not in self._errors.statuses.get(meaning, (expected,)):
            return False
        codes = self._errors.codes.get(meaning)
        return codes is None or str(value_at(document, self._errors.code)) in codes

    def describe(self, expected: int) -> str:
        """The statuses and codes that this target uses in place of the contract's status ``expected``."""
        meaning = MEANINGS.get(expected)
        if meaning is None:
            return str(expected)
        statuses = " or ".join(str(status) for status in self._errors.statuses.get(meaning, (expected,)))
        codes = self._errors.codes.get(meaning)
        return f"{statuses} with the code {' or '.join(codes)}" if codes else statuses

    def code_in(self, document: Mapping[str, Any] | None) -> str | None:
        """The error code in the body of a refusal: where the profile says, else its ``code`` or ``type``."""
        body = document or {}
        code = value_at(body, self._errors.code) if self._errors.code else body.get("code", body.get("type"))
        return str(code) if isinstance(code, (str, int)) and code not in {"", "about:blank"} else None


CONTRACT = Refusals(Errors())
"""The refusals of the contract, without a profile."""
