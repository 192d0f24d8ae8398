"""``--bodies FOLDER``."""

import asyncio
import json
import os
import stat
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from createflow.cli.body_files import prepare_folder, write_bodies
from createflow.cli.exit_code import ExitCode
from createflow.scenarios.conformance.long_bodies import LongBody
from createflow.schemas.error import UserError
from tests.scenarios.malformed_server import malformed_server, reply

PADDING = "x" * 20_000


def test_a_long_body_of_a_finding_is_written_whole_and_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts every body, and shows the token behind what a report has room for."""

    def answer(request: bytes) -> bytes:
        token = "a-token-of-the-test" if b"a-token-of-the-test" in request else ""
        body = json.dumps({"id": "1", "name": "x", "padding": PADDING + token}).encode()
        return reply("201 Created", body, headers="location: /api/resources/1\r\n")

    async def run() -> tuple[int | None, str]:
        async with malformed_server(answer) as url:
            (tmp_path / "createflow.toml").write_text(
                f'[target]\nbase_url = "{url}"\n[auth]\nkind = "static"\nwriter_env = "TOKEN"\n'
            )
            arguments = ("-m", "createflow", "run", "--only", "validation.missing_name_is_400", "--bodies", "bodies")
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                cwd=tmp_path,
                env={**os.environ, "TOKEN": "a-token-of-the-test"},
                stderr=PIPE,
            )
            _, told = await process.communicate()
            return process.returncode, told.decode()

    code, told = asyncio.run(run())
    assert code == ExitCode.FAILED, told
    assert "bodies: 1 file with bodies" in told
    (file,) = (tmp_path / "bodies").iterdir()
    assert file.name.startswith("validation.missing_name_is_400.")
    assert file.suffix == ".response"
    assert json.loads(file.read_bytes())["padding"] == PADDING + "$TOKEN"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    """It is replaced, as a file of an earlier run is."""
    victim, link = tmp_path / "victim", tmp_path / "a.request"
    victim.write_text("kept")
    link.symlink_to(victim)
    for content in (b"one", b"two"):
        assert write_bodies(tmp_path, [LongBody("a.request", content)]) == 1
        assert link.read_bytes() == content
    assert victim.read_text() == "kept"


def test_what_cannot_be_a_folder_is_a_message(tmp_path: Path) -> None:
    """Before the run, and after it when the folder is gone."""
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UserError, match="file: the folder cannot be made"):
        prepare_folder(file)
    with pytest.raises(UserError, match="a body cannot be written"):
        write_bodies(tmp_path / "gone", [LongBody("a", b"")])
