"""Events that a command prints: here the lines of a file that grows."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from createflow.scenarios.sinks.events.command import CommandEventSource
from createflow.scenarios.sinks.failure import SinkFailed
from createflow.schemas.profile_sinks import CommandEvents
from tests.scenarios.sinks.events.stream_contract import Broker, EventStreamContract

pytestmark = pytest.mark.anyio
FOLLOW = """
import sys, time
with open(sys.argv[1]) as file:
    file.seek(0, 2)
    print("ready", file=sys.stderr, flush=True)
    while True:
        line = file.readline()
        if line: print(line, end="", flush=True)
        else: time.sleep(0.01)
"""


@pytest.fixture
async def broker(tmp_path: Path) -> Broker:
    """A file with a line for each event."""
    file = tmp_path / "events"
    file.touch()

    async def publish(data: bytes, headers: Mapping[str, str], _: str) -> None:
        if headers:
            pytest.skip("a line has no headers")
        with file.open("ab") as out:
            out.write(data + b"\n")

    fails = [sys.executable, "-c", "import sys; sys.exit('no rights on the topic')"]
    return Broker(
        section={
            "kind": "command",
            "command": [sys.executable, "-c", FOLLOW, str(file)],
            "ready_line": "ready",
        },
        publish=publish,
        wrong_credential={"command": fails},
        credential_words="ended with status 1: no rights on the topic",
        wrong_place={"command": [sys.executable, "-c", FOLLOW, str(tmp_path / "not")]},
        place_words="(?s)ended with status 1:.*No such file",
    )


class TestCommandEvents(EventStreamContract):
    """As every engine."""

    async def test_nobody_there_is_told(self, broker: Broker) -> None:
        """A program that is not there."""
        await self._fails(broker.events(command=["./nowhere"]), "cannot be run: .*check sinks.events.command")


async def test_a_command_that_ends_is_told() -> None:
    """What it would have printed is not known."""
    section = CommandEvents.model_validate({"kind": "command", "command": ["sh", "-c", "read x; exit 3"]})
    source = CommandEventSource(section)
    with pytest.raises(SinkFailed, match="sh ended with status 3"):
        await source.open()


async def test_a_command_that_is_never_ready_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """And so is what it started."""
    monkeypatch.setattr("createflow.scenarios.sinks.events.command._READY_S", 0.2)
    section = CommandEvents.model_validate(
        {"kind": "command", "command": ["sh", "-c", "sleep 60 & wait"], "ready_line": "ready"}
    )
    with pytest.raises(SinkFailed, match="did not print 'ready' within"):
        await CommandEventSource(section).open()
