"""No secret of a profile is in anything that a run writes, even when the target repeats all it was told and more."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from createflow.cli.app import app
from createflow.cli.exit_code import ExitCode
from createflow.scenarios.reports.conformance.renderers import RENDERERS
from tests.e2e.malformed_run import Ended, run_against
from tests.scenarios.malformed_server import Habit, reply

TOKENS = {
    "WRITER": "writer-token-Zk3&<x>\"y'/+==",
    "OTHER": "other-token-9f8e7d",
    "READER": "reader-token-1a2b3c",
    "EXPIRED": "expired-token-4d5e6f",
}
ELSEWHERE = {
    "PRIMARY_PASSWORD": "primary-pass-77",
    "REPLICA_PASSWORD": "replica-pass-88",
    "AUDIT_PASSWORD": "audit-pass-99",
    "CACHE_PASSWORD": "cache-pass-11",
    "EVENTS_PASSWORD": "events-pass-22",
    "SEARCH_PASSWORD": "search-pass-33",
    "API_KEY": "header-key-44-abc",
}
SECRETS = TOKENS | ELSEWHERE
PROFILE = """\
[target]
base_url = "{url}"
timeout_s = 2
headers = { X-Api-Key = "${API_KEY}" }
[auth]
kind = "static"
writer_env = "WRITER"
other_writer_env = "OTHER"
reader_env = "READER"
expired_env = "EXPIRED"
[sinks.primary]
dsn = "postgresql://user:${PRIMARY_PASSWORD}@127.0.0.1:1/db"
by_id = "select 1"
[[sinks.replicas]]
name = "one"
dsn = "host=127.0.0.1 port=1 user=u password=${REPLICA_PASSWORD}"
[sinks.audit]
dsn = "postgresql://user:${AUDIT_PASSWORD}@127.0.0.1:1/db"
by_id = "select 1"
[sinks.cache]
url = "redis://:${CACHE_PASSWORD}@127.0.0.1:1/0"
key = "r:{id}"
[sinks.events]
url = "nats://user:${EVENTS_PASSWORD}@127.0.0.1:1"
stream = "s"
subject = "x"
[sinks.search]
url = "http://user:${SEARCH_PASSWORD}@127.0.0.1:1"
index = "i"
[deadlines]
recovery_s = 0.5
"""
_TOLD = " ".join(SECRETS.values()).replace("\\", "\\\\").replace('"', '\\"')


def telling_all() -> Habit:
    """Repeats the request in the reply, and every other secret too.

    It errs at the first create. So the sinks, which do not answer either, are left to the checks.
    """
    before = iter([reply("500 Internal Server Error", b'{"told": "' + _TOLD.encode() + b'"}')])
    return lambda request: next(before, _all(request)) if request.startswith(b"POST") else _all(request)


def _all(request: bytes) -> bytes:
    headers = f"location: /api/resources/{SECRETS['OTHER']}\r\nx-debug: {SECRETS['PRIMARY_PASSWORD']}\r\n"
    body = b'{"told": "' + _TOLD.encode() + b'"}\n' + request
    return reply("200 OK", body, headers=headers)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """One failing run with every format, as in GitHub Actions."""
    folder = tmp_path_factory.mktemp("told")
    options = [part for form in RENDERERS for part in ("--report", f"{form}=report.{form}")]
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "summary.md"), **SECRETS}
    return folder, run_against(telling_all(), PROFILE, folder, *options, **environment)


def test_no_secret_is_in_any_artefact(told: tuple[Path, Ended]) -> None:
    """Every file of the run, its two streams and every format made of the saved report; escaped or not."""
    folder, ended = told
    assert ended.code == ExitCode.FAILED, ended.out + ended.err
    artefacts = {"stdout": ended.out, "stderr": ended.err}
    artefacts |= {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.suffix != ".toml"}
    assert set(artefacts) == {"stdout", "stderr", "summary.md", *(f"report.{form}" for form in RENDERERS)}
    assert all(len(text) > 1000 for text in artefacts.values())
    # Parts of the first have characters that a format escapes: what stands before and after them is searched for.
    words = {*SECRETS.values(), "writer-token-Zk3"}
    found = [(name, word) for name, text in artefacts.items() for word in words if word in text]
    assert found == []


def test_no_secret_is_in_what_stops_a_run(tmp_path: Path) -> None:
    """A refused create quotes the target, and a sink that does not answer has an address."""
    created = reply("201 Created", b'{"id": "1"}', headers="location: /api/resources/1\r\n")
    for habit in (lambda request: _all(request).replace(b"200 OK", b"401 Unauthorized"), lambda _: created):
        ended = run_against(habit, PROFILE, tmp_path, **SECRETS)
        assert ended.code == ExitCode.UNREACHABLE
        assert not [word for word in {*SECRETS.values(), "writer-token-Zk3"} if word in ended.out + ended.err]


def test_what_takes_the_place_of_a_token_is_a_variable(told: tuple[Path, Ended]) -> None:
    """So that the curl line works."""
    folder, _ = told
    text = (folder / "report.text").read_text(encoding="utf-8")
    assert '-H "authorization: Bearer $TOKEN"' in text
    assert "$X_API_KEY" in text


def test_a_report_made_later_is_as_clean(told: tuple[Path, Ended]) -> None:
    """It is made of what was saved."""
    folder, _ = told
    done = CliRunner().invoke(app, ["report", str(folder / "report.json")])
    assert done.exit_code == 0
    assert not [word for word in SECRETS.values() if word in done.output]
