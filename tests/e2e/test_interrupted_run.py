"""A run that is interrupted removes or lists what it created, and writes every report."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from createflow.cli.exit_code import ExitCode
from createflow.scenarios.reports.conformance.renderers import RENDERERS
from createflow.scenarios.reports.saved import read_conformance_report
from tests.scenarios.malformed_server import malformed_server, reply

PROFILE = '[target]\nbase_url = "{url}"\ntimeout_s = 20\ncleanup = true\n'


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["Ctrl-C", "SIGTERM", "SIGHUP"])
def test_an_interrupted_run_cleans_up_and_lists_what_it_could_not_remove(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Creates are answered, reads hang, and the resource that is read first cannot be deleted.

    A resource that is read is one that the tester knows, so the signal comes after two such reads.
    """
    made: list[str] = []
    gone: list[str] = []
    read: list[str] = []
    enough = asyncio.Event()

    def habit(request: bytes) -> bytes | None:
        name = request.split()[1].decode().rpartition("/")[2]
        if request.startswith(b"DELETE"):
            if name == read[0]:
                return reply("403 Forbidden")
            gone.append(name)
            return reply("204 No Content", b"")
        if request.startswith(b"GET") and name in made:
            read.append(name)
            if len(set(read)) > 1:
                enough.set()
            return None
        if not request.startswith(b"POST"):
            return reply("200 OK")
        made.append(str(len(made)))
        body = f'{{"id": "{made[-1]}", "name": "x"}}'.encode()
        return reply("201 Created", body, headers=f"location: /api/resources/{made[-1]}\r\n")

    options = [part for form in RENDERERS for part in ("--report", f"{form}=report.{form}")]

    async def run() -> tuple[int, str]:
        async with malformed_server(habit) as url:
            (tmp_path / "createflow.toml").write_text(PROFILE.replace("{url}", url))
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "createflow", "run", "--only", "response", *options),
                cwd=tmp_path,
                env=os.environ,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                async with asyncio.timeout(30):
                    await enough.wait()
                    process.send_signal(number)
                    out, err = await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            return process.returncode or 0, out.decode() + err.decode()

    code, said = asyncio.run(run())
    assert code == ExitCode.INTERRUPTED, said
    report = read_conformance_report(tmp_path / "report.json")
    assert report.interrupted
    left = {url.rpartition("/")[2] for url in report.left_behind}
    assert left == {read[0]}
    assert set(read) - left <= set(gone)
    # A reply that was on its way when the signal came was not read: that resource is not known.
    assert report.created == len(gone) + len(left) <= len(made)
    for form in RENDERERS:
        text = (tmp_path / f"report.{form}").read_text(encoding="utf-8")
        assert all(url in text for url in report.left_behind), form
    assert all(url in said for url in report.left_behind)
