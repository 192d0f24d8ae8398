"""What the failure of one check implies for others: what hangs on it is skipped by its name.

A target that serves requests without a token serves those with a token of another kind as well, and one that looks at
no signature takes every forged token. Each is one fault of the target, and is told once.
"""

from collections.abc import Mapping, Sequence

from createflow.scenarios.checks.support.deviations import SEVERAL
from createflow.scenarios.conformance.causes import may_tell
from createflow.scenarios.harness.check import Check
from createflow.schemas.flow import Step
from createflow.schemas.report import CheckResult, Outcome

_SUCCESS = 200
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
    **dict.fromkeys(
        (
            "business_logic.stale_delete_is_412",
            "business_logic.unmet_condition_changes_nothing",
            "business_logic.unmet_condition_is_no_write",
        ),
        ("business_logic.stale_if_match_is_412",),
    ),
    "business_logic.one_of_many_updates_wins": (
        "business_logic.stale_if_match_is_412",
        "business_logic.contention_is_no_server_error",
    ),
}
"""Checks, with those that tell why they fail where both saw the same status, or a success: a 500 to a token of no form
hides no forged one that is accepted. What one implies whatever it saw stands at the check itself: ``repeats``."""

UNREADABLE = "validation.broken_json_is_400"
"""Where the target crashes at what is no JSON, the checks of other bodies that are none tell nothing more."""
OF_UNREADABLE = (
    "validation.duplicate_key_is_400",
    "validation.extreme_objects_are_answered",
    "validation.inner_duplicate_keys_are_400",
)
NOT_VALIDATED = ("validation.missing_name_is_400", "validation.wrong_types_are_400")
"""A target that takes a body without what is required, and values of any type, does not validate."""
OF_INVALID = (
    "validation.wrong_types_are_400",
    "validation.length_bound_is_exact",
    "validation.unknown_field_is_400",
    "validation.every_error_is_named",
    "validation.metadata_bounds_are_exact",
    "validation.blank_name_is_400",
    "validation.listed_values_are_judged_by_the_schema",
    "validation.generated_mistakes_are_400",
)
"""Then these tell nothing more, where all that they saw is that something invalid was taken."""


def merge_implied(checks: Sequence[Check], results: Mapping[str, CheckResult]) -> dict[str, CheckResult]:
    """The results where a failure that another one implies is skipped, and says what it saw.

    Args:
        checks: in the order of the flow.
        results: by check id.
    """
    failed = {check.id: results[check.id] for check in checks if _has_failed(results.get(check.id))}

    def teller(result: CheckResult) -> str:
        named = (name for name in _tellers(result, failed) if name in failed and _alike(failed[name], result))
        return next((name for name in named if may_tell(failed[name], result)), "")

    merged = dict(results)
    for name, result in failed.items():
        cause = teller(result)
        if cause and result.finding is not None:
            reason = f"see {cause}: {result.finding.seen}"
            merged[name] = result.model_copy(update={"outcome": Outcome.SKIPPED, "reason": reason, "finding": None})
    return merged


def _tellers(result: CheckResult, failed: Mapping[str, CheckResult]) -> tuple[str, ...]:
    """The checks that would tell why this one failed, had both seen the same."""
    status = _status_of(result)
    if status is not None and status >= 500 and result.id in OF_UNREADABLE:
        return (UNREADABLE,)
    is_of_one_kind = result.finding is not None and SEVERAL not in result.finding.expected
    is_success = status is not None and 200 <= status < 300
    if result.id in OF_INVALID and is_of_one_kind and is_success and failed.keys() >= {*NOT_VALIDATED}:
        return NOT_VALIDATED[:1] if _alike(*(failed[name] for name in NOT_VALIDATED)) else ()
    if result.step is Step.BUSINESS_LOGIC and _is_read(result):
        return ()  # a write that was refused and carried out, or an old read
    return SAME_STATUS.get(result.id, ())


def _has_failed(result: CheckResult | None) -> bool:
    return result is not None and result.outcome is Outcome.FAILED


def _alike(one: CheckResult, other: CheckResult) -> bool:
    """Whether the exchange that shows each of the failures has the same status, or both have a success."""
    statuses = [_status_of(result) for result in (one, other)]
    kinds = {_SUCCESS if status is not None and 200 <= status < 300 else status for status in statuses}
    return None not in kinds and len(kinds) == 1 and _is_read(one) is _is_read(other)


def _is_read(result: CheckResult) -> bool:
    return bool(result.finding and result.finding.exchanges and result.finding.exchanges[-1].method == "GET")


def _status_of(result: CheckResult) -> int | None:
    """The status of the exchange that shows a failure."""
    return result.finding.exchanges[-1].status if result.finding and result.finding.exchanges else None
