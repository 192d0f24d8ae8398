"""A target that answers nothing any more ends a run, with what was found until then."""

import json
from itertools import count

import pytest

from createflow.cli.run_command import exit_code
from createflow.scenarios.conformance import silence
from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness.check import select
from createflow.scenarios.reports.conformance.verdict import Verdict, verdict_of, verdict_text
from createflow.schemas.report import Outcome, RunReport
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.scenarios.malformed_server import malformed_server, profile_of, reply

pytestmark = pytest.mark.anyio
CHECKS = select(CATALOGUE, ("response", "validation"), ())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the test is quick."""
    monkeypatch.setattr(silence, "_SUSPECT_S", 0.4)
    monkeypatch.setattr(silence, "_SILENT_S", 1.0)
    monkeypatch.setattr(silence, "_QUESTION_S", 0.2)
    monkeypatch.setattr(silence, "_LOOK_EVERY_S", 0.05)


async def run_against(answers: int, *, questions: bool = False) -> RunReport:
    """A run against a target that answers so many requests, and then at most those that ask for the collection."""
    numbers = count()

    def habit(request: bytes) -> bytes | None:
        number = next(numbers)
        if number >= answers and not (questions and request.startswith(b"GET /api/resources HTTP")):
            return None
        if not request.startswith(b"POST"):
            return reply("404 Not Found", b"")
        body = json.dumps({"id": f"r{number}", "name": "x"}).encode()
        return reply("201 Created", body, headers=f"location: /api/resources/r{number}\r\n")

    async with malformed_server(habit) as url:
        return await conformance(
            profile_of(url, timeout_s=2.5 if questions else 60.0),
            select(CATALOGUE, ("response.create_is_201",), ()) if questions else CHECKS,
            source="test",
            progress=QuietProgress(),
        )


async def test_a_silent_target_ends_the_run() -> None:
    """Since when, after which request, and nothing of what ended after that counts: a check saw silence only."""
    report = await run_against(12)
    assert report.duration_s < 30, "and not as long as each request may take"
    assert not report.interrupted
    assert "the target gave no reply any more from second" in report.silent
    assert "was answered" in report.silent
    assert {result.outcome for result in report.results if result.reason == "the target is silent"} == {Outcome.SKIPPED}
    assert report.silent in verdict_text(report)
    if verdict_of(report) is Verdict.SILENT:
        assert exit_code(report) == 3


async def test_a_target_that_answers_somebody_is_not_silent() -> None:
    """The run goes on to its end, whatever hangs."""
    report = await run_against(1, questions=True)
    assert report.silent == ""
    assert not [result for result in report.results if result.reason == "the target is silent"]
