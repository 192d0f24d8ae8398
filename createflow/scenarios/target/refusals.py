"""What a refusal means, as the profile says it: statuses other than the seed's, and codes in the body."""

from typing import Any

from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.profile import Errors, Meaning

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
"""The statuses that checks speak of, which are the seed's."""


class Refusals:
    """How one target says no."""

    def __init__(self, errors: Errors) -> None:
        self._errors = errors

    def meant(self, wanted: int, status: int, document: Any) -> bool:
        """Whether a reply means what the seed's status ``wanted`` means."""
        meaning = MEANINGS.get(wanted)
        if meaning is None:
            return status == wanted
        if status not in self._errors.statuses.get(meaning, (wanted,)):
            return False
        codes = self._errors.codes.get(meaning)
        return codes is None or str(value_at(document, self._errors.code)) in codes

    def told(self, wanted: int) -> str:
        """What is expected where the seed wants this status, in words."""
        meaning = MEANINGS.get(wanted)
        if meaning is None:
            return str(wanted)
        told = " or ".join(str(status) for status in self._errors.statuses.get(meaning, (wanted,)))
        codes = self._errors.codes.get(meaning)
        return f"{told} with the code {' or '.join(codes)}" if codes else told


SEED = Refusals(Errors())
