"""A target that says that it is too busy is asked again, where it promises to say so; that it is busy is no verdict."""

import asyncio
from typing import Any

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.schemas.report import Outcome
from tests.scenarios.checks.liberties.habits import Habits, Headers
from tests.scenarios.checks.liberties.lawful_run import run
from tests.scenarios.checks.liberties.wire import Answer, Request

READS = [check for check in CHECKS if check.id == "response.location_answers_the_same"]
SATURATION: dict[str, Any] = {"promises": {"saturation": True}}


def _result(*, busy_reads: int, sections: dict[str, Any]) -> Outcome:
    reads = 0

    def bend(request: Request, answer: Answer) -> Answer:
        nonlocal reads
        if request.method != "GET":
            return answer
        reads += 1
        return Answer(503, (("retry-after", "0"),), b"{}") if reads <= busy_reads else answer

    report = asyncio.run(run(Habits(), READS, sections=sections, bend=bend))
    return report.results[0].outcome


@pytest.mark.parametrize(
    ("busy_reads", "sections", "outcome"),
    [
        (3, SATURATION, Outcome.PASSED),
        (1_000_000, SATURATION, Outcome.INCONCLUSIVE),
        (3, {}, Outcome.FAILED),
    ],
    ids=["busy for a moment", "busy for good", "not promised"],
)
def test_a_busy_target_is_asked_again(busy_reads: int, sections: dict[str, Any], outcome: Outcome) -> None:
    """Within bounds; then nothing is known. Without the promise a 503 is an answer like any other."""
    assert _result(busy_reads=busy_reads, sections=sections) is outcome


@pytest.mark.parametrize("headers", [(), (("retry-after", "0"),), (("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT"),)])
@pytest.mark.parametrize(("limits", "outcome"), [(True, Outcome.PASSED), (False, Outcome.FAILED)])
def test_what_a_declared_limit_refuses_is_sent_again(headers: Headers, limits: bool, outcome: Outcome) -> None:  # noqa: FBT001
    """Whether or not the refusal says when; without a declared limit it is an answer like any other."""
    reads = 0

    def bend(request: Request, answer: Answer) -> Answer:
        nonlocal reads
        reads += request.method == "GET"
        return Answer(429, headers, b"{}") if request.method == "GET" and reads in {2, 3} else answer

    sections = {"limits": {"rate_per_s": 200, "burst": 200}} if limits else {}
    report = asyncio.run(run(Habits(), READS, sections=sections, bend=bend))
    assert report.results[0].outcome is outcome


def test_who_is_refused_again_and_again_knows_nothing() -> None:
    """The limit is what refuses: the observers of the limit tell whether it may."""

    def bend(request: Request, answer: Answer) -> Answer:
        return Answer(429, (), b"{}") if request.method == "GET" else answer

    report = asyncio.run(run(Habits(), READS, sections={"limits": {"rate_per_s": 200, "burst": 200}}, bend=bend))
    assert report.results[0].outcome is Outcome.INCONCLUSIVE
    assert "keeps the limits of the profile 6 times (429)" in report.results[0].reason
