"""What one failure implies is told once."""

from collections.abc import Mapping

from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.conformance.causes import merge_repeated
from createflow.scenarios.conformance.implied import SAME_STATUS, merge_implied
from createflow.scenarios.conformance.run_check import finding_of, result_of
from createflow.scenarios.outcome import Expectation
from createflow.schemas.report import Exchange, Outcome

BY_ID = {check.id: check for check in CATALOGUE}
NO_TOKEN, SCHEME = "auth_check.missing_token_is_401", "auth_check.other_scheme_is_401"
TAMPERED, UNSIGNED, NONE = (
    "auth_check.tampered_token_is_401",
    "auth_check.stripped_signature_is_401",
    "auth_check.alg_none_is_401",
)


def _failed(statuses: Mapping[str, int]) -> set[str]:
    """The checks that accuse after the merge, where these failed by a reply of this status each."""
    results = {}
    for name, status in statuses.items():
        exchange = Exchange(method="POST", url="http://127.0.0.1/x", status=status)
        failure = Expectation("401", str(status), exchanges=[exchange])
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
    for table in ({check.id: check.repeats for check in CATALOGUE}, SAME_STATUS):
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
