"""A line that cannot be written never raises, and is told later."""

import json
import os
from pathlib import Path

from createflow.reference_server.process.log import LineOutput


def test_a_full_disk_costs_lines_and_nothing_else(tmp_path: Path) -> None:
    """What is lost is counted; the next line that can be written comes after the number."""
    full = os.open("/dev/full", os.O_WRONLY)
    file = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT)
    output = os.dup(full)
    try:
        lines = LineOutput(output)
        lines.info(b"one")
        lines.error(b"two")
        assert lines.lost == 2
        os.dup2(file, output)
        lines.info(b'{"event":"three"}')
        lines.info(b'{"event":"four"}')
    finally:
        for descriptor in (full, file, output):
            os.close(descriptor)
    told, *others = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert (told["event"], told["lines"]) == ("log_lines_lost", 2)
    assert [line["event"] for line in others] == ["three", "four"]


def test_a_line_that_was_cut_does_not_spoil_the_next_one() -> None:
    """A pipe that is nearly full takes a part of a line."""
    reader, writer = os.pipe2(os.O_NONBLOCK)
    try:
        lines = LineOutput(writer)
        lines.info(b"x" * 100_000)
        taken = os.read(reader, 1_000_000)
        lines.info(b'{"event":"whole"}')
        after = os.read(reader, 1_000_000)
    finally:
        os.close(reader)
        os.close(writer)
    assert 0 < len(taken) < 100_000
    assert after.splitlines()[0] == b""
    assert [json.loads(line)["event"] for line in after.splitlines()[1:]] == ["log_lines_lost", "whole"]


def test_a_closed_pipe_is_no_error() -> None:
    """The reader of the log may be gone."""
    reader, writer = os.pipe()
    os.close(reader)
    lines = LineOutput(writer)
    lines.info(b"nobody reads this")
    os.close(writer)
    assert lines.lost == 1
