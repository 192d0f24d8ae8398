"""Targets that nobody should trust end with the right status, in time, and never green."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from createflow.cli.exit_code import ExitCode
from tests.e2e.malformed_run import Ended, run_against
from tests.scenarios.malformed_server import Habit, reply

PROFILE = """\
[target]
base_url = "{url}"
timeout_s = 0.5
[auth]
kind = "jwt"
key_file = "key.pem"
issuer = "i"
audience = "a"
[deadlines]
recovery_s = 0.5
"""
CREATED = reply("201 Created", b'{"id": "1", "name": "x"}', headers="location: /api/resources/1\r\n")
UNAUTHORIZED = reply("401 Unauthorized", headers="www-authenticate: Bearer\r\n")
HALF = reply("201 Created", b"x" * 100)[:-60]
KNOCKED = reply("200 OK")
NOT_DECLARED = {"response.deleted_is_not_found", "response.replies_fit_the_openapi_document"}
"""Checks of what the profile does not declare: they are skipped whatever the target does."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With an issuer's key in it."""
    key = Ed25519PrivateKey.generate()
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return tmp_path


@pytest.mark.parametrize(
    ("habit", "words"),
    [
        (lambda _: None, "no complete reply within 0.5 s"),
        (lambda _: b"\x00\x01 this is not HTTP \xff\r\n\r\n", "127.0.0.1"),
        (lambda _: HALF, "127.0.0.1"),
    ],
    ids=["hangs", "sends garbage", "closes half-way"],
)
def test_what_does_not_speak_http_is_unreachable(folder: Path, habit: Habit, words: str) -> None:
    """Told in words, within seconds."""
    ended = run_against(habit, PROFILE, folder, closes=True)
    assert ended.code == ExitCode.UNREACHABLE, ended.out + ended.err
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert ended.elapsed_s < 15


def _run_on_creates(folder: Path, answer: bytes | None) -> tuple[Ended, dict[str, str]]:
    ended = run_against(
        lambda request: KNOCKED if request.startswith(b"GET") else answer,
        PROFILE,
        folder,
        *("--report", "json=r.json", "--only", "response", "--only", "auth_check.missing_token_is_401"),
        closes=True,
    )
    results = json.loads((folder / "r.json").read_text())["results"]
    return ended, {result["id"]: result["outcome"] for result in results}


def test_a_target_that_never_answers_a_create_is_not_passed(folder: Path) -> None:
    """It answers the first request, and then no create: no promise can be tested."""
    ended, outcomes = _run_on_creates(folder, None)
    assert ended.code == ExitCode.INCONCLUSIVE, ended.out + ended.err
    assert {check for check, outcome in outcomes.items() if outcome != "inconclusive"} == NOT_DECLARED
    assert "no complete reply within 0.5 s" in ended.out


def test_replies_that_break_off_are_one_finding(folder: Path) -> None:
    """They are the target's fault; the checks that met one are skipped and name the one that fails."""
    ended, outcomes = _run_on_creates(folder, HALF)
    assert ended.code == ExitCode.FAILED, ended.out + ended.err
    assert [check for check, outcome in outcomes.items() if outcome != "skipped"] == ["response.create_is_201"]
    assert "see response.create_is_201" in ended.out


def test_what_refuses_every_credential_is_one_cause(folder: Path) -> None:
    """Nobody can tell a wrong token from a target that refuses a right one: it is no accusation."""
    ended = run_against(lambda _: UNAUTHORIZED, PROFILE, folder, "--report", "json=r.json")
    assert ended.code == ExitCode.UNREACHABLE, ended.out + ended.err
    assert "the writer's credential is not taken: the first create was answered 401" in ended.err
    assert not ended.out


def test_what_always_says_201_fails(folder: Path) -> None:
    """A broken promise, proved: whatever else cannot be told."""
    ended = run_against(lambda _: CREATED, PROFILE, folder)
    assert ended.code == ExitCode.FAILED, ended.out + ended.err
    assert ended.out.splitlines()[-1].startswith("FAILED: a required check failed")
    assert ended.elapsed_s < 45
