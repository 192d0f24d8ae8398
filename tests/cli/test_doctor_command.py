"""``createflow doctor`` does what a command with a target does: it asks, cleans up, and ends when it is told to."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from createflow.cli.exit_code import ExitCode
from tests.e2e.malformed_run import run_against
from tests.scenarios.malformed_server import malformed_server, reply

PROFILE = '[target]\nbase_url = "{url}"\ntimeout_s = 30\ncleanup = true\n'
CREATED = reply("201 Created", b'{"id": "1", "name": "x"}', headers="location: /api/resources/1\r\n")
READ = CREATED.replace(b"201 Created", b"200 OK")


def test_commands_of_sinks_need_consent(tmp_path: Path) -> None:
    """Doctor looks into the sinks, so it would run them."""
    ran = tmp_path / "ran"
    section = f'[sinks.primary]\nkind = "command"\ncommand = ["touch", "{ran}"]\n'
    ended = run_against(lambda _: CREATED, PROFILE + section, tmp_path, command="doctor")
    assert ended.code == ExitCode.USAGE, ended.err
    assert "--allow-commands" in ended.err
    assert not ran.exists()


def test_what_it_creates_is_removed(tmp_path: Path) -> None:
    """As the profile says."""
    asked: list[bytes] = []

    def habit(request: bytes) -> bytes:
        asked.append(request.partition(b" HTTP/")[0])
        return CREATED if request.startswith(b"POST") else READ

    ended = run_against(habit, PROFILE, tmp_path, command="doctor")
    assert ended.code == ExitCode.OK, ended.err
    assert asked[-1] == b"DELETE /api/resources/1"
    assert "runs" in ended.out


async def _interrupted_at_its_create(folder: Path) -> tuple[int, str]:
    """Status and messages of a doctor that gets SIGINT while its create is not answered."""
    asked = asyncio.Event()

    def habit(request: bytes) -> bytes:
        if request.startswith(b"POST"):
            asked.set()
            return b""
        return READ

    async with malformed_server(habit) as url:
        (folder / "createflow.toml").write_text(PROFILE.replace("{url}", url))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "createflow", "doctor"),
            cwd=folder,
            env=os.environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        await asked.wait()
        process.send_signal(signal.SIGINT)
        _, said = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode()


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    """Also while the target lets it wait."""
    status, said = asyncio.run(_interrupted_at_its_create(tmp_path))
    assert (status, "interrupted" in said) == (ExitCode.INTERRUPTED, True), said
