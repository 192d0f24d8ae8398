"""What several failures are about is told by one check, and the others name it."""

from collections.abc import Mapping

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.conformance.causes import merge_shared
from createflow.scenarios.conformance.run_check import finding_of, result_of
from createflow.scenarios.harness.about import ASK_NOTHING_ELSE, TELLERS, About, crash_at
from createflow.scenarios.outcome import Expectation
from createflow.schemas.report import CheckResult, Level, Outcome

BY_ID = {check.id: check for check in CATALOGUE}
TIME, SPEAKER, ROW = (
    "response.created_at_is_now",
    "response.location_answers_the_same",
    "write_primary.row_equals_reply",
)
ERRORS = "service_router.no_unexplained_server_error"


def _merged(
    about: Mapping[str, set[str]], seen: str = "that", levels: Mapping[str, Level] | None = None
) -> dict[str, CheckResult]:
    """The results of checks that failed, each about something."""
    results = {}
    for name in about:
        finding = finding_of(BY_ID[name], Expectation("this", seen), ())
        result = result_of(BY_ID[name], Outcome.FAILED, finding=finding)
        results[name] = result.model_copy(update={"level": (levels or {}).get(name, Level.MUST)})
    known = {name: frozenset(subjects) for name, subjects in about.items() if name != ERRORS}
    return merge_shared(CATALOGUE, results, known)


def _failed(results: Mapping[str, CheckResult]) -> set[str]:
    return {name for name, result in results.items() if result.outcome is Outcome.FAILED}


def test_every_teller_is_a_check() -> None:
    """Their ids are those of the catalogue."""
    assert {name for tellers in TELLERS.values() for name in tellers} | ASK_NOTHING_ELSE <= BY_ID.keys()
    assert set(About) <= TELLERS.keys()
    assert len(CHECKS) < len(CATALOGUE)


def test_who_reports_on_it_tells_it() -> None:
    """The others are skipped with its id and what they saw, without a finding of their own."""
    merged = _merged({ROW: {About.CREATION_TIMES}, SPEAKER: {About.CREATION_TIMES}, TIME: set()}, "'01:00'")
    assert _failed(merged) == {TIME}
    assert merged[ROW].reason == f"see {TIME}: '01:00'"
    assert merged[ROW].finding is None


def test_what_nobody_else_tells_stays() -> None:
    """Without the check that reports on it, where that failed by something else, or is of a lower level."""
    assert _failed(_merged({ROW: {About.CREATION_TIMES}})) == {ROW}
    assert _failed(_merged({SPEAKER: set(), "response.ids_are_unique": {About.PRESENCE}})) == {
        SPEAKER,
        "response.ids_are_unique",
    }
    weaker = _merged({ROW: {About.CREATION_TIMES}, TIME: set()}, levels={TIME: Level.SHOULD})
    assert _failed(weaker) == {ROW, TIME}


def test_a_failure_about_two_things_needs_both_told() -> None:
    """One of them may be a fault that nobody has told."""
    both: set[str] = {About.CREATION_TIMES, About.CREATORS}
    assert _failed(_merged({ROW: both, TIME: set()})) == {ROW, TIME}
    creator = "response.created_by_is_the_subject"
    assert _failed(_merged({ROW: both, TIME: set(), creator: set()})) == {TIME, creator}


def test_the_first_tells_what_has_no_check_of_its_own() -> None:
    """A refusal with another status, wherever it was met."""
    about = {name: {"403 told as 402"} for name in ("auth_check.reader_is_403", "auth_check.every_role_counts")}
    assert _failed(_merged(about)) == {"auth_check.reader_is_403"}


def test_an_observer_tells_an_outage_that_it_saw() -> None:
    """Where it left out all of them, as those of checks that failed, the first of these tells it."""
    about: dict[str, set[str]] = {"validation.text_is_inert": {"503 to"}, SPEAKER: {"503 to"}, ERRORS: set()}
    assert _failed(_merged(about, "503 to POST (9 of 99 exchanges)")) == {ERRORS}
    assert _failed(_merged(about, "500 to POST (9 of 99 exchanges)")) == {"validation.text_is_inert", ERRORS}


def test_a_field_that_crashes_the_target_is_told_once() -> None:
    """By the first check that sends it; a crash at another field is told as well."""
    listed, unbounded, generated = (
        "validation.listed_values_are_judged_by_the_schema",
        "validation.what_no_bound_covers_is_kept_or_refused",
        "validation.generated_bodies_come_back",
    )
    one, other = crash_at("description"), crash_at("tags")
    assert _failed(_merged({listed: {one}, unbounded: {one}, generated: {one}})) == {listed}
    assert _failed(_merged({listed: {one}, generated: {other}})) == {listed, generated}
