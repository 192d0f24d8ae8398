"""``createflow run`` as a user meets it: exit statuses, files, and what goes wrong before anything runs."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from createflow.cli.exit_code import ExitCode
from createflow.cli.run_command import exit_code
from createflow.schemas.report import Level, Outcome, Standing
from tests.scenarios.reports.conformance.made_report import known, report, result


def createflow(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "createflow", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.PASSED, ExitCode.OK),
        (Outcome.FAILED, ExitCode.FAILED),
        (Outcome.BROKEN, ExitCode.UNREACHABLE),
        (Outcome.INCONCLUSIVE, ExitCode.INCONCLUSIVE),
        (Outcome.SKIPPED, ExitCode.INCONCLUSIVE),
    ],
)
def test_the_verdict_is_the_exit_status(outcome: Outcome, code: ExitCode) -> None:
    """One status for each verdict."""
    assert exit_code(report(result("a", outcome))) is code
    assert exit_code(report(result("a", outcome), interrupted=True)) is ExitCode.INTERRUPTED


def test_a_baseline_that_is_no_longer_true_ends_6_unless_there_is_worse() -> None:
    """A broken promise, a broken tester and doubt go before."""
    stale = (known("a", Standing.STALE),)
    passed = result("a", Outcome.PASSED)
    assert exit_code(report(passed, baseline=stale)) is ExitCode.STALE_BASELINE
    for outcome, code in (
        (Outcome.FAILED, ExitCode.FAILED),
        (Outcome.BROKEN, ExitCode.UNREACHABLE),
        (Outcome.INCONCLUSIVE, ExitCode.INCONCLUSIVE),
    ):
        assert exit_code(report(passed, result("b", outcome), baseline=stale)) is code


def test_the_level_says_what_gates() -> None:
    """Advice counts when the level includes it."""
    advice = (result("a", Outcome.PASSED), result("b", Outcome.FAILED, level=Level.SHOULD))
    assert exit_code(report(*advice)) is ExitCode.OK
    assert exit_code(report(*advice, gate=Level.SHOULD)) is ExitCode.FAILED


def test_a_target_that_is_not_there_ends_3_and_is_named(tmp_path: Path) -> None:
    """Nobody listens on a port that was just given back."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    done = createflow("run", "--url", f"http://127.0.0.1:{port}", folder=tmp_path)
    assert done.returncode == ExitCode.UNREACHABLE
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "auth_chek"], "auth_check"),
        (["--report", "xml=r.xml"], "--report json=report.json"),
        (["--report", "json=no/such/folder/r.json"], "cannot be written"),
        (["--report", "json=."], "directory"),
        (["--report", "json=r", "--report", "html=r"], "named twice"),
        (["--skip", "auth_chek"], "auth_check"),
        (["--only", "auth_check", "--skip", "auth"], "every selected check is skipped"),
        (["--level", "often"], "often"),
        (["--profile", "missing.toml"], "missing.toml"),
        (["--url", "ftp://x"], "http"),
        (["--nonsense"], "--nonsense"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_invalid_command_line_ends_2_before_anything_runs(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    """The message names the mistake. There is no traceback, and no stack is started."""
    done = createflow("run", *arguments, folder=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_broken_profile_of_the_folder_ends_2_with_all_its_mistakes(tmp_path: Path) -> None:
    """The bundled stack is no way around it."""
    (tmp_path / "createflow.toml").write_text('[target]\nbase_url = "x"\npathh = "/"\n')
    done = createflow("run", folder=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert "createflow.toml:2" in done.stderr
    assert "did you mean path?" in done.stderr


@pytest.mark.stack
def test_a_run_against_a_stack_saves_its_report_and_shows_it_again(stack: object, tmp_path: Path) -> None:
    """Through the real command: progress on stderr, result on stdout, the file whole, `report` the same again."""
    file = tmp_path / "r.json"
    profile = str(stack.profile_file)  # type: ignore[attr-defined] # the session's stack
    # Without the flood of one check, which a busy machine may not bring about.
    chosen = ("--only", "response", "--skip", "response.six_refusals")
    done = createflow("run", "--profile", profile, *chosen, "--report", f"json={file}", folder=tmp_path)
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    assert "passed       response.create_is_201" in done.stderr
    assert done.stdout.splitlines()[-1].startswith("HOLDS: every required check that ran passed")
    saved = json.loads(file.read_text())
    not_passed = {entry["id"]: entry["outcome"] for entry in saved["results"] if entry["outcome"] != "passed"}
    assert not_passed == {}
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
    again = createflow("report", str(file), folder=tmp_path)
    assert (again.returncode, again.stdout) == (0, done.stdout)
