"""``createflow doctor`` does what a command with a target does: it asks, cleans up, and ends when it is told to."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from createflow.cli.exit_code import ExitCode
from tests.scenarios.malformed_server import Habit, malformed_server, reply

PROFILE = '[target]\nbase_url = "{url}"\ntimeout_s = 30\ncleanup = true\n'
CREATED = reply("201 Created", b'{"id": "1", "name": "x"}', headers="location: /api/resources/1\r\n")


async def doctor(
    folder: Path, habit: Habit, profile: str, *, interrupted_by: asyncio.Event | None = None
) -> tuple[int, str]:
    """Status and messages of the command; it is interrupted when the event is set."""
    async with malformed_server(habit) as url:
        (folder / "createflow.toml").write_text(profile.replace("{url}", url))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "createflow", "doctor"),
            cwd=folder,
            env={**os.environ, "XDG_STATE_HOME": str(folder / "state")},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        if interrupted_by is not None:
            await interrupted_by.wait()
            process.send_signal(signal.SIGINT)
        said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode()


def test_commands_of_sinks_need_consent(tmp_path: Path) -> None:
    """Doctor looks into the sinks, so it would run them."""
    ran = tmp_path / "ran"
    section = f'[sinks.primary]\nkind = "command"\ncommand = ["touch", "{ran}"]\n'
    status, said = asyncio.run(doctor(tmp_path, lambda _: CREATED, PROFILE + section))
    assert status == ExitCode.USAGE, said
    assert "--allow-commands" in said
    assert not ran.exists()


def test_what_it_creates_is_removed(tmp_path: Path) -> None:
    """As the profile says."""
    asked: list[bytes] = []

    def habit(request: bytes) -> bytes:
        asked.append(request.partition(b" HTTP/")[0])
        return CREATED if request.startswith(b"POST") else CREATED.replace(b"201 Created", b"200 OK")

    status, said = asyncio.run(doctor(tmp_path, habit, PROFILE))
    assert status == ExitCode.OK, said
    assert asked[-1] == b"DELETE /api/resources/1"
    assert "runs" in said


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    """Also while the target lets it wait."""

    async def run() -> tuple[int, str]:
        asked = asyncio.Event()

        def habit(request: bytes) -> bytes:
            if request.startswith(b"POST"):
                asked.set()
                return b""
            return CREATED.replace(b"201 Created", b"200 OK")

        return await doctor(tmp_path, habit, PROFILE, interrupted_by=asked)

    status, said = asyncio.run(run())
    assert (status, "interrupted" in said) == (ExitCode.INTERRUPTED, True), said
