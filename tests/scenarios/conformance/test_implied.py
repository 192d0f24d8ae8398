"""What one failure implies is told once."""

from collections.abc import Mapping

from createflow.scenarios.checks.support.deviations import SEVERAL
from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.conformance.causes import merge_repeated
from createflow.scenarios.conformance.implied import (
    NOT_VALIDATED,
    OF_INVALID,
    OF_UNREADABLE,
    SAME_STATUS,
    UNREADABLE,
    merge_implied,
)
from createflow.scenarios.conformance.run_check import finding_of, result_of
from createflow.scenarios.outcome import Expectation
from createflow.schemas.report import Exchange, Outcome

MISSING_NAME, TYPES = NOT_VALIDATED
BY_ID = {check.id: check for check in CATALOGUE}
NO_TOKEN, SCHEME = "auth_check.missing_token_is_401", "auth_check.other_scheme_is_401"
TAMPERED, UNSIGNED, NONE = (
    "auth_check.tampered_token_is_401",
    "auth_check.stripped_signature_is_401",
    "auth_check.alg_none_is_401",
)


def _failed(statuses: Mapping[str, int], expected: str = "401", method: str = "POST") -> set[str]:
    """The checks that accuse after the merge, where these failed by a reply of this status each."""
    results = {}
    for name, status in statuses.items():
        exchange = Exchange(method=method, url="http://127.0.0.1/x", status=status)
        failure = Expectation(expected, str(status), exchanges=[exchange])
        results[name] = result_of(BY_ID[name], Outcome.FAILED, finding=finding_of(BY_ID[name], failure, ()))
    merged = merge_repeated(CATALOGUE, merge_implied(CATALOGUE, results))
    for name, result in merged.items():
        if result.outcome is Outcome.SKIPPED:
            assert result.finding is None
            assert result.reason.startswith("see ")
            assert result.reason.endswith(f": {statuses[name]}")
    return {name for name, result in merged.items() if result.outcome is Outcome.FAILED}


def test_every_name_is_that_of_a_check() -> None:
    """And none implies itself."""
    told = dict.fromkeys(OF_UNREADABLE, (UNREADABLE,))
    told |= dict.fromkeys(OF_INVALID, (MISSING_NAME,))
    for table in ({check.id: check.repeats for check in CATALOGUE}, SAME_STATUS, told):
        assert {*table, *(name for tellers in table.values() for name in tellers)} <= BY_ID.keys()
        assert all(name not in tellers for name, tellers in table.items())


def test_who_serves_anybody_serves_other_schemes() -> None:
    """Without the first, the second is a fault of its own."""
    assert _failed({NO_TOKEN: 201, SCHEME: 201}) == {NO_TOKEN}
    assert _failed({SCHEME: 201}) == {SCHEME}


def test_a_crash_hides_no_open_door() -> None:
    """Tokens without a signature that are accepted are no matter of those that crash the target."""
    assert _failed({TAMPERED: 201, UNSIGNED: 201, NONE: 201}) == {TAMPERED}
    assert _failed({TAMPERED: 500, UNSIGNED: 201, NONE: 201}) == {TAMPERED, UNSIGNED}


def test_who_carries_out_stale_updates_carries_out_stale_deletes() -> None:
    """Whatever the status of the success. A crash is another fault."""
    stale, delete = "business_logic.stale_if_match_is_412", "business_logic.stale_delete_is_412"
    assert _failed({stale: 200, delete: 204}) == {stale}
    assert _failed({stale: 200, delete: 500}) == {stale, delete}
    assert _failed({stale: 200, delete: 200}, method="GET") == {stale, delete}, "what was refused is carried out"


def test_who_validates_nothing_is_told_so_once() -> None:
    """A body without a name and values of any type are taken: then so is what is too long. A crash is another fault."""
    long = "validation.length_bound_is_exact"
    assert _failed({MISSING_NAME: 201, TYPES: 201, long: 201}, "400") == {MISSING_NAME}
    assert _failed({MISSING_NAME: 201, long: 201}, "400") == {MISSING_NAME, long}
    assert _failed({MISSING_NAME: 201, TYPES: 201, long: 500}, "400") == {MISSING_NAME, long}
    assert _failed({TYPES: 201, long: 201}, "400") == {TYPES, long}


def test_what_went_otherwise_in_several_ways_stays() -> None:
    """One of them may be of its own."""
    listed = "validation.listed_values_are_judged_by_the_schema"
    failed = {MISSING_NAME: 201, TYPES: 201, listed: 201}
    assert _failed(failed, "a refusal") == {MISSING_NAME}
    assert _failed(failed, f"a refusal{SEVERAL}the value as sent") == {MISSING_NAME, TYPES, listed}


def test_a_crash_at_what_is_no_json_is_told_once() -> None:
    """A parser that takes both is two faults: it may be right about one of them."""
    twice = "validation.duplicate_key_is_400"
    assert _failed({UNREADABLE: 500, twice: 500}, "400") == {UNREADABLE}
    assert _failed({UNREADABLE: 201, twice: 201}, "400") == {UNREADABLE, twice}


def test_a_lesser_failure_hides_no_must() -> None:
    """Only what is at least as strong tells another one."""
    exchange = Exchange(method="POST", url="http://127.0.0.1/x", status=201)
    failure = Expectation("401", "201", exchanges=[exchange])
    results = {
        name: result_of(BY_ID[name], Outcome.FAILED, finding=finding_of(BY_ID[name], failure, ()))
        for name in (NO_TOKEN, SCHEME)
    }
    should = next(check.level for check in CATALOGUE if check.level.value == "should")
    results[NO_TOKEN] = results[NO_TOKEN].model_copy(update={"level": should})
    assert merge_repeated(CATALOGUE, results)[SCHEME].outcome is Outcome.FAILED
