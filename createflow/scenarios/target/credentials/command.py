"""``kind = "command"``: each principal's token is what a command prints."""

import asyncio
from collections.abc import Mapping

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
            out, err = await asyncio.wait_for(process.communicate(), REQUEST_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise UserError(f"{key}: {command[0]} did not end within {REQUEST_TIMEOUT_S:g} s") from None
        token = out.decode("utf-8", "replace").strip()
        if process.returncode or not token or not token.isprintable():
            reason = err.decode("utf-8", "replace").strip()[-SHOWN_CHARACTERS:] or "it printed no token"
            raise UserError(f"{key}: {command[0]} ended with status {process.returncode}: {reason}")
        return IssuedToken(token, lifetime_s)

    return request
