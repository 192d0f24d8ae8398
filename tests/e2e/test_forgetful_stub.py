"""A stub with five faults fails with exactly those findings; its report is saved, replayed and put into a baseline."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from createflow.cli.exit_code import ExitCode
from createflow.scenarios.reports.conformance import as_html, as_junit, as_sarif
from createflow.scenarios.reports.saved import read_conformance_report
from createflow.schemas.report import Level, Outcome, RunReport
from tests.up_stack import wait_a_little

STUB = Path(__file__).with_name("forgetful_stub.py")
SERVED = (sys.executable, "-m", "uvicorn", f"{STUB.stem}:app", "--app-dir", str(STUB.parent), "--http", "h11")
HEADERS = ("cache-control:no-store", "x-content-type-options:nosniff", "connection:close")
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 80, "pattern": r"^[^\x00]*[^\s\x00][^\x00]*$"}
    },
    "required": ["name"],
    "additionalProperties": False,
    "examples": [{"name": "x"}],
}
PROFILE = """\
[target]
base_url = "http://127.0.0.1:{port}"
schema_file = "schema.json"
fields.created_at = ""
errors.media_type = "application/json"
[auth]
kind = "jwt"
type = "JWT"
key_file = "key.pem"
issuer = "i"
audience = "a"
[limits]
rate_per_s = 30
burst = 20
"""

pytestmark = pytest.mark.xdist_group("forgetful_stub")

FINDINGS = {
    "response.create_is_201": "200 for 201",
    "response.location_is_given": "forgets Location",
    "auth_check.alg_none_is_401": "accepts alg none",
    "response.errors_show_no_internals": "leaks a stack trace",
    "rate_limit.excess_is_429": "ignores the rate limit",
}
ADVISED = {"response.create_is_201", "response.errors_show_no_internals"}
"""The profile has a schema of its own, and no standard forbids these: RFC 9110 §9.3.3 is a SHOULD."""
CONSEQUENCES = {
    "rate_limit.retry_after_is_given": "no limit: there is no 429 that could say when to come back",
    "rate_limit.claimed_address_evades_nothing": "no limit: there is none that an address could evade",
    "rate_limit.other_subject_is_not_refused": "no limit: there is no excess to be kept from others",
    "rate_limit.refusals_of_a_flood_are_429": "no limit: nothing of a flood is refused",
    "rate_limit.no_window_takes_more": "no limit: no window has one",
    "response.six_refusals_are_told_apart": "no limit: there is no 429 to be told from the others",
}


@dataclass(frozen=True, slots=True)
class Stub:
    """A stub that runs, and the folder with its profile."""

    folder: Path
    report: RunReport
    code: int

    def createflow(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command, in the folder."""
        return _createflow(self.folder, *arguments)


def _createflow(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "createflow", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stub]:
    """Started once, and tested once as a whole."""
    folder = tmp_path_factory.mktemp("stub")
    key = Ed25519PrivateKey.generate()
    pem, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no_password))
    (folder / "public.pem").write_bytes(
        key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    (folder / "createflow.toml").write_text(PROFILE.format(port=port))
    with (folder / "log.txt").open("wb") as log:
        said = [word for header in HEADERS for word in ("--header", header)]
        command = [*SERVED, "--no-server-header", "--port", str(port), *said]
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        _wait_for(port)
        done = _createflow(folder, "run", "--report", "json=report.json")
        yield Stub(folder, read_conformance_report(folder / "report.json"), done.returncode)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        wait_a_little()
    pytest.fail("the stub did not start")


def _of(stub: Stub, outcome: Outcome, *levels: Level) -> set[str]:
    return {result.id for result in stub.report.results if result.outcome is outcome and result.level in levels}


def test_it_fails_with_exactly_its_faults(stub: Stub) -> None:
    """Nothing that is required fails without being one of the five; what is advised may follow from one."""
    assert stub.code == ExitCode.FAILED
    assert _of(stub, Outcome.FAILED, Level.MUST) == set(FINDINGS) - ADVISED
    assert ADVISED <= _of(stub, Outcome.FAILED, Level.SHOULD, Level.MAY) <= ADVISED | set(CONSEQUENCES)
    assert {result.id for result in stub.report.results if result.outcome is Outcome.BROKEN} == set()


def test_what_needs_the_location_is_not_passed(stub: Stub) -> None:
    """Nothing was read at a Location that is not there."""
    unclear = _of(stub, Outcome.INCONCLUSIVE, *Level)
    assert "response.location_answers_the_same" in unclear
    unclear -= set(CONSEQUENCES)  # on a busy machine the excess may not come about
    assert all(check_id.startswith("response.location") for check_id in unclear)


def test_every_failure_shows_what_it_takes_to_see_it(stub: Stub) -> None:
    """Promise, expectation, what was seen, the source, a curl line and a replay id."""
    for result in stub.report.results:
        if result.outcome is Outcome.FAILED:
            finding = result.finding
            assert finding
            assert all((finding.promised, finding.expected, finding.seen, finding.source, finding.curl))
            assert len(finding.replay_id) == 8


def test_the_formats_hold_every_finding(stub: Stub) -> None:
    """Each renders the real thing."""
    for render in (as_junit.render, as_sarif.render, as_html.render):
        text = render(stub.report)
        assert all(check_id in text for check_id in FINDINGS)


def test_a_replay_sees_the_same_finding_again(stub: Stub) -> None:
    """By replay id, with the same exit status as long as it fails."""
    name = next(
        result.finding.replay_id
        for result in stub.report.results
        if result.finding and result.id == "response.create_is_201"
    )
    done = stub.createflow("replay", "report.json", "--id", name, "--report", "json=again.json")
    assert done.returncode == ExitCode.FAILED, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "FAILED  response.create_is_201"
    assert any(line.startswith("  seen:         200 with") for line in lines)
    assert read_conformance_report(stub.folder / "again.json").seed == stub.report.seed


def test_a_replay_of_all_says_what_is_fixed_and_what_changed(stub: Stub) -> None:
    """A finding that the report has of a check that passes now, and one that was another."""
    document = json.loads((stub.folder / "report.json").read_text())
    for result in document["results"]:
        if result["id"] == "response.location_is_given":
            result["finding"]["replay_id"] = "00000000"
        elif result["id"] == "auth_check.missing_token_is_401":
            result["outcome"] = "failed"
        elif result["id"] != "response.create_is_201":
            result["outcome"] = "passed"
    (stub.folder / "edited.json").write_text(json.dumps(document))
    done = stub.createflow("replay", "edited.json")
    said = dict(reversed(line.split()) for line in done.stdout.splitlines() if not line.startswith(" "))
    assert said == {
        "auth_check.missing_token_is_401": "FIXED",
        "response.create_is_201": "FAILED",
        "response.location_is_given": "CHANGED",
    }
    assert done.returncode == ExitCode.FAILED
    fixed = stub.createflow("replay", "edited.json", "--id", "auth_check.missing_token_is_401")
    assert (fixed.returncode, fixed.stdout) == (ExitCode.OK, "FIXED   auth_check.missing_token_is_401\n")


@pytest.mark.parametrize(
    ("entries", "code", "words"),
    [
        (
            {"response.location_is_given": "2999-01-01"},
            ExitCode.OK,
            "tolerated until 2999-01-01: response.location_is_given",
        ),
        (
            {"response.location_is_given": "2999-01-01", "response.body_has_the_fields": "2999-01-01"},
            ExitCode.STALE_BASELINE,
            "stale baseline entry: response.body_has_the_fields passes now",
        ),
        (
            {"response.location_is_given": "2020-01-01"},
            ExitCode.STALE_BASELINE,
            "expired baseline entry: response.location_is_given was tolerated until 2020-01-01",
        ),
        ({}, ExitCode.FAILED, "FAILED response.location_is_given"),
        ({"response.locatoin_is_given": "2999-01-01"}, ExitCode.USAGE, "did you mean response.location_is_given"),
    ],
    ids=["listed", "stale", "expired", "unlisted", "unknown"],
)
def test_the_baseline_gates(stub: Stub, entries: dict[str, str], code: ExitCode, words: str) -> None:
    """Each case has its exit status and its own words."""
    tables = [f'[[baseline]]\nid = "{name}"\nreason = "r"\nexpires = {day}\n' for name, day in entries.items()]
    file = stub.folder / "baseline.toml"
    file.write_text((stub.folder / "createflow.toml").read_text() + "".join(tables))
    only = ("--only", "response.location_is_given", "--only", "response.body_has_the_fields")
    done = stub.createflow("run", "--profile", str(file), *only)
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stdout + done.stderr


def test_advice_gates_when_asked(stub: Stub) -> None:
    """The same run, judged by more."""
    only = ("run", "--only", "response.create_is_201", "--only", "response.body_has_the_fields")
    assert stub.createflow(*only).returncode == ExitCode.OK
    assert stub.createflow(*only, "--level", "should").returncode == ExitCode.FAILED
    assert stub.createflow(*only, "--level", "should", "--skip", "response.create_is_201").returncode == ExitCode.OK
