"""A saved report of a stranger takes bounded time and memory, and it is said why it cannot be used."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from createflow.cli.exit_code import ExitCode
from tests.bounded_command import run_bounded

SAVED = Path(__file__).parents[1] / "scenarios" / "reports" / "saved_by_0_1_0"
ESCAPE = "\x1b[2J"


def _changed(name: str, **changes: Any) -> str:
    return json.dumps({**json.loads((SAVED / f"{name}.json").read_text()), **changes})


REPORTS: dict[str, tuple[Callable[[], str | bytes], str]] = {
    "24 MiB": (lambda: " " * (24 * 1024 * 1024 + 1), "larger than"),
    "many lists": (lambda: '{"results": [' + "[]," * 8_000_000, "more than 2000000 parts"),
    "many objects": (lambda: '{"results": [' + "{}," * 2_000_000 + "{}]}", "more than 2000000 parts"),
    "many wrong results": (lambda: _changed("run", results=[{}] * 900_000), "results.0"),
    "many wrong seconds": (lambda: _changed("bench", series=[0] * 1_900_000), "series.0"),
    "many unknown keys": (lambda: _changed("run", **{f"k{n}": 1 for n in range(500_000)}), "more than 2000 keys"),
    "deep": (lambda: '{"results": ' + "[" * 1_000_000, "more than 100 levels"),
    "deep, closed": (lambda: '{"ledger": ' + "[" * 200 + "]" * 200 + "}", "more than 100 levels"),
    "digits": (lambda: '{"results": ' + "1" * 100_000 + "}", "a number of 100000 digits"),
    "not a number": (lambda: '{"results": [NaN]}', "NaN is not a number of JSON"),
    "not a number, as text": (lambda: _changed("bench", duration_s="NaN"), "'duration_s': no such number"),
    "infinite": (lambda: _changed("bench", duration_s="Infinity"), "'duration_s': no such number"),
    "less than everything": (lambda: _changed("bench", rate_per_s="-Infinity"), "'rate_per_s': no such number"),
    "huge": (lambda: _changed("bench", warmup_s=1e300), "'warmup_s': no such number"),
    "huge count": (lambda: _changed("run", created=10**30), "created"),
    "wrong types": (lambda: _changed("bench", ledger=[]), "ledger"),
    "wrong types, run": (lambda: _changed("run", results={"a": 1}), "results"),
    "twice": (lambda: '{"results": [], "results": []}', "stands twice"),
    "surrogate": (lambda: '{"results": ["\\ud800"]}', "half a surrogate pair"),
    "another version": (lambda: _changed("bench", schema_version=10**300), "newer createflow|schema_version"),
    "a key for the terminal": (lambda: _changed("run", **{ESCAPE: 1}), "Extra inputs"),
    "a long key": (lambda: _changed("run", **{"k" * 1_000_000: 1}), "Extra inputs"),
    "UTF-16": (lambda: _changed("run").encode("utf-16"), "not UTF-8 text"),
    "NUL": (lambda: "\x00" * 1000, "not JSON"),
    "empty": (lambda: "", "not JSON"),
    "cut off": (lambda: _changed("run")[:-100], "not JSON"),
    "another document": (lambda: "[1, 2]", "not a report"),
}


def test_there_are_many_kinds() -> None:
    """Of reports of a run and of a load."""
    assert len(REPORTS) >= 20


@pytest.mark.many(one_in=6)
@pytest.mark.parametrize("name", REPORTS)
def test_a_hostile_report_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    """Status 2 in bounded time and memory; the message is short and holds no command to the terminal."""
    make, reasons = REPORTS[name]
    text = make()
    (tmp_path / "r.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    done = run_bounded("report", "r.json", folder=tmp_path)
    assert done.status == ExitCode.USAGE, done.errors
    assert any(reason in " ".join(done.errors.split()) for reason in reasons.split("|")), done.errors
    assert len(done.errors) < 2000
    assert ESCAPE not in done.errors


@pytest.mark.many(one_in=6)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to a device", "many lists"])
@pytest.mark.parametrize("command", ["report", "replay", "bench"])
def test_every_command_that_reads_a_report_refuses_it(tmp_path: Path, command: str, kind: str) -> None:
    """Nothing waits for a writer, nothing endless is read, and no load begins."""
    file = tmp_path / "r.json"
    match kind:
        case "pipe":
            os.mkfifo(file)
        case "device":
            file = Path("/dev/zero")
        case "folder":
            file.mkdir()
        case "link to a device":
            file.symlink_to("/dev/zero")
        case _:
            file.write_text('{"results": [' + "[]," * 8_000_000)
    options = ("--url", "http://127.0.0.1:1/x", "--baseline") if command == "bench" else ()
    done = run_bounded(command, *options, str(file), folder=tmp_path)
    assert done.status == ExitCode.USAGE, done.errors
    assert "it is" in done.errors or "2000000 parts" in done.errors
