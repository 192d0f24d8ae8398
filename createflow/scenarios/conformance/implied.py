"""What the failure of one check implies for others: what hangs on it is skipped by its name.

A target that serves requests without a token serves those with a token of another kind as well, and one that looks at
no signature takes every forged token. Each is one fault of the target, and is told once.
"""

from collections.abc import Mapping, Sequence

from createflow.scenarios.conformance.causes import may_tell
from createflow.scenarios.harness.check import Check
from createflow.schemas.report import CheckResult, Outcome

_ANY_TOKEN = "auth_check.tampered_token_is_401"  # noqa: S105 - the id of a check
_NO_TOKEN_AT_ALL = "auth_check.malformed_token_is_401"  # noqa: S105 - as above
_UNSIGNED = "auth_check.stripped_signature_is_401"

SAME_STATUS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "auth_check.embedded_key_is_401",
            "auth_check.guessed_secret_is_401",
            "auth_check.key_url_is_not_fetched",
            "auth_check.public_key_is_no_secret",
        ),
        (_ANY_TOKEN,),
    ),
    **dict.fromkeys(
        (
            "auth_check.challenge_says_what_is_wrong",
            "auth_check.encrypted_token_is_401_quickly",
            "auth_check.identity_comes_before_content",
            "auth_check.loose_spelling_is_401",
            "auth_check.refusal_carries_challenge",
            "auth_check.unknown_critical_header_is_401",
        ),
        (_NO_TOKEN_AT_ALL,),
    ),
    _UNSIGNED: (_ANY_TOKEN, _NO_TOKEN_AT_ALL),
    "auth_check.alg_none_is_401": (_ANY_TOKEN, _UNSIGNED),
    "auth_check.strange_key_id_is_401": ("auth_check.guessed_secret_is_401", _NO_TOKEN_AT_ALL),
}
"""Checks, with those that tell why they fail where both saw the same status: a 500 to a token of no form hides no
forged one that is accepted. What one implies whatever it saw stands at the check itself: ``repeats``."""


def merge_implied(checks: Sequence[Check], results: Mapping[str, CheckResult]) -> dict[str, CheckResult]:
    """The results where a failure that another one implies is skipped, and says what it saw.

    Args:
        checks: in the order of the flow.
        results: by check id.
    """
    failed = {check.id: results[check.id] for check in checks if _has_failed(results.get(check.id))}

    def teller(result: CheckResult) -> str:
        named = (name for name in SAME_STATUS.get(result.id, ()) if name in failed and _alike(failed[name], result))
        return next((name for name in named if may_tell(failed[name], result)), "")

    merged = dict(results)
    for name, result in failed.items():
        cause = teller(result)
        if cause and result.finding is not None:
            reason = f"see {cause}: {result.finding.seen}"
            merged[name] = result.model_copy(update={"outcome": Outcome.SKIPPED, "reason": reason, "finding": None})
    return merged


def _has_failed(result: CheckResult | None) -> bool:
    return result is not None and result.outcome is Outcome.FAILED


def _alike(one: CheckResult, other: CheckResult) -> bool:
    """Whether the exchange that shows each of the failures has the same status."""
    statuses = [
        result.finding.exchanges[-1].status for result in (one, other) if result.finding and result.finding.exchanges
    ]
    return len(statuses) == len((one, other)) and None not in statuses and len(set(statuses)) == 1
