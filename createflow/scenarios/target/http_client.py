"""One pool of HTTP connections to the target, shared by all checks of a run."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

import createflow
from createflow.scenarios.target.curl import curl_line
from createflow.scenarios.target.pacing import Pace
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.tls_context import trust
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile import Profile, Target
from createflow.schemas.report import Exchange

_SHOWN_CHARACTERS = 4096
_CONNECT_SHARE = 0.9
_LONGEST_REPLY_BYTES = 8 * 1024 * 1024
_POOL = httpx.Limits(max_connections=128, max_keepalive_connections=64, keepalive_expiry=4.0)
"""Idle connections are given up before most servers do, so that no request meets a closing one."""


class NoReply(Exception):  # noqa: N818 - a fact about the target that no check may take for a refusal
    """No complete reply came: refused, reset, timed out, or endless."""

    def __init__(self, message: str, exchange: Exchange) -> None:
        super().__init__(message)
        self.exchange = exchange


class NoConnection(NoReply):
    """Nobody took the call, so that nothing was sent."""


@dataclass(slots=True)
class Created:
    """A resource that the run made, and who may take it away again."""

    url: str
    who: Principal
    id: str = ""


@dataclass(slots=True)
class HttpConnection:
    """The pool, and what all checks share: masking, pace, and the list of what was created.

    Proxies of the environment are not used: what is measured is the target, not the way to it.
    """

    profile: Profile
    run_id: str
    mask: Mask
    client: httpx.AsyncClient = field(init=False)
    pace: Pace = field(init=False)
    created: list[Created] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    """What paths and bodies may name in braces: the run, and what set-up requests captured."""

    def __post_init__(self) -> None:
        """Open the pool; nothing is connected yet."""
        target = self.profile.target
        self.variables["run_id"] = self.run_id
        self.pace = Pace(self.profile.limits)
        for name, value in target.headers.items():
            self.mask.add(value, shown=_variable(name))
        try:
            self.client = self._client(target)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise UserError(
                f"target.base_url: {type(error).__name__}: no address that can be asked",
                hint="scheme, host and port: https://api.example.com:8443",
            ) from None

    def _client(self, target: Target) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=target.base_url,
            verify=trust(target.ca_file),
            http2=False,
            trust_env=False,
            follow_redirects=False,
            limits=_POOL,
            # Every request has an overall limit in send(); but a handshake that is broken off by it leaks its socket.
            timeout=httpx.Timeout(None, connect=target.timeout_s * _CONNECT_SHARE),
            headers={
                "user-agent": f"createflow/{createflow.__version__} (run {self.run_id})",
                "accept": target.accept,
                **target.headers,
            },
        )

    async def close(self) -> None:
        """Close every connection."""
        await self.client.aclose()

    async def send(
        self, method: str, url: str, who: Principal, headers: Mapping[str, str], content: bytes | None
    ) -> Reply:
        """Send one request and read the whole reply.

        Raises:
            NoReply: none came within the profile's ``timeout_s``.
        """
        sent = dict(headers)
        if who.token is not None:
            self.mask.add(who.token, shown="$TOKEN")
            sent[who.header] = who.credential(who.token)
        request = self.client.build_request(method, url, headers=_encoded(sent), content=content)
        shown = self._shown(request, who, sent, content)
        sent_at, start = time.time(), time.perf_counter()
        try:
            async with asyncio.timeout(self.profile.target.timeout_s):
                response = await self.client.send(request, stream=True)
                try:
                    body = await _whole(response)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.ConnectTimeout):
            message = f"no complete reply within {self.profile.target.timeout_s:g} s"
        except (httpx.TransportError, httpx.DecodingError, httpx.StreamError) as error:
            message = _told(error)
        else:
            elapsed_ms = (time.perf_counter() - start) * 1000
            exchange = shown.model_copy(
                update={
                    "status": response.status_code,
                    "response_headers": dict(response.headers),
                    "response_body": _cut(body),
                    "elapsed_ms": round(elapsed_ms, 3),
                }
            )
            return Reply(response.status_code, dict(response.headers), body, exchange, sent_at, time.time())
        elapsed_ms = (time.perf_counter() - start) * 1000
        raise NoReply(
            f"{method} {shown.url}: {message}",
            shown.model_copy(update={"error": message, "elapsed_ms": round(elapsed_ms, 3)}),
        )

    async def knock(self) -> None:
        """See that something answers HTTP at all.

        Raises:
            TargetError: nothing does.
        """
        try:
            # What a set-up request is yet to make is not asked for; any reply at all will do.
            path = self.profile.target.path.partition("{")[0]
            await self.send("GET", path, Principal(None, None), {}, None)
        except NoReply as error:
            raise TargetError(
                self.profile.target.base_url, error.exchange.error, hint="is it running, and is the address right?"
            ) from None

    def _shown(self, request: httpx.Request, who: Principal, sent: dict[str, str], content: bytes | None) -> Exchange:
        headers = {name: _variable(name) for name in self.profile.target.headers} | sent
        if who.token is not None:
            headers[who.header] = who.credential("$TOKEN")
        return Exchange(
            method=request.method,
            url=str(request.url),
            request_headers=headers,
            request_body=_cut(content or b""),
            curl=curl_line(request.method, str(request.url), headers, content, ca_file=self.profile.target.ca_file),
        )


async def _whole(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > _LONGEST_REPLY_BYTES:
            raise httpx.StreamError(f"the reply is longer than {_LONGEST_REPLY_BYTES} bytes")
    return bytes(body)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """As bytes: checks send header values on purpose that httpx would refuse as text."""
    return [(name.encode("ascii"), value.encode("utf-8")) for name, value in headers.items()]


def _told(error: Exception) -> str:
    cause = error.__cause__ or error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return str(error) or str(cause) or type(error).__name__


def _cut(body: bytes) -> str:
    text = body[: _SHOWN_CHARACTERS * 4].decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
    return text[:_SHOWN_CHARACTERS]


def _variable(header: str) -> str:
    return f"${header.upper().replace('-', '_')}"
