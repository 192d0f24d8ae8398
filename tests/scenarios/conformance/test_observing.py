"""Observers in a run: fed by whatever checks send, judged after them, reported like checks."""

import asyncio

import pytest

from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness.check import Check, check
from createflow.scenarios.observers.bodies import json_is_json
from createflow.scenarios.observers.rate import refusals_of_a_flood_are_429
from createflow.scenarios.observers.statuses import no_unexplained_server_error
from createflow.scenarios.outcome import Expectation
from createflow.scenarios.reports.conformance.renderers import RENDERERS
from createflow.scenarios.target.probes import Target
from createflow.schemas.flow import Step
from createflow.schemas.report import CheckResult, Outcome, RunReport, Standing
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.scenarios.malformed_server import Habit, malformed_server, profile_of, reply

CREATED = reply("201 Created", b'{"id": "1", "name": "x"}', headers="location: /api/resources/1\r\n")


@check(step=Step.RESPONSE, source="test")
async def many_creates(target: Target) -> None:
    """Creates are sent."""
    for _ in range(12):
        await target.create()


@check(step=Step.RESPONSE, source="test")
async def accuses(target: Target) -> None:
    """Creates are accepted."""
    for _ in range(12):
        answer = await target.create()
    if not answer.accepted:
        raise Expectation("201", str(answer.status), exchanges=[answer.exchange])


def run_against(habit: Habit, *checks: Check, **sections: object) -> RunReport:
    """A run of these."""

    async def run() -> RunReport:
        async with malformed_server(habit) as url:
            return await conformance(profile_of(url, **sections), checks, source="test", progress=QuietProgress())

    return asyncio.run(run())


def result_of(report: RunReport, check: Check) -> CheckResult:
    """The result of one."""
    return next(result for result in report.results if result.id == check.id)


def test_an_observer_reports_what_a_passing_check_did_not_look_at() -> None:
    """In every format, with the exchanges."""
    report = run_against(lambda _: reply("200 OK", b'{"id": NaN}'), json_is_json, many_creates)
    assert result_of(report, many_creates).outcome is Outcome.PASSED
    result = result_of(report, json_is_json)
    assert result.outcome is Outcome.FAILED
    assert result.finding is not None
    assert result.finding.seen == "a success that is no JSON: NaN is no number of JSON (13 of 13 exchanges)"
    assert result.finding.replay_id
    assert result.finding.curl.startswith("curl ")
    assert all(json_is_json.id in render(report) for name, render in RENDERERS.items() if name != "markdown")


def test_the_same_failure_has_the_same_id() -> None:
    """However many exchanges show it."""
    habit = lambda _: reply("200 OK", b'{"id": NaN}')  # noqa: E731 - used twice
    one = result_of(run_against(habit, json_is_json, many_creates), json_is_json)
    other = result_of(run_against(habit, json_is_json, many_creates, accuses), json_is_json)
    assert one.finding is not None
    assert other.finding is not None
    assert one.finding.seen != other.finding.seen
    assert one.finding.replay_id == other.finding.replay_id


def test_a_baseline_entry_tolerates_an_observer() -> None:
    """As it does a check."""
    entry = {"id": json_is_json.id, "reason": "ticket", "expires": "2999-01-01"}
    report = run_against(lambda _: reply("200 OK", b"{,}"), json_is_json, baseline=[entry])
    assert [known.standing for known in report.baseline] == [Standing.TOLERATED]


def test_alone_an_observer_makes_its_own_requests() -> None:
    """So that selecting or replaying it decides something."""
    received: list[bytes] = []

    def habit(request: bytes) -> bytes:
        received.append(request.split(b" ")[0])
        return CREATED

    assert result_of(run_against(habit, json_is_json), json_is_json).outcome is Outcome.PASSED
    assert {b"POST", b"GET", b"PATCH"} <= set(received)
    before = len(received)
    run_against(habit, json_is_json, many_creates)
    assert len(received) - before == 13


def test_one_accusation_for_one_reply() -> None:
    """A 500 for which a check accuses the target is not told again; one that no check minded is."""

    def habit(request: bytes) -> bytes:
        return reply("500 Oops") if request.startswith(b"POST") else reply("200 OK")

    judged = run_against(habit, no_unexplained_server_error, accuses)
    unminded = run_against(habit, no_unexplained_server_error, many_creates)
    assert result_of(judged, accuses).outcome is Outcome.FAILED
    assert result_of(judged, no_unexplained_server_error).outcome is Outcome.PASSED
    assert result_of(unminded, no_unexplained_server_error).outcome is Outcome.FAILED


def test_an_observer_that_saw_nothing_did_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skipped without limits or credentials; inconclusive where a flood cannot be provoked."""
    monkeypatch.setenv("A_TOKEN", "a token of the test")
    assert result_of(
        run_against(lambda _: CREATED, refusals_of_a_flood_are_429), refusals_of_a_flood_are_429
    ).outcome is (Outcome.SKIPPED)
    limits = {"rate_per_s": 1000, "burst": 5}
    for auth, outcome in (
        ({"kind": "none"}, Outcome.SKIPPED),
        ({"kind": "static", "writer_env": "A_TOKEN"}, Outcome.INCONCLUSIVE),
    ):
        report = run_against(lambda _: CREATED, refusals_of_a_flood_are_429, limits=limits, auth=auth)
        assert result_of(report, refusals_of_a_flood_are_429).outcome is outcome
