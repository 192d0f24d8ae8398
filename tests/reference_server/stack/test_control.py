"""Control: commands to a running stack from another terminal."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from createflow.reference_server.stack import command, control
from createflow.schemas.error import UserError


async def handle(verb: str, component: str, is_shown: bool) -> dict[str, Any]:  # noqa: FBT001 - as the stack does
    """Handle commands like a stack with one component."""
    if component != "valkey":
        raise UserError(f"no {component}", hint="valkey")
    return {"did": verb} if is_shown else {}


def ask(socket_file: Path, verb: str, component: str) -> dict[str, Any]:
    """Serve and send a command in one event loop."""

    async def both() -> dict[str, Any]:
        server = await control.serve(socket_file, handle)
        async with server:
            return await control.send_command(socket_file, verb, component)

    return asyncio.run(both())


def test_a_command_is_carried_out_and_answered(tmp_path: Path) -> None:
    """The reply comes back."""
    assert ask(tmp_path / "control.sock", "pause", "valkey") == {"did": "pause"}


def test_a_refusal_keeps_its_hint(tmp_path: Path) -> None:
    """The other terminal shows the same message."""
    with pytest.raises(UserError, match="no redis") as caught:
        ask(tmp_path / "control.sock", "pause", "redis")
    assert caught.value.hint == "valkey"


def test_a_state_directory_may_lie_deeper_than_a_socket_name_is_long(tmp_path: Path) -> None:
    """The kernel allows 107 bytes; a home directory may be deeper."""
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    assert ask(deep / "control.sock", "kill", "valkey") == {"did": "kill"}


def test_a_missing_stack_is_an_error_that_names_the_directory(tmp_path: Path) -> None:
    """Not an error about a missing file."""
    with pytest.raises(UserError, match="no stack is running") as caught:
        asyncio.run(control.send_command(tmp_path / "control.sock", "status", ""))
    assert "createflow up" in caught.value.hint


def test_a_malformed_command_is_answered_and_harms_nothing(tmp_path: Path) -> None:
    """The next command works."""

    async def scenario() -> tuple[bytes, dict[str, Any]]:
        socket_file = tmp_path / "control.sock"
        async with await control.serve(socket_file, handle):
            reader, writer = await asyncio.open_unix_connection(str(socket_file))
            writer.write(b"[1, 2\n")
            line = await reader.readline()
            writer.close()
            return line, await control.send_command(socket_file, "start", "valkey")

    line, reply = asyncio.run(scenario())
    assert b"not a command" in line
    assert reply == {"did": "start"}


@pytest.mark.parametrize(
    ("component", "status", "message"), [("valkey", 0, ""), ("redis", 1, "no redis; valkey"), ("", 1, "no stack")]
)
def test_the_quick_command_of_a_profile_does_the_same(
    tmp_path: Path, component: str, status: int, message: str
) -> None:
    """It has no options and no table, and says what went wrong; an empty name means here that no stack runs.

    Nobody sees its reply, so no component is asked for its state: one that hangs would answer after a second.
    """
    shown: list[bool] = []

    async def noting(verb: str, component: str, is_shown: bool) -> dict[str, Any]:  # noqa: FBT001 - as above
        shown.append(is_shown)
        return await handle(verb, component, is_shown)

    async def run() -> tuple[int | None, str]:
        server = await control.serve(tmp_path / "control.sock", noting)
        if not component:
            server.close()
            (tmp_path / "control.sock").unlink()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", command.__name__, "pause", component, "--state", str(tmp_path), stderr=PIPE
        )
        _, told = await process.communicate()
        server.close()
        return process.returncode, told.decode()

    ended, told = asyncio.run(run())
    assert ended == status
    assert message in told
    assert shown == ([False] if component else [])
