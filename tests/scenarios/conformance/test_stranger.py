"""Nothing is sent to an origin that the profile does not name, wherever a target says to go."""

import pytest

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.conformance.run import conformance
from createflow.schemas.error import TargetError
from createflow.schemas.profile import Profile
from createflow.schemas.report import CheckResult, Outcome, RunReport
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.scenarios.malformed_server import Habit, malformed_server, profile_of, reply
from tests.scenarios.stranger import LOCATIONS, Resources, stranger

PREFIXES = ("response.", "https_request.date", "business_logic.", "validation.missing", "replicate.own_write_is_read")


async def run_against(habit: Habit, monkeypatch: pytest.MonkeyPatch, **target: object) -> RunReport:
    """A run with a token and clean-up."""
    monkeypatch.setenv("WRITER", "a-token-that-must-not-leak")
    async with malformed_server(habit) as url:
        profile = profile_of(url, timeout_s=10.0, auth={"kind": "static", "writer_env": "WRITER"})
        document = profile.target.model_dump() | {"cleanup": True, "update": True} | target
        profile = Profile.model_validate(profile.model_dump() | {"target": document})
        checks = [check for check in CHECKS if check.id.startswith(PREFIXES) and not check.disturbs]
        return await conformance(profile, checks, source="test", progress=QuietProgress())


def with_outcome(report: RunReport, outcome: Outcome) -> list[CheckResult]:
    """The results that ended so."""
    return [result for result in report.results if result.outcome is outcome]


@pytest.mark.anyio
@pytest.mark.many(one_in=3)
@pytest.mark.parametrize("case", LOCATIONS)
async def test_a_location_elsewhere_gets_nothing(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither reads nor updates nor deletes; one check fails for it, and none is broken."""
    async with stranger() as (port, received):
        resources = Resources(lambda name: LOCATIONS[case].format(port=port, own="me", id=name))
        report = await run_against(resources.answer, monkeypatch)
    assert received == []
    assert not with_outcome(report, Outcome.BROKEN)
    failed = {result.id for result in with_outcome(report, Outcome.FAILED)}
    assert len(failed & {"response.location_is_ours", "response.location_is_given"}) == 1
    skipped = next(result for result in report.results if result.id == "response.location_answers_the_same")
    assert skipped.outcome is Outcome.SKIPPED
    assert "see response.location_is_" in skipped.reason
    # What was created is still deleted, by the id of the 201, at the target's own address.
    assert report.created == len(resources.deleted) + len(report.left_behind)


@pytest.mark.anyio
async def test_a_declared_public_origin_is_read_at_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """Path and query of the Location are used at ``base_url``; nothing goes to the other origin."""
    async with stranger() as (port, received):
        public = f"http://127.0.0.1:{port}"
        resources = Resources(lambda name: f"{public}/api/resources/{name}")
        report = await run_against(resources.answer, monkeypatch, location_origins=[public])
    outcomes = {result.id: result.outcome for result in report.results}
    assert received == []
    assert outcomes["response.location_is_ours"] is Outcome.PASSED
    assert outcomes["response.location_answers_the_same"] is Outcome.PASSED
    assert len(resources.deleted) == report.created
    assert report.left_behind == ()


@pytest.mark.anyio
@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Moved"])
async def test_a_redirect_is_not_followed(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever request it answers."""
    async with stranger() as (port, received):
        resources = Resources(lambda name: f"/api/resources/{name}")

        def answer(request: bytes) -> bytes:
            if request.startswith(b"POST"):
                return resources.answer(request)
            return reply(status, b"", headers=f"location: http://127.0.0.1:{port}/x\r\n")

        report = await run_against(answer, monkeypatch)
    assert received == []
    assert not with_outcome(report, Outcome.BROKEN)


@pytest.mark.anyio
async def test_a_token_endpoint_cannot_pass_the_secret_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its redirect is an answer without a token."""
    monkeypatch.setenv("WRITER", "client:secret-of-the-client")
    async with stranger() as (port, received):
        redirect = reply("307 Temporary Redirect", b"", headers=f"location: http://127.0.0.1:{port}/token\r\n")
        async with malformed_server(lambda _: redirect) as endpoint, malformed_server(lambda _: reply("200 OK")) as url:
            auth = {"kind": "oauth2_client_credentials", "token_url": f"{endpoint}/token", "writer_env": "WRITER"}
            with pytest.raises(TargetError, match="no token"):
                await conformance(profile_of(url, auth=auth), CHECKS[:1], source="test", progress=QuietProgress())
    assert received == []


@pytest.mark.anyio
async def test_nothing_is_deleted_unless_the_profile_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``cleanup`` no DELETE is sent."""
    resources = Resources(lambda name: f"/api/resources/{name}")
    report = await run_against(resources.answer, monkeypatch, cleanup=False)
    assert report.created > 0
    assert resources.deleted == []
