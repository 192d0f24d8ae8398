"""``kind = "command"``: each principal's token is what a command prints."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from createflow.scenarios.target.credentials.provider import PRINCIPALS
from createflow.scenarios.target.credentials.renewal import (
    REQUEST_TIMEOUT_S,
    SHOWN_CHARACTERS,
    IssuedToken,
    RenewingProvider,
    Request,
)
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile_auth import CommandAuth

_MOST_BYTES = 32 * 1024
"""Of a token; what is longer is none."""
_PART_BYTES = 64 * 1024
_GONE_S = 2.0


class Provider(RenewingProvider):
    """Runs a command for each principal, and runs it again before the token expires."""

    def __init__(self, auth: CommandAuth, mask: Mask, environment: Mapping[str, str]) -> None:
        del environment
        super().__init__(auth, mask)
        self._commands = auth

    def requests(self) -> dict[str, Request]:
        """One command for each declared principal."""
        commands = {principal: getattr(self._commands, principal) for principal in PRINCIPALS}
        return {
            principal: _request(f"auth.{principal}", command, self._commands.lifetime_s)
            for principal, command in commands.items()
            if command
        }


def _request(key: str, command: tuple[str, ...], lifetime_s: float) -> Request:
    async def request() -> IssuedToken:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise UserError(f"{key}: {command[0]} cannot be run: {error.strerror}") from None
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                out, err = await asyncio.gather(_end_of(process.stdout), _end_of(process.stderr))
                await process.wait()
        except TimeoutError:
            raise UserError(f"{key}: {command[0]} did not end within {REQUEST_TIMEOUT_S:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await _gone(process)
        if len(out) > _MOST_BYTES:
            raise UserError(f"{key}: {command[0]} printed more than {_MOST_BYTES} bytes, which is no token")
        token = out.decode("utf-8", "replace").strip()
        if process.returncode or not token or not token.isprintable():
            reason = err.decode("utf-8", "replace").strip()[-SHOWN_CHARACTERS:] or "it printed no token"
            raise UserError(f"{key}: {command[0]} ended with status {process.returncode}: {reason}")
        return IssuedToken(token, lifetime_s)

    return request


async def _end_of(stream: asyncio.StreamReader | None) -> bytes:
    """The last bytes, whatever comes before them: one byte more than a token may have at most."""
    end = b""
    while stream is not None and (part := await stream.read(_PART_BYTES)):
        end = (end + part)[-_MOST_BYTES - 1 :]
    return end


async def _gone(process: asyncio.subprocess.Process) -> None:
    """Wait for a process that was killed: asyncio tells its end when its output has ended, which others may hold."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_GONE_S):
            await asyncio.gather(_end_of(process.stdout), _end_of(process.stderr), process.wait())
