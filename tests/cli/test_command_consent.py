"""The commands of a profile run only when createflow wrote it, or when somebody consented."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from createflow.cli import command_consent
from createflow.cli.exit_code import ExitCode
from createflow.schemas import profile_file
from createflow.schemas.error import UserError

SINKS = """
[sinks.primary]
kind = "command"
command = ["one"]
run_command = ["two", "{prefix}"]
fields = { name = "/title" }
[[sinks.replicas]]
name = "copy"
command = ["three"]
[sinks.audit]
kind = "events"
[sinks.audit.stream]
kind = "command"
command = ["four"]
type = "/type"
created_types = ["created"]
"""
COMMANDS = {"faults.database_down.inject": ("./stop", "now"), "auth.writer": ("print-token",)}


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile of a target that is not there, with commands that leave a mark; and a home of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    mark = json.dumps([sys.executable, "-c", f"open({str(tmp_path / 'ran')!r}, 'w'); print('token')"])
    file = tmp_path / "createflow.toml"
    file.write_text(
        '[target]\nbase_url = "http://127.0.0.1:1"\n'
        f'[auth]\nkind = "command"\nwriter = {mark}\n'
        f"[faults.database_down]\ninject = {mark}\nheal = {mark}\n"
    )
    return file


def createflow(profile: Path, *arguments: str, stdin: int = subprocess.DEVNULL, stderr: int = subprocess.PIPE) -> int:
    """The exit status of the command in a process of its own."""
    command = [sys.executable, "-m", "createflow", *arguments]
    return subprocess.run(command, cwd=profile.parent, stdin=stdin, stderr=stderr, timeout=60, check=False).returncode


def on_a_terminal(profile: Path, answer: bytes, *arguments: str) -> tuple[int, str]:
    """The exit status of the command on a terminal where somebody types, and what stands there."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer)
        status = createflow(profile, *arguments, stdin=theirs, stderr=theirs)
        return status, os.read(ours, 65_536).decode()
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    "arguments", [["run"], ["bench", "--rate", "1", "--duration", "1s"]], ids=lambda words: words[0]
)
def test_without_a_terminal_nothing_runs_unless_it_is_allowed(profile: Path, arguments: list[str]) -> None:
    """Status 2; with the flag the target is tried, which is not there."""
    assert createflow(profile, *arguments) == ExitCode.USAGE
    assert not (profile.parent / "ran").exists()
    assert createflow(profile, *arguments, "--allow-commands") == ExitCode.UNREACHABLE
    assert createflow(profile, *arguments) == ExitCode.USAGE, "the flag is for one call"


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"\x04", b"yes please\n"])
def test_on_a_terminal_any_answer_but_yes_refuses(profile: Path, answer: bytes) -> None:
    """Also the end of the input."""
    status, shown = on_a_terminal(profile, answer, "run")
    assert status == ExitCode.USAGE
    assert "faults.database_down.heal" in shown
    assert "its commands were not confirmed" in shown
    assert not (profile.parent / "ran").exists()


def test_ctrl_c_at_the_question_is_an_interruption(profile: Path) -> None:
    """And not a verdict on the target."""
    script = (
        "import signal, sys; from createflow.cli import app, command_consent as consent;"
        "app.protect_standard_streams = lambda: None;"
        "sys.stdin.isatty = sys.stderr.isatty = lambda: True;"
        "consent.is_confirmed = lambda _: signal.raise_signal(signal.SIGINT);"
        "sys.argv = ['createflow', 'run']; app.main()"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=profile.parent, stdin=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == ExitCode.INTERRUPTED


def test_a_confirmation_is_kept_until_the_commands_change(profile: Path) -> None:
    """It is asked for once; the file that keeps it is its owner's only."""
    assert on_a_terminal(profile, b"y\n", "run")[0] == ExitCode.UNREACHABLE
    assert createflow(profile, "run") == ExitCode.UNREACHABLE
    (kept,) = (path for path in (profile.parent / "state" / "createflow").iterdir() if path.is_file())
    assert kept.stat().st_mode & 0o777 == 0o600
    profile.write_text(profile.read_text().replace("print('token')", "print('other')"))
    assert createflow(profile, "run") == ExitCode.USAGE


def test_a_load_asks_only_for_what_it_runs(profile: Path) -> None:
    """Faults are not injected under load."""
    text = profile.read_text()
    profile.write_text(text[: text.index("[auth]")] + text[text.index("[faults") :])
    assert createflow(profile, "bench", "--rate", "1", "--duration", "1s") == ExitCode.UNREACHABLE
    assert createflow(profile, "run") == ExitCode.USAGE


def test_the_same_commands_in_another_file_are_not_confirmed(profile: Path) -> None:
    """A relative path in a command means something else there."""
    command_consent.remember_consent(profile, COMMANDS)
    command_consent.require_consent(profile, COMMANDS, is_allowed=False)
    with pytest.raises(UserError, match=r"faults\.database_down\.inject, auth\.writer"):
        command_consent.require_consent(profile.with_name("other.toml"), COMMANDS, is_allowed=False)


@pytest.mark.parametrize("how", ["writable by others", "a link", "a folder"])
def test_a_list_that_others_could_have_written_counts_for_nothing(profile: Path, how: str) -> None:
    """The question is asked again."""
    command_consent.remember_consent(profile, COMMANDS)
    (kept,) = (path for path in (profile.parent / "state" / "createflow").iterdir() if path.is_file())
    if how == "writable by others":
        kept.chmod(0o622)
    else:
        moved = kept.rename(profile.with_name("moved"))
        if how == "a link":
            kept.symlink_to(moved)
        else:
            kept.mkdir()
    with pytest.raises(UserError, match="nobody has confirmed"):
        command_consent.require_consent(profile, COMMANDS, is_allowed=False)


def test_where_nothing_can_be_kept_a_consent_is_for_once(profile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No error: the run goes on."""
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/1")
    command_consent.remember_consent(profile, COMMANDS)
    with pytest.raises(UserError):
        command_consent.require_consent(profile, COMMANDS, is_allowed=False)


def test_the_list_of_confirmations_stays_small(profile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go first."""
    monkeypatch.setattr(command_consent, "_MOST_KEPT", 3)
    for number in range(5):
        command_consent.remember_consent(profile, {"auth.writer": (str(number),)})
    command_consent.require_consent(profile, {"auth.writer": ("4",)}, is_allowed=False)
    with pytest.raises(UserError):
        command_consent.require_consent(profile, {"auth.writer": ("1",)}, is_allowed=False)


def test_a_command_cannot_disguise_itself(
    profile: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever would move the cursor or turn the direction is shown as its escape."""
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr(command_consent, "is_confirmed", lambda _: True)
    command_consent.require_consent(profile, {"auth.writer": ("rm\x1b[2K\r", "\u202e\n")}, is_allowed=False)
    shown = capsys.readouterr().err
    assert "rm\\x1b[2K\\r" in shown
    assert "\\u202e\\n" in shown


def test_the_commands_of_sinks_need_consent_as_well(profile: Path) -> None:
    """Wherever one stands; other lists are none."""
    profile.write_text(profile.read_text() + SINKS)
    commands = profile_file.read(profile).commands("sinks")
    assert commands == {
        "sinks.primary.command": ("one",),
        "sinks.primary.run_command": ("two", "{prefix}"),
        "sinks.replicas.0.command": ("three",),
        "sinks.audit.stream.command": ("four",),
    }
