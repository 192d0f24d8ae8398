"""Commands to a running stack from another terminal, over a Unix socket in its state directory."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from createflow.reference_server.stack.command import REPLY_WAIT_S, ShortPath
from createflow.schemas.error import UserError

_LINE_MAX_BYTES = 64 * 1024

Handler = Callable[[str, str, bool], Awaitable[dict[str, Any]]]
"""Takes a verb, a component's name, and whether the reply is shown to somebody. Returns it; a ``UserError`` is sent
back as a refusal."""


async def serve(socket_file: Path, handle: Handler) -> asyncio.Server:
    """Listen until the returned server is closed. Only this user can connect (0600)."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            reply = await handle(str(request["do"]), str(request["component"]), not request.get("quiet"))
        except UserError as error:
            reply = {"error": error.message, "hint": error.hint}
        except (ValueError, KeyError, TypeError):
            reply = {"error": "not a command", "hint": ""}
        except Exception as error:  # noqa: BLE001 - the other terminal must get a reply
            reply = {"error": str(error), "hint": "see the logs of the stack"}
        writer.write(json.dumps(reply).encode() + b"\n")
        await writer.drain()
        writer.close()

    socket_file.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with ShortPath(socket_file) as path:
        listener.bind(path)
    socket_file.chmod(0o600)  # in time: nobody can connect before the socket listens
    return await asyncio.start_unix_server(answer, sock=listener, limit=_LINE_MAX_BYTES)


async def send_command(socket_file: Path, verb: str, component: str) -> dict[str, Any]:
    """Send one command to the stack and return its reply.

    Raises:
        UserError: no stack runs there, it does not answer, or it refuses the command.
    """
    state = socket_file.parent
    try:
        with ShortPath(socket_file) as path:
            reader, writer = await asyncio.open_unix_connection(path, limit=_LINE_MAX_BYTES)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        raise UserError(
            f"no stack is running with the state directory {state}",
            hint="start one with createflow up, or name its state directory: --state DIR",
        ) from None
    except PermissionError:
        raise UserError(f"the stack in {state} belongs to another user") from None
    writer.write(json.dumps({"do": verb, "component": component}).encode() + b"\n")
    try:
        line = await asyncio.wait_for(reader.readline(), REPLY_WAIT_S)
    except TimeoutError:
        raise UserError(f"the stack in {state} did not answer within {REPLY_WAIT_S:.0f} s") from None
    finally:
        writer.close()
    if not line:
        raise UserError(f"the stack in {state} ended before it answered")
    reply: dict[str, Any] = json.loads(line)
    if "error" in reply:
        raise UserError(reply["error"], hint=reply.get("hint", ""))
    return reply
