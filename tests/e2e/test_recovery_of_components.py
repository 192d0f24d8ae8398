"""Real engines and processes: started, killed and paused while what they need is down, they get well afterwards."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from createflow.reference_server.stack import control
from createflow.schemas.error import UserError
from tests.up_stack import UpCommand, start_up_command, stop_up_command, wait_a_little

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("recovery")]

READY_LIMIT_S = 60.0


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpCommand]:
    """A stack of the tests in this module, which disturb it."""
    directory = tmp_path_factory.mktemp("recovery")
    directory.chmod(0o711)
    up = start_up_command(directory, "--replicas", "1")
    yield up
    assert stop_up_command(up) == 0


def command(up: UpCommand, verb: str, component: str = "") -> dict[str, str]:
    """Carry out a command of ``createflow stack``; the states in its reply."""
    reply = asyncio.run(control.send_command(up.state / "control.sock", verb, component))
    return {row["name"]: row["status"] for row in reply["rows"]}


def becomes_ready(up: UpCommand, *names: str) -> None:
    """Wait for these, or for all."""
    deadline = time.monotonic() + READY_LIMIT_S
    while not_ready := {
        name: status
        for name, status in command(up, "status").items()
        if status != "ready" and (name in names or not names)
    }:
        assert time.monotonic() < deadline, not_ready
        wait_a_little()


@pytest.mark.parametrize(
    ("component", "need", "breaks", "mends"),
    [
        ("postgres-replica-1", "postgres-primary", "kill", "start"),
        ("postgres-replica-1", "postgres-primary", "pause", "resume"),
        ("service-1", "nats", "kill", "start"),
        ("gateway-1", "valkey", "pause", "resume"),
        ("worker-1", "search", "kill", "start"),
        ("haproxy", "gateway-1", "kill", "start"),
    ],
)
def test_a_component_started_while_its_need_is_down_is_no_dead_end(
    up: UpCommand, component: str, need: str, breaks: str, mends: str
) -> None:
    """It can be killed, paused, resumed and started again; when its need is back, it is ready, and so are all."""
    command(up, breaks, need)
    command(up, "kill", component)
    for _ in range(2):
        assert command(up, "start", component)[component] in {"starting", "ready"}
        with pytest.raises(UserError, match="running already"):
            command(up, "start", component)
        assert command(up, "pause", component) == {component: "paused"}
        assert command(up, "resume", component)[component] in {"starting", "ready"}
        assert command(up, "kill", component) == {component: "killed"}
        for verb in ("kill", "pause", "resume"):
            with pytest.raises(UserError, match="not running"):
                command(up, verb, component)
    command(up, "start", component)
    command(up, mends, need)
    becomes_ready(up, component, need)
    becomes_ready(up)
