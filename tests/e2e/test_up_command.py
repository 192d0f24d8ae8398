"""``createflow up`` as a user runs it: from another terminal, with every way to end it."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.up_stack import START_LIMIT_S, UpCommand, start_up_command, stop_up_command, wait_a_little

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("up")]

GONE_WITHIN_S = 2.0


def createflow(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "createflow", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=START_LIMIT_S,
        env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1", **environment},
    )


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpCommand]:
    """A stack with one service more, so that kinds can be message from names."""
    directory = tmp_path_factory.mktemp("up")
    up = start_up_command(directory, "--services", "2", "--replicas", "1", umask=0)
    yield up
    assert stop_up_command(up) == 0


def living_in(directory: Path) -> list[str]:
    """Processes whose working directory lies in ``directory``, or in a place that it links to."""
    places = [directory.resolve(), *(path.resolve() for path in directory.glob("run/*"))]
    found = []
    for process in psutil.process_iter():
        try:  # each may end at any moment
            cwd = Path(process.cwd())
            if any(cwd.is_relative_to(place) for place in places) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found


def assert_gone(directory: Path) -> None:
    """Within two seconds nothing of the stack lives any more, and nothing lies outside its directory."""
    deadline = time.monotonic() + GONE_WITHIN_S
    while (alive := living_in(directory)) and time.monotonic() < deadline:
        wait_a_little()
    assert alive == []
    while (links := [path for path in directory.glob("run/*") if path.is_symlink() and path.exists()]) and (
        time.monotonic() < deadline
    ):
        wait_a_little()
    assert links == []


def test_the_table_names_every_component_with_its_address(up: UpCommand) -> None:
    """And the line that comes next is how to test it."""
    text = up.output.read_text()
    for name in ("haproxy", "gateway-1", "service-2", "worker-1", "postgres-primary", "postgres-replica-1"):
        line = next(line for line in text.splitlines() if line.startswith(name))
        assert "ready" in line
        assert "127.0.0.1:" in line or "localhost:" in line
    assert f"createflow run --profile {up.profile_file}" in text
    assert "PgBouncer" in text


def test_what_is_secret_is_private(up: UpCommand) -> None:
    """The profile holds passwords, and so do settings and keys."""
    private = [up.profile_file, up.state / "keys" / "issuer.pem", *up.state.glob("run/*/settings.json")]
    assert len(private) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_every_file_with_a_secret_is_private_whatever_the_umask(up: UpCommand) -> None:
    """Configurations and logs of the engines too. The stack was started with a umask that takes nothing away."""
    known = [up.profile_file, *up.state.glob("run/*/settings.json")]
    passwords = [found for path in known for found in re.findall(r"://[^/:@\s]*:([^@\s]+)@", path.read_text())]
    secrets = {*passwords, (up.state / "keys" / "issuer.pem").read_text().splitlines()[1]}
    assert len(secrets) > 4
    holding = []
    for folder in (up.state, *(path.resolve() for path in up.state.glob("run/*") if path.is_symlink())):
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 1 << 20:
                content = path.read_bytes()
                holding += [path] if any(secret.encode() in content for secret in secrets) else []
    assert len(holding) > 6
    assert {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in holding if path.stat().st_mode & 0o077} == {}


def test_a_component_is_paused_and_resumed_from_another_terminal(up: UpCommand) -> None:
    """And the table says so in between."""
    assert "paused" in createflow("stack", "pause", "valkey", "--state", str(up.state)).stdout
    assert "paused" in createflow("stack", "status", "--state", str(up.state)).stdout
    assert "ready" in createflow("stack", "resume", "valkey", "--state", str(up.state)).stdout


def test_a_kind_is_all_of_its_components(up: UpCommand) -> None:
    """``service`` is ``service-1`` and ``service-2``."""
    killed = createflow("stack", "kill", "service", "--state", str(up.state)).stdout
    assert killed.count("killed") == 2
    assert createflow("stack", "start", "service", "--state", str(up.state)).stdout.count("ready") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stack", "pause", "redis"], "no component 'redis'"),
        (["stack", "start", "valkey"], "running already"),
        (["stack", "inject", "gremlins"], "no seeded defect 'gremlins'"),
        (["stack", "pause"], "pause needs a component"),
        (["up"], "another createflow up uses the state directory"),
    ],
)
def test_a_mistake_is_an_error_message(up: UpCommand, arguments: list[str], message: str) -> None:
    """Exit status 2, no traceback."""
    ended = createflow(*arguments, "--state", str(up.state))
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_component_that_dies_is_named_with_the_end_of_its_log(up: UpCommand) -> None:
    """On the terminal where the stack runs; and it is started again."""
    pid = next(
        int(line.split()[3])
        for line in createflow("stack", "status", "--state", str(up.state)).stdout.splitlines()
        if line.startswith("worker-1")
    )
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + GONE_WITHIN_S
    while "worker-1 ended with signal SIGKILL" not in up.output.read_text():
        assert time.monotonic() < deadline, up.output.read_text()
        wait_a_little()

    def status() -> str:
        return createflow("stack", "status", "--state", str(up.state)).stdout

    deadline = time.monotonic() + 60
    while not re.search(r"(?m)^worker-1 .*\bready\b", status()):
        assert time.monotonic() < deadline, status()
        wait_a_little()
    assert str(pid) not in status()


def test_a_missing_stack_is_an_error_message(tmp_path: Path) -> None:
    """With the command that starts one."""
    ended = createflow("stack", "status", "--state", str(tmp_path))
    assert ended.returncode == 2
    assert "no stack is running" in ended.stderr
    assert "createflow up" in ended.stderr


def test_seeded_defects_are_told_and_found(tmp_path: Path) -> None:
    """Each by the check that knows it; the rest of the step still holds."""
    tmp_path.chmod(0o711)
    up = start_up_command(tmp_path, "--defect", "event_lost", "--defect", "audit_anonymous", "--replicas", "0")
    try:
        text = up.output.read_text()
        assert "seeded defect event_lost: A create publishes no event." in text
        assert "seeded defect audit_anonymous: The audit entry has no actor." in text
        profile = str(up.profile_file)
        run = createflow("run", "--profile", profile, "--only", "publish_event.every", "--only", "audit_log.entry")
        assert run.returncode == 1, run.stdout + run.stderr
        assert "FAILED publish_event.every_create_has_an_event" in run.stdout
        assert "FAILED audit_log.entry_says_who_what_when" in run.stdout
    finally:
        assert stop_up_command(up) == 0


def test_an_unknown_defect_is_an_error_message_with_near_names(tmp_path: Path) -> None:
    """Before anything starts."""
    run = createflow("up", "--state", str(tmp_path / "state"), "--defect", "event_lots")
    assert run.returncode == 2
    assert "there is no seeded defect 'event_lots'" in run.stderr
    assert "did you mean event_lost" in run.stderr
    assert not (tmp_path / "state").exists()


def test_a_shell_completes_the_names_of_defects() -> None:
    """With what each of them breaks."""
    command = Path(sys.executable).with_name("createflow")
    wish = {"_CREATEFLOW_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "createflow up --defect event_l"}
    run = subprocess.run([command], capture_output=True, text=True, check=False, timeout=90, env={**os.environ, **wish})
    assert "event_lost" in run.stdout
    assert "event_twice" not in run.stdout


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """Before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        ended = createflow("up", "--port", port, "--state", str(tmp_path / "state"))
    assert ended.returncode == 2
    assert f"port {port}" in ended.stderr


def test_an_engine_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the variable that names another one."""
    ended = createflow("up", "--state", str(tmp_path / "state"), CREATEFLOW_VALKEY_SERVER="/no/such/valkey")
    assert ended.returncode == 2
    assert "CREATEFLOW_VALKEY_SERVER names /no/such/valkey" in ended.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_nothing_is_left(tmp_path: Path, how: signal.Signals) -> None:
    """Not even what was paused, and not even when the state lies where PostgreSQL's user cannot go."""
    tmp_path.chmod(0o700)
    up = start_up_command(tmp_path, "--replicas", "1")
    assert len(living_in(up.state)) > 8
    createflow("stack", "pause", "postgres-primary", "--state", str(up.state))
    up.process.send_signal(how)
    up.process.wait(timeout=90)
    assert_gone(up.state)


def test_a_second_start_in_the_same_place_begins_anew(tmp_path: Path) -> None:
    """Also after an end that could not tidy up."""
    for _ in range(2):
        up = start_up_command(tmp_path, "--replicas", "0", "--no-pgbouncer")
        assert "left out as requested" in up.output.read_text() or "not installed" in up.output.read_text()
        up.process.kill()
        up.process.wait(timeout=60)
        assert_gone(up.state)
