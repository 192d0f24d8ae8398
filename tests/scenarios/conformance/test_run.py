"""A run never turns green on a target that does not keep its promises, nor blames it for what is ours."""

import asyncio
import re
import sys
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from createflow.scenarios.checks import CHECKS
from createflow.scenarios.conformance.run import conformance, phases
from createflow.scenarios.conformance.run_check import finding_of
from createflow.scenarios.harness.check import Check, Lane, check
from createflow.scenarios.harness.finding_id import finding_id
from createflow.scenarios.outcome import Expectation
from createflow.scenarios.reports.conformance.problems import explain
from createflow.scenarios.reports.conformance.verdict import Verdict, verdict_of
from createflow.scenarios.sinks.sink import SearchIndex
from createflow.scenarios.target.probes import Faults, Target, Tokens
from createflow.schemas.error import TargetError
from createflow.schemas.flow import Step
from createflow.schemas.profile import Profile
from createflow.schemas.report import CheckResult, Outcome, RunReport
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.scenarios.malformed_server import Habit, malformed_server, profile_of, reply
from tests.up_stack import wait_a_little

CREATED = reply("201 Created", b'{"id": "1", "name": "x"}', headers="location: /api/resources/1\r\n")
UNAUTHORIZED = reply("401 Unauthorized", headers="www-authenticate: Bearer\r\n")
GARBAGE = b"\x00\x01 this is not HTTP \xff\r\n\r\n"

UNDISTURBING = [declared for declared in CHECKS if not declared.disturbs]


@pytest.fixture(scope="module")
def auth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An issuer whose key we have, so that checks of tokens run."""
    key = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("key") / "key.pem"
    file.write_bytes(key)
    return {"kind": "jwt", "key_file": str(file), "issuer": "i", "audience": "a"}


def run_against(habit: Habit, auth: dict[str, str], checks: list[Check], *, timeout_s: float = 2.0) -> RunReport:
    """A run against a malformed server."""

    async def run() -> RunReport:
        async with malformed_server(habit) as url:
            target = {"base_url": url, "timeout_s": timeout_s, "private": True, "owned": True, "unique_name": True}
            profile = profile_of(url, target=target, auth=auth)
            return await conformance(profile, checks, source="test", progress=QuietProgress())

    return asyncio.run(run())


@pytest.mark.parametrize(
    "answer",
    [CREATED, UNAUTHORIZED, reply("200 OK"), reply("500 Oops"), reply("404 Not Found", b"")],
    ids=["201 always", "401 always", "200 always", "500 always", "404 always"],
)
def test_a_target_that_always_says_the_same_is_never_green(answer: bytes, auth: dict[str, str]) -> None:
    """Whatever the one answer is, the run fails, and the create itself is among what fails unless it is 201."""
    report = run_against(lambda _: answer, auth, UNDISTURBING)
    assert verdict_of(report) is Verdict.FAILED
    failed = {result.id for result in report.results if result.outcome is Outcome.FAILED}
    assert answer is CREATED or "response.create_is_201" in failed


def test_every_request_has_a_trace_and_every_finding_names_it(auth: dict[str, str]) -> None:
    """A request of a check, of the preparation, and one in raw bytes."""
    seen: list[str] = []

    def habit(request: bytes) -> bytes:
        seen.extend(re.findall(r"(?im)^traceparent: 00-([0-9a-f]{32})-[0-9a-f]{16}-01\r$", request.decode("latin-1")))
        seen.extend([""] * request.count(b" HTTP/1.1\r\n"))  # the server takes a chunked body for another request
        return reply("200 OK")

    tried = [one for one in CHECKS if one.id.startswith(("response.create_is_201", "https_request.host_is"))]
    report = run_against(habit, auth, tried)
    traces = [one for one in seen if one]
    assert len(traces) == seen.count("") == len(set(traces))
    findings = [result.finding for result in report.results if result.finding is not None]
    assert findings
    for finding in findings:
        assert {one.trace_id for one in finding.exchanges} <= set(traces)
        assert all(one.trace_id for one in finding.exchanges)
        assert "traceparent" not in finding.curl
    failed = next(result for result in report.results if result.outcome is Outcome.FAILED)
    assert failed.finding is not None
    assert dict(explain(failed))["trace"] == failed.finding.exchanges[-1].trace_id


def test_a_long_value_in_a_finding_is_shortened_and_keeps_the_identity_of_the_finding() -> None:
    """What is around it stays whole."""
    texts = [f"first {'a' * length!r} then {'b' * 200!r}" for length in (999, 1001)]
    told = [finding_of(CHECKS[0], Expectation("x", text), ()) for text in texts]
    assert told[0].seen == f"first '{'a' * 160}… (999 characters)' then '{'b' * 200}'"
    assert finding_id("id", told[0]) == finding_id("id", told[1])


def test_a_target_that_refuses_everything_passes_no_negative_check(auth: dict[str, str]) -> None:
    """Checks that want a refusal stand between accepted creates: without those they say nothing."""
    report = run_against(lambda _: UNAUTHORIZED, auth, UNDISTURBING)
    of_auth = [result for result in report.results if result.step is Step.AUTH_CHECK]
    assert of_auth
    assert {result.outcome for result in of_auth} == {Outcome.INCONCLUSIVE, Outcome.SKIPPED}
    assert all("promises" in result.reason for result in of_auth if result.outcome is Outcome.SKIPPED)


def test_a_hanging_target_is_unreachable(auth: dict[str, str]) -> None:
    """Nothing is run against a target that does not answer its first request; the error names its address."""
    with pytest.raises(TargetError, match=r"127\.0\.0\.1:\d+: no complete reply within 0.2 s"):
        run_against(lambda _: None, auth, UNDISTURBING, timeout_s=0.2)


def test_a_target_that_speaks_no_http_is_unreachable(auth: dict[str, str]) -> None:
    """Garbage is not an answer."""
    with pytest.raises(TargetError, match=r"127\.0\.0\.1"):
        run_against(lambda _: GARBAGE, auth, UNDISTURBING)


def test_a_dead_target_is_unreachable() -> None:
    """A refused connection is told with the address."""

    async def run() -> None:
        async with malformed_server(lambda _: CREATED) as url:
            pass
        await conformance(profile_of(url), UNDISTURBING, source="test", progress=QuietProgress())

    with pytest.raises(TargetError, match=r"127\.0\.0\.1"):
        asyncio.run(run())


def test_a_target_that_hangs_on_creates_is_never_green(auth: dict[str, str]) -> None:
    """A timeout is no refusal: no check passes on it, and none accuses the target of anything by it."""

    def habit(request: bytes) -> bytes | None:
        return reply("200 OK") if request.startswith(b"GET") else None

    report = run_against(habit, auth, UNDISTURBING[:8], timeout_s=0.2)
    ran = [result for result in report.results if result.outcome is not Outcome.SKIPPED]
    assert {result.outcome for result in ran} == {Outcome.INCONCLUSIVE}
    assert all("no complete reply within 0.2 s" in result.reason for result in ran)
    assert verdict_of(report) is Verdict.INCONCLUSIVE


def test_a_timeout_never_passes_a_negative_check(auth: dict[str, str]) -> None:
    """Ordinary creates work, only what has no token hangs: that is not the 401 that is promised."""

    def habit(request: bytes) -> bytes | None:
        return CREATED if b"authorization:" in request.lower() or request.startswith(b"GET") else None

    missing = [declared for declared in CHECKS if declared.id == "auth_check.missing_token_is_401"]
    (result,) = run_against(habit, auth, missing, timeout_s=0.2).results
    assert result.outcome is Outcome.INCONCLUSIVE


def _check(function: object, **data: object) -> Check:
    return check(step=Step.RESPONSE, source="test", **data)(function)  # type: ignore[arg-type]


def _ended(declared: Check, profile_sections: dict[str, object] | None = None) -> CheckResult:
    async def run() -> RunReport:
        async with malformed_server(lambda _: CREATED) as url:
            profile = profile_of(url, **(profile_sections or {}))
            return await conformance(profile, [declared], source="test", progress=QuietProgress())

    return asyncio.run(run()).results[0]


async def _accuses(target: Target) -> None:
    """The target keeps this promise."""
    await target.create()
    raise Expectation("good", "bad")


async def _is_wrong(target: Target) -> None:
    """This check has a mistake."""
    raise ZeroDivisionError(str(target.limits))


async def _takes_for_ever(target: Target) -> None:
    """This check waits for nothing."""
    await asyncio.Event().wait()


async def _wants_tokens(tokens: Tokens) -> None:
    """This check needs tokens."""


async def _wants_search(search: SearchIndex) -> None:
    """This check needs an index."""


async def _wants_fault(faults: Faults) -> None:
    """This check breaks something."""
    async with faults.injected("search_down"):
        pass


def test_only_an_expectation_accuses() -> None:
    """A broken promise is failed, with the request that shows it; our own mistake is broken, with its traceback."""
    failed = _ended(_check(_accuses))
    assert failed.outcome is Outcome.FAILED
    assert failed.finding is not None
    assert (failed.finding.promised, failed.finding.seen) == ("The target keeps this promise.", "bad")
    assert failed.finding.curl.startswith("curl -i -X POST http://127.0.0.1:")
    wrong = _ended(_check(_is_wrong))
    assert wrong.outcome is Outcome.BROKEN
    assert "ZeroDivisionError" in wrong.traceback


def test_a_check_has_a_time_limit() -> None:
    """What does not end is stopped, and says nothing about the target."""
    result = _ended(_check(_takes_for_ever, limit_s=0.05))
    assert (result.outcome, result.reason) == (Outcome.INCONCLUSIVE, "did not end within 0.05 s")


def test_what_does_not_answer_in_time_is_no_mistake_of_ours() -> None:
    """A sink that cannot be read says nothing about the write."""

    async def waits(target: Target) -> None:
        """It asks something that is slow."""
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    result = _ended(_check(waits))
    assert (result.outcome, result.reason) == (Outcome.INCONCLUSIVE, "something did not answer in time")


def test_what_is_not_declared_is_skipped_with_the_reason() -> None:
    """The reason names the role or fact that the profile lacks."""
    assert _ended(_check(_wants_tokens)).reason == "`auth` is not configured"
    assert _ended(_check(_wants_search)).reason == "`sinks.search` is not configured"
    assert _ended(_check(_wants_search)).outcome is Outcome.SKIPPED


def test_a_declared_sink_that_does_not_answer_is_broken_and_names_its_address_without_the_password() -> None:
    """It is not skipped: it was declared; and it is not the target's fault."""
    search = {"search": {"url": "http://user:geheimnis@127.0.0.1:1", "index": "i"}}
    result = _ended(_check(_wants_search), {"sinks": search})
    assert result.outcome is Outcome.BROKEN
    assert "sinks.search at 127.0.0.1:1 does not answer" in result.reason
    assert "geheimnis" not in result.model_dump_json()


def test_a_sink_that_says_anything_gives_no_verdict() -> None:
    """Neither accuses it the target nor is it a mistake of ours, once it was opened."""

    async def looks(search: SearchIndex) -> None:
        """It looks for a document."""
        await search.document("1")

    async def run(answer: bytes) -> CheckResult:
        async with malformed_server(lambda asked: reply("200 OK") if asked.startswith(b"GET / ") else answer) as url:
            sinks = {"search": {"url": url, "index": "i"}}
            return await asyncio.to_thread(_ended, _check(looks), {"sinks": sinks})

    answers = (
        b"\x00\xff\r\n\r\n",
        reply("500 Oh"),
        reply("200 OK", b"[" * 9_999),
        reply("200 OK", b"{}", headers="content-encoding: br\r\n"),
    )
    for answer in answers:
        result = asyncio.run(run(answer))
        assert (result.outcome, result.traceback) == (Outcome.INCONCLUSIVE, ""), result.reason
        assert result.reason


def test_a_fault_that_cannot_be_healed_stops_the_checks_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that is seen afterwards can be blamed on the target. The guardian tries again when the run is over."""
    healed = tmp_path / "healed"
    heal = "import pathlib, sys; first = pathlib.Path('tried'); is_tried = first.exists(); first.touch()\n"
    heal += f"pathlib.Path({str(healed)!r}).touch() if is_tried else sys.exit('no way back')"
    fault = {"inject": [sys.executable, "-c", ""], "heal": [sys.executable, "-c", heal]}
    monkeypatch.chdir(tmp_path)
    later = _check(_accuses, disturbs=True)

    async def run() -> RunReport:
        async with malformed_server(lambda _: CREATED) as url:
            profile = profile_of(url, faults={"search_down": fault})
            checks = [_check(_wants_fault, disturbs=True), later]
            return await conformance(profile, checks, source="test", progress=QuietProgress())

    report = asyncio.run(run())
    first, second = report.results
    assert first.outcome is Outcome.BROKEN
    assert "no way back" in first.reason
    assert second.outcome is Outcome.SKIPPED
    assert "a fault could not be healed" in second.reason
    assert report.left_to_guardian == ("the fault search_down",)
    deadline = time.monotonic() + 30
    while not healed.exists():
        assert time.monotonic() < deadline
        wait_a_little()


def test_an_interrupted_run_heals_and_reports_what_it_found(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a fault: the fault is healed, ended checks are kept, the rest says interrupted."""
    injected, healed = tmp_path / "injected", tmp_path / "healed"
    touch = "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()"
    fault = {
        "inject": [sys.executable, "-c", touch, str(injected)],
        "heal": [sys.executable, "-c", touch, str(healed)],
    }

    async def holds(faults: Faults) -> None:
        """A fault is in for long."""
        async with faults.injected("search_down"):
            task.cancel()
            await asyncio.Event().wait()

    async def run() -> RunReport:
        nonlocal task
        async with malformed_server(lambda _: CREATED) as url:
            profile = profile_of(url, faults={"search_down": fault})
            checks = [_check(_accuses), _check(holds, disturbs=True), _check(_is_wrong, disturbs=True)]
            task = asyncio.create_task(conformance(profile, checks, source="test", progress=QuietProgress()))
            return await task

    task: asyncio.Task[RunReport]
    task = None  # type: ignore[assignment] # set when the loop runs
    report = asyncio.run(run())
    assert injected.exists()
    assert healed.exists()
    assert report.interrupted
    assert [result.outcome for result in report.results] == [Outcome.FAILED, Outcome.SKIPPED, Outcome.SKIPPED]
    assert report.results[1].reason == "interrupted"
    assert verdict_of(report) is Verdict.INTERRUPTED


def test_a_failure_inside_a_check_is_no_interruption() -> None:
    """A task group that failed leaves its task "cancelling" on Python 3.11 and 3.12, as a signal does."""

    async def fails_in_a_group(target: Target) -> None:
        """It waits for the group when a task of it fails."""

        async def fail() -> None:
            raise Expectation("a", "b")

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
        except* Expectation as failures:
            raise failures.exceptions[0] from None

    async def run() -> RunReport:
        async with malformed_server(lambda _: CREATED) as url:
            checks = [_check(fails_in_a_group, disturbs=True)]
            return await conformance(profile_of(url), checks, source="test", progress=QuietProgress())

    report = asyncio.run(run())
    assert not report.interrupted
    assert verdict_of(report) is Verdict.FAILED


def test_disturbing_checks_run_after_the_others_and_alone() -> None:
    """The order of the flow gives way to that; the report keeps it."""
    running: list[str] = []
    seen: list[tuple[str, int]] = []

    async def disturbing(target: Target) -> None:
        """Disturbs."""
        seen.append(("disturbing", len(running)))

    async def ordinary(target: Target) -> None:
        """Does not."""
        running.append("x")
        await target.create()
        running.pop()
        seen.append(("ordinary", len(running)))

    async def run() -> RunReport:
        async with malformed_server(lambda _: CREATED) as url:
            checks = [_check(disturbing, disturbs=True), _check(ordinary)]
            return await conformance(profile_of(url), checks, source="test", progress=QuietProgress())

    report = asyncio.run(run())
    assert seen == [("ordinary", 0), ("disturbing", 0)]
    assert [result.id for result in report.results] == ["response.disturbing", "response.ordinary"]


def test_a_lane_runs_in_turn_beside_those_that_do_not_use_what_it_breaks() -> None:
    """Of two that must be apart one waits, while a third goes on beside both."""
    seen: list[str] = []
    both, all_of_first = asyncio.Barrier(2), asyncio.Event()

    async def first_of_pool(target: Target) -> None:
        """Waits for the other lane."""
        await both.wait()
        await target.create()
        seen.append("first of pool")

    async def second_of_pool() -> None:
        """Comes after it."""
        seen.append("second of pool")

    async def of_stores() -> None:
        """Comes after the pool, while the search lane goes on."""
        seen.append("stores")

    async def of_search() -> None:
        """Waits for both."""
        await both.wait()
        await all_of_first.wait()
        seen.append("search")

    async def of_rate() -> None:
        """Comes after the stores, while the search lane goes on."""
        seen.append("rate")
        all_of_first.set()

    async def alone() -> None:
        """After all lanes."""
        seen.append("alone")

    async def run() -> RunReport:
        async with malformed_server(lambda _: CREATED) as url:
            checks = [
                _check(alone, disturbs=True),
                _check(of_rate, disturbs=Lane.RATE),
                _check(of_stores, disturbs=Lane.STORES),
                _check(first_of_pool, disturbs=Lane.POOL),
                _check(second_of_pool, disturbs=Lane.POOL),
                _check(of_search, disturbs=Lane.SEARCH, limit_s=10.0),
            ]
            return await conformance(profile_of(url), checks, source="test", progress=QuietProgress())

    report = asyncio.run(run())
    assert {result.outcome for result in report.results} == {Outcome.PASSED}
    assert seen == ["first of pool", "second of pool", "stores", "rate", "search", "alone"]


def test_what_waits_begins_before_what_only_sends_many_requests() -> None:
    """Except for the quick checks of the first steps; in each group the order of the flow is kept."""
    (first, *_) = phases(CHECKS)
    checks = [check for ((_, check),) in first]
    turns = [(check.step.number >= Step.VALIDATION.number, not check.waits) for check in checks]
    kept = [turn if turn[0] else (False, False) for turn in turns]
    assert kept == sorted(kept)
    assert {(True, False), (True, True), (False, False)} == set(kept)
    places = [CHECKS.index(check) for check, turn in zip(checks, kept, strict=True) if turn == (True, True)]
    assert places == sorted(places)


@pytest.mark.parametrize("lane", Lane)
def test_a_lane_never_runs_beside_itself_and_the_rate_beside_search_alone(lane: Lane) -> None:
    """Whatever pairs are added: two checks of one lane meet each other, and most faults excuse what a limiter does."""
    assert not lane.may_run_beside(lane)
    assert lane.may_run_beside(Lane.RATE) is (lane is Lane.SEARCH)
    assert all(lane.may_run_beside(other) == other.may_run_beside(lane) for other in Lane)


def test_no_token_reaches_the_report(auth: dict[str, str]) -> None:
    """Requests are recorded with $TOKEN, even where the target echoes what it was sent."""
    sent: list[str] = []

    def echo(request: bytes) -> bytes:
        sent.extend(line.split()[-1].decode() for line in request.split(b"\r\n") if b"Bearer eyJ" in line)
        return reply("418 Teapot", request)

    report = run_against(echo, auth, [declared for declared in CHECKS if declared.id == "response.create_is_201"])
    text = report.model_dump_json()
    assert sent
    assert jwt.get_unverified_header(sent[0])["alg"] == "EdDSA"
    assert not any(token in text for token in sent)
    assert "$TOKEN" in text


def test_created_resources_are_removed_when_asked(auth: dict[str, str]) -> None:
    """What cannot be removed is listed by its URL."""
    deleted: list[bytes] = []

    def habit(request: bytes) -> bytes:
        if request.startswith(b"DELETE"):
            deleted.append(request.split(b" ")[1])
            return reply("405 Method Not Allowed")
        return CREATED

    async def run() -> RunReport:
        async with malformed_server(habit) as url:
            profile = profile_of(url)
            target = profile.target.model_copy(update={"cleanup": True})
            profile = Profile.model_validate({**profile.model_dump(), "target": target.model_dump()})
            return await conformance(profile, [_check(_accuses)], source="test", progress=QuietProgress())

    report = asyncio.run(run())
    assert deleted == [b"/api/resources/1"]
    assert report.created == 1
    assert [url.rpartition("/api")[2] for url in report.left_behind] == ["/resources/1"]
