"""Replies of hostile targets: the tester and the load client stay small and quick, and blame the target once.

The whole of ``createflow run`` and ``createflow bench`` meets a dozen of them in ``tests/e2e/test_hostile_targets.py``.
"""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from createflow.cli.exit_code import ExitCode
from tests.scenarios.hostile_replies import CHECKS, HOSTILE, UNREACHABLE, WHOLE, HostileServer

_MAX_MB = 300
_MAX_S = 30.0
_HUNG_S = 60.0
_LONGEST_REASON = 2_000
_UNREADABLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]|Traceback|Error\(")
_TIMEOUT_S = 8.0
"""Of a target that answers; on a busy machine all checks together take a while."""


class Meeting:
    """A process that meets one target after the other."""

    def __init__(self, mode: str) -> None:
        command = [sys.executable, "-m", "tests.scenarios.hostile_runs", mode]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def meet(self, name: str) -> dict[str, Any]:
        """What happened, within the bounds of time and memory."""
        hangs = "timeout" in HOSTILE[name].load or "at a time" in name or name == "a chunk size beyond all numbers"
        timeout_s = 1.0 if hangs else _TIMEOUT_S

        async def meet() -> str:
            async with HostileServer(HOSTILE[name]).serving() as url:
                try:
                    return await asyncio.wait_for(asyncio.to_thread(self._ask, json.dumps([url, timeout_s])), _HUNG_S)
                except TimeoutError:
                    self._process.kill()  # so that the thread ends
                    raise

        answer: dict[str, Any] = json.loads(asyncio.run(meet()))
        assert answer["peak_mb"] <= _MAX_MB
        assert answer["took_s"] <= _MAX_S
        return answer

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(line, file=self._process.stdin, flush=True)
        return self._process.stdout.readline()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def tester() -> Iterator[Meeting]:
    """Runs checks."""
    started = Meeting("run")
    yield started
    started.close()


@pytest.fixture(scope="module")
def load_client() -> Iterator[Meeting]:
    """Sends as a load process does."""
    started = Meeting("load")
    yield started
    started.close()


def test_there_are_many_kinds() -> None:
    """Of everything that a reply consists of."""
    assert len(HOSTILE) > 150


def _is_readable(text: str) -> bool:
    """Short, without commands to a terminal, and not the name of an error in our own code."""
    return 0 < len(text) <= _LONGEST_REASON and not _UNREADABLE.search(text)


ADVISED = {"a type of 50 kB", "a type that is none", "an unknown charset", "a charset of line noise"}
"""What only a SHOULD forbids: the run tells it and ends 0."""


@pytest.mark.many(one_in=4)
@pytest.mark.parametrize("name", HOSTILE)
def test_the_tester_blames_the_target_once(name: str, tester: Meeting) -> None:
    """Those checks fail that the reply concerns, none is broken, and each says why in a readable way."""
    answer, expected = tester.meet(name), HOSTILE[name].checks
    if HOSTILE[name].to == "connection" and answer["code"] == ExitCode.FAILED:
        # It was taken for the reply to the first request, and that reply for one that nobody had asked for.
        reasons = [reason for outcome, reason in answer["results"].values() if outcome == "failed"]
        assert any("RFC 9112 §9.2" in reason for reason in reasons)
        return
    if expected == {UNREACHABLE}:
        assert answer["code"] == ExitCode.UNREACHABLE
        assert "http://127.0.0.1" in answer["error"]
        return
    results = answer["results"]
    assert set(results) == set(CHECKS)
    assert {check: reason for check, (outcome, reason) in results.items() if outcome == "broken"} == {}
    assert {check for check, (outcome, _) in results.items() if outcome == "failed"} == set(expected)
    if HOSTILE[name].is_limit:
        assert answer["code"] == ExitCode.INCONCLUSIVE
        assert results[WHOLE][0] == "inconclusive"
        assert "429" in results[WHOLE][1]
    else:
        is_advice = name in ADVISED
        assert answer["code"] == (ExitCode.FAILED if expected and not is_advice else ExitCode.OK)
    unreadable = {
        check: reason[:200]
        for check, (outcome, reason) in results.items()
        if outcome != "passed" and not _is_readable(reason)
    }
    assert unreadable == {}
    assert not any(answer["traces"])


@pytest.mark.many(one_in=4)
@pytest.mark.parametrize("name", HOSTILE)
def test_the_load_client_counts_it(name: str, load_client: Meeting) -> None:
    """As a status or as a kind of error, whether the reply is kept or only counted."""
    assert set(load_client.meet(name)["seen"]) <= set(HOSTILE[name].load.split())
