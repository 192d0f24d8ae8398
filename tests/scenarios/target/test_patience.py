"""A target that says that it is too busy is asked again, where it promises to say so; that it is busy is no verdict."""

import asyncio
from typing import Any

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.schemas.report import Outcome
from tests.scenarios.checks.liberties.habits import Habits
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
