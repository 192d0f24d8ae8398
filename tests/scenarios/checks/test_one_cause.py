"""One cause behind many failures is told by one check, whatever the cause looks like."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.schemas.report import Outcome
from tests.scenarios.checks.liberties.habits import Habits
from tests.scenarios.checks.liberties.lawful_run import run
from tests.scenarios.checks.liberties.wire import Answer, Request

TRIED = [check for check in CHECKS if not check.id.startswith("validation.generated_")]
READS = "response.reads_match_writes_at_the_end"
MOVED = "response.location_answers_the_same"
ANYTHING_IS_READ = "validation.strange_ids_are_4xx"
"""Tells as well that ids which nobody has are answered so: that is another fault."""


def _problem(status: int, *headers: tuple[str, str]) -> Answer:
    body = {"type": f"urn:example:{status}", "title": "No", "status": status, "code": f"status_{status}"}
    return Answer(status, headers, json.dumps(body).encode(), "application/problem+json")


def _wrapped(answer: Answer) -> Answer:
    return Answer(answer.status, answer.headers, json.dumps({"data": json.loads(answer.body)}).encode())


CAUSES: dict[str, tuple[Callable[[Answer], Answer], set[str]]] = {
    "reads are forbidden": (lambda _: _problem(403), {READS}),
    "there are no reads": (lambda _: _problem(405, ("allow", "PUT, DELETE")), {READS}),
    "reads are server errors": (lambda _: _problem(500), {READS, ANYTHING_IS_READ}),
    "reads are sent to a login": (lambda _: Answer(302, (("location", "/login"),)), {MOVED}),
    "reads show a page": (lambda _: Answer(200, (), b"<html>", "text/html"), {READS, ANYTHING_IS_READ}),
    "reads are wrapped, undeclared": (lambda answer: _wrapped(answer) if answer.status == 200 else answer, {READS}),
}


@pytest.mark.many(one_in=3)
@pytest.mark.parametrize("name", CAUSES)
def test_one_cause_is_told_once(name: str) -> None:
    """The other checks that met it are skipped, with the id of the one that tells it."""
    bend, told = CAUSES[name]

    def bent(request: Request, answer: Answer) -> Answer:
        is_read = request.method in {"GET", "HEAD"} and request.target.startswith("/api/resources/")
        return bend(answer) if is_read else answer

    report = asyncio.run(run(Habits(), TRIED, bend=bent))
    failed = {result.id for result in report.results if result.outcome in {Outcome.FAILED, Outcome.BROKEN}}
    assert failed == told
    teller = (told & {READS, MOVED}).pop()
    assert sum(teller in result.reason for result in report.results) > 5


def test_a_redirect_of_resources_is_told_once_with_the_key() -> None:
    """Every other check that asks for a resource names the one that tells it."""
    report = asyncio.run(run(Habits(read_redirect=308), TRIED))
    failed = [result for result in report.results if result.outcome in {Outcome.FAILED, Outcome.BROKEN}]
    assert [result.id for result in failed] == [MOVED]
    assert failed[0].finding is not None
    assert 'target.read_path = "/api/resources/{id}/"' in failed[0].finding.seen
    assert not any(result.outcome is Outcome.INCONCLUSIVE for result in report.results)


def test_an_infinity_is_told_once() -> None:
    """As a reply that is no JSON, and not as a number that was not kept as well."""
    large = str(2**64).encode()

    def bent(_: Request, answer: Answer) -> Answer:
        return replace(answer, body=answer.body.replace(large, b"Infinity"))

    tried = [check for check in CATALOGUE if check.id.startswith(("validation.listed", "validation.what", "response."))]
    report = asyncio.run(run(Habits(), tried, bend=bent))
    failed = {result.id for result in report.results if result.outcome in {Outcome.FAILED, Outcome.BROKEN}}
    assert failed == {"response.json_is_json"}, [one.finding for one in report.results if one.finding]


@pytest.mark.parametrize(
    ("media_type", "declared", "outcome"),
    [
        ("application/json", {}, Outcome.PASSED),
        ("application/json", {"errors": {"media_type": "application/problem+json"}}, Outcome.FAILED),
        ("text/html", {}, Outcome.FAILED),
    ],
)
def test_errors_have_a_media_type_that_was_asked_for(
    media_type: str, declared: dict[str, object], outcome: Outcome
) -> None:
    """Each request takes JSON and problem documents; a profile may say which."""

    def bent(_: Request, answer: Answer) -> Answer:
        return replace(answer, media_type=media_type) if answer.status >= 400 else answer

    tried = [check for check in CHECKS if check.id == "response.errors_are_problem_json"]
    report = asyncio.run(run(Habits(), tried, bend=bent, sections={"target": declared}))
    assert {result.outcome for result in report.results} == {outcome}
