"""One pool of HTTP connections to the target, shared by all checks of a run."""

import asyncio
import time
from collections.abc import Mapping

import httpx

import createflow
from createflow.scenarios.target.exchange_record import cut, request_record
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.target.tls import trusted_context
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile_target import Target
from createflow.schemas.report import Exchange

_CONNECT_TIMEOUT_RATIO = 0.9
_MAX_REPLY_BYTES = 8 * 1024 * 1024
_POOL = httpx.Limits(max_connections=128, max_keepalive_connections=64, keepalive_expiry=4.0)
"""Idle connections are closed before most servers close them, so that no request meets a closing one."""


class NoReply(Exception):  # noqa: N818 - a fact about the target that no check may take for a refusal
    """No complete reply came: the connection was refused or reset, the time was up, or the reply never ended."""

    def __init__(self, message: str, exchange: Exchange) -> None:
        super().__init__(message)
        self.exchange = exchange


class NoConnection(NoReply):
    """No connection was made, so nothing was sent."""


class HttpConnection:
    """The pool. Proxies of the environment are not used: the target is measured, not the way to it.

    Raises:
        UserError: the base URL is not an address.
    """

    def __init__(self, context: RunContext) -> None:
        self.context = context
        try:
            self.client = _client(context.target, context.run_id)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise UserError(
                f"target.base_url: {type(error).__name__}: not a valid address",
                hint="scheme, host and port: https://api.example.com:8443",
            ) from None

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
        target = self.context.target
        sent = dict(headers)
        if who.token is not None:
            self.context.mask.add(who.token, shown="$TOKEN")
            sent[who.header] = who.credential(who.token)
        request = self.client.build_request(method, url, headers=_encoded(sent), content=content)
        record = request_record(target, request.method, str(request.url), who=who, headers=sent, content=content)
        sent_at, start = time.time(), time.perf_counter()
        try:
            async with asyncio.timeout(target.timeout_s):
                response = await self.client.send(request, stream=True)
                try:
                    body = await _whole_body(response)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.ConnectTimeout):
            message = f"no complete reply within {target.timeout_s:g} s"
        except (httpx.TransportError, httpx.DecodingError, httpx.StreamError) as error:
            message = _reason(error)
        else:
            elapsed_ms = (time.perf_counter() - start) * 1000
            exchange = record.model_copy(
                update={
                    "status": response.status_code,
                    "response_headers": dict(response.headers),
                    "response_body": cut(body),
                    "elapsed_ms": round(elapsed_ms, 3),
                }
            )
            return Reply(response.status_code, dict(response.headers), body, exchange, sent_at, time.time())
        elapsed_ms = (time.perf_counter() - start) * 1000
        raise NoReply(
            f"{method} {record.url}: {message}",
            record.model_copy(update={"error": message, "elapsed_ms": round(elapsed_ms, 3)}),
        )

    async def require_reachable(self) -> None:
        """Send one request; any HTTP reply will do.

        Raises:
            TargetError: nothing answers.
        """
        target = self.context.target
        try:
            # A variable in the path has no value before the set-up requests.
            await self.send("GET", target.path.partition("{")[0], ANONYMOUS, {}, None)
        except NoReply as error:
            raise TargetError(
                target.base_url, error.exchange.error, hint="is it running, and is the address right?"
            ) from None


def _client(target: Target, run_id: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=target.base_url,
        verify=trusted_context(target.ca_file),
        http2=False,
        trust_env=False,
        follow_redirects=False,
        limits=_POOL,
        # Every request has an overall limit in send(); but a handshake that is interrupted by it leaks its socket.
        timeout=httpx.Timeout(None, connect=target.timeout_s * _CONNECT_TIMEOUT_RATIO),
        headers={
            "user-agent": f"createflow/{createflow.__version__} (run {run_id})",
            "accept": target.accept,
            **target.headers,
        },
    )


async def _whole_body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > _MAX_REPLY_BYTES:
            raise httpx.StreamError(f"the reply is longer than {_MAX_REPLY_BYTES} bytes")
    return bytes(body)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """As bytes: checks deliberately send header values that httpx refuses as text."""
    return [(name.encode("ascii"), value.encode("utf-8")) for name, value in headers.items()]


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return str(error) or str(cause) or type(error).__name__
