"""``kind = "signer"``: a command that runs as long as the run signs each request.

One JSON line a request goes to its standard input, and one comes back. It is nobody's shell: an argument list, run only
when somebody has consented to it, and every answer has a bound of time and size.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.credentials.provider import PRINCIPALS, AuthProvider, NamedTokens
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import Tokens
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import UserError
from createflow.schemas.profile_auth import SignerAuth

_MOST_BODY_BYTES = 64 * 1024
_MOST_LINE_BYTES = 64 * 1024
_MOST_HEADERS = 32
_SHOWN_CHARACTERS = 200
_ENDING_S = 2.0
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x20-\x7e]*")
_NOT_SIGNED = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""What says where a request goes and ends is not for a signature to change."""
STANDS_FOR = "signature"


class Signer:
    """The command of one principal. It starts with the first request.

    Args:
        key: of the profile, for messages.
        command: an argument list.
        timeout_s: for one signature.
    """

    def __init__(self, key: str, command: tuple[str, ...], timeout_s: float) -> None:
        self._key = key
        self._command = command
        self._timeout_s = timeout_s
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    @property
    def settings(self) -> dict[str, Any]:
        """As plain data."""
        return {"key": self._key, "command": list(self._command), "timeout_s": self._timeout_s}

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any]) -> "Signer":
        """The signer that ``settings`` says."""
        return cls(settings["key"], tuple(settings["command"]), settings["timeout_s"])

    async def sign(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The headers that sign this request.

        Raises:
            UserError: the command cannot be run, does not answer in time, or with no headers.
        """
        asked: dict[str, Any] = {"method": method, "url": url, "headers": dict(headers)}
        asked["body_sha256"] = hashlib.sha256(body).hexdigest()
        if len(body) <= _MOST_BODY_BYTES:
            asked["body"] = base64.b64encode(body).decode()
        async with self._turn:
            try:
                async with asyncio.timeout(self._timeout_s):
                    line = await self._answer(json.dumps(asked).encode() + b"\n")
            except TimeoutError:
                await self.close()
                raise self._error(f"did not answer within {self._timeout_s:g} s", "auth.timeout_s") from None
            except ValueError:  # of StreamReader: the line is too long
                await self.close()
                raise self._error(f"answered with more than {_MOST_LINE_BYTES} bytes") from None
            except BaseException:
                # Half an answer would be taken for that to the next request.
                await self.close()
                raise
        return self._headers_in(line)

    async def _answer(self, line: bytes) -> bytes:
        if self._process is None or self._process.returncode is not None:
            self._process = await self._started()
        into, out = self._process.stdin, self._process.stdout
        if into is None or out is None:
            raise self._error("has no pipes")
        with contextlib.suppress(OSError, RuntimeError):  # it has ended; what it said last tells why
            into.write(line)
            await into.drain()
        answer = await out.readline()
        if not answer.endswith(b"\n"):
            await self.close()
            raise self._error("ended without an answer", "it reads lines until its input ends")
        return answer

    async def _started(self) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_MOST_LINE_BYTES,
            )
        except OSError as error:
            raise self._error(f"cannot be run: {error.strerror}") from None

    def _headers_in(self, line: bytes) -> dict[str, str]:
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            raise self._error(f"answered with no JSON line: {_shown(line)}") from None
        if isinstance(answer, dict) and "error" in answer:
            raise self._error(f"says {_shown(str(answer['error']).encode())}")
        headers = answer.get("headers") if isinstance(answer, dict) else None
        if not isinstance(headers, dict) or not headers or len(headers) > _MOST_HEADERS:
            raise self._error(f'answered without {{"headers": {{...}}}}: {_shown(line)}')
        for name, value in headers.items():
            is_header = _TOKEN.fullmatch(name) and isinstance(value, str) and _VALUE.fullmatch(value)
            if not is_header or name.lower() in _NOT_SIGNED:
                raise self._error(f"answered with a header that cannot be added: {_shown(name.encode())}")
        return {name.lower(): value for name, value in headers.items()}

    def _error(self, what: str, hint: str = "docs/profile.md: a command that signs") -> UserError:
        return UserError(f"{self._key}: {self._command[0]} {what}", hint=hint)

    async def close(self) -> None:
        """End its process: its input ends, and then it is killed."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_ENDING_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _shown(raw: bytes) -> str:
    return repr(raw[:_SHOWN_CHARACTERS].decode("utf-8", "replace").strip())


class Provider(NamedTokens, AuthProvider):
    """Gives each principal the command that signs for it. Fills the role Tokens itself."""

    def __init__(self, auth: SignerAuth, mask: Mask, environment: Mapping[str, str]) -> None:
        del mask, environment
        self._auth = auth
        self._signers = {
            name: Signer(f"auth.{name}", command, auth.timeout_s)
            for name in PRINCIPALS
            if (command := getattr(auth, name, None))
        }

    def tokens(self, owner: str) -> Tokens:
        """The same principals for every owner."""
        del owner
        return self

    def principal(self, name: str) -> Principal:
        """The principal of this name. Raises NotDeclared when the profile does not configure it."""
        if name not in self._signers:
            raise NotDeclared(f"`auth.{name}` is not configured")
        header, scheme = self._auth.header.lower(), self._auth.scheme
        return Principal(None, STANDS_FOR, scheme, header, signer=self._signers[name], account=name)

    async def open(self) -> None:
        """Let each command sign one request, which is not sent.

        Raises:
            UserError: one does not.
        """
        for signer in self._signers.values():
            await signer.sign("GET", "http://createflow.invalid/", {"host": "createflow.invalid"}, b"")

    async def close(self) -> None:
        """End the commands."""
        for signer in self._signers.values():
            await signer.close()
