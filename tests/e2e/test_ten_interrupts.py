"""Ctrl-C at ten moments of ``run`` and of ``bench``: a partial report, status 130, nothing left running."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path

import psutil
import pytest

from createflow.cli.exit_code import ExitCode
from tests.scenarios.malformed_server import reply

pytestmark = pytest.mark.anyio
LONGEST_S = 60.0
MOMENTS = {
    "run": (2, 3, 5, 10, 20, 40, 80, 130, 200, 300),
    "bench": (2, 3, 5, 10, 20, 30, 45, 60, 80, 100),
}
"""After so many requests have come; the first is that which looks whether the target is there."""
OPTIONS = {
    "run": ("--skip", "rate_limit", "--skip", "validation.generated"),
    "bench": ("--rate", "20", "--duration", "30s", "--warmup", "1s", "--no-verify"),
}


class Honest:
    """Keeps what it is sent, and calls back with the number of each request."""

    def __init__(self, on_request: Callable[[int], None]) -> None:
        self._on_request = on_request
        self._rows: dict[str, bytes] = {}
        self._count = 0

    def _answer(self, method: bytes, path: str, body: bytes) -> bytes:
        name = path.partition("?")[0].rpartition("/")[2]
        if method == b"POST":
            try:
                document = json.loads(body)
                row = json.dumps({**document, "id": f"r{len(self._rows)}"}).encode()
            except (ValueError, TypeError, RecursionError):
                return reply("400 Bad Request")
            self._rows[f"r{len(self._rows)}"] = row
            return reply("201 Created", row, headers=f"location: /api/resources/r{len(self._rows) - 1}\r\n")
        if name in self._rows:
            return reply("200 OK", self._rows[name])
        return reply("200 OK", b"[]") if name == "resources" else reply("404 Not Found")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)\r\ncontent-length: (\d+)\r\n", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                self._count += 1
                self._on_request(self._count)
                method, path, _ = head.split(b" ", 2)
                writer.write(self._answer(method, path.decode("latin-1"), body))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def honest(on_request: Callable[[int], None]) -> AsyncIterator[str]:
    """The URL of its creates."""
    server = await asyncio.start_server(Honest(on_request).serve, "127.0.0.1", 0, limit=2**22)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/resources"
    finally:
        server.close()


async def interrupted(command: str, moment: int, folder: Path) -> tuple[int, str, list[psutil.Process]]:
    """The status, what was said, and the processes that are left of it."""
    has_come = asyncio.Event()

    def on_request(number: int) -> None:
        if number >= moment:
            has_come.set()

    async with honest(on_request) as url:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "createflow", command, "--url", url),
            *(*OPTIONS[command], "--report", "json=report.json"),
            cwd=folder,
            env={**os.environ, "CREATEFLOW_TOKEN": "t" * 20, "XDG_STATE_HOME": str(folder / "state")},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(LONGEST_S):
                await has_come.wait()
                process.send_signal(signal.SIGINT)
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return process.returncode, said.decode("utf-8", "replace"), _left(folder)


def _left(folder: Path) -> list[psutil.Process]:
    """The processes that work in the folder, once those that are ending have ended."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return psutil.wait_procs(found, timeout=10)[1]


@pytest.mark.many(one_in=10)
@pytest.mark.parametrize(
    ("command", "moment"), [case for command in MOMENTS for case in product((command,), MOMENTS[command])]
)
async def test_ctrl_c_at_any_moment(command: str, moment: int, tmp_path: Path) -> None:
    """The report of what was found until then says that it was interrupted."""
    code, said, left = await interrupted(command, moment, tmp_path)
    assert (code, left) == (ExitCode.INTERRUPTED, []), said
    assert "Traceback" not in said
    saved = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert saved["interrupted"] is True


@pytest.mark.thorough
async def test_a_run_that_nobody_interrupts_does_not_say_so(tmp_path: Path) -> None:
    """Nor does its report."""
    async with honest(lambda _: None) as url:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "createflow", "run", "--url", url, "--only", "response"),
            *("--report", "json=report.json"),
            cwd=tmp_path,
            env={**os.environ, "CREATEFLOW_TOKEN": "t" * 20, "XDG_STATE_HOME": str(tmp_path / "state")},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
    assert process.returncode == ExitCode.FAILED, said
    assert b"INTERRUPTED" not in said
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["interrupted"] is False
