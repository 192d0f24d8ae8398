"""Serves requests over real sockets with h11, so that what is lawful on the wire is decided by a kept parser."""

import asyncio
import http.client
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from email.utils import formatdate
from time import time

import h11

from tests.scenarios.checks.liberties.habits import Habits, Headers

_READ_BYTES = 65_536
_HEAD_BYTES = 32_768


@dataclass(frozen=True)
class Request:
    """A request that came whole."""

    method: str
    target: str
    headers: Headers
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        """The values of a field, by its name in lower case."""
        return [value for key, value in self.headers if key == name]

    def first(self, name: str) -> str | None:
        """Its first value."""
        return next(iter(self.all(name)), None)


@dataclass(frozen=True)
class Answer:
    """A reply without the headers that every reply has."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    media_type: str = "application/json"
    closes: bool = False


Service = Callable[[Request], Awaitable[Answer]]


class _Connection:
    def __init__(
        self, habits: Habits, service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._habits = habits
        self._service = service
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)

    async def serve(self) -> None:
        served = 0
        try:
            while True:
                answer, method = await self._one()
                if answer is None:
                    return
                served += 1
                is_last = answer.closes or served == self._habits.closes_after
                await self._write(answer, method, is_last=is_last)
                if served == self._habits.hangs_up_after:
                    return
                if is_last or self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                    return
                self._http.start_next_cycle()
        except h11.RemoteProtocolError as error:
            await self._write(Answer(error.error_status_hint, closes=True), "GET", is_last=True)

    async def _one(self) -> tuple[Answer | None, str]:
        head: h11.Request | None = None
        body, is_too_large = bytearray(), False
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    self._writer.write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
                self._http.receive_data(await self._reader.read(_READ_BYTES))
            elif isinstance(event, h11.Request):
                head = event
                early = self._too_early(head)
                if early is not None:
                    return early, head.method.decode()
            elif isinstance(event, h11.Data):
                is_too_large = is_too_large or len(body) + len(event.data) > self._habits.max_body_bytes
                if is_too_large:
                    return Answer(self._habits.too_large, closes=True), "POST"
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                headers = tuple((name.decode(), value.decode("latin-1")) for name, value in head.headers)
                request = Request(head.method.decode(), head.target.decode("latin-1"), headers, bytes(body))
                answer = await self._service(request)
                if {"transfer-encoding", "content-length"} <= {name for name, _ in headers}:
                    answer = replace(answer, closes=True)  # RFC 9112 §6.1
                return answer, request.method
            else:  # closed, or paused
                return None, ""

    def _too_early(self, head: h11.Request) -> Answer | None:
        """What is refused by its header, before the body came."""
        named = dict(head.headers)
        if self._habits.without_length is not None and b"transfer-encoding" in named:
            return Answer(self._habits.without_length, closes=True)
        if int(named.get(b"content-length", b"0")) > self._habits.max_body_bytes:
            return Answer(self._habits.too_large, closes=True)
        return None

    async def _write(self, answer: Answer, method: str, *, is_last: bool) -> None:
        habits = self._habits
        has_body = answer.status not in {204, 304}
        headers: list[tuple[str, str]] = [*answer.headers, *habits.always]
        if has_body:
            headers += [("content-type", answer.media_type), ("content-length", str(len(answer.body)))]
        if habits.has_date:
            headers.append(("date", formatdate(time() - habits.date_lag_s, usegmt=True)))
        if is_last:
            headers.append(("connection", "close"))
        raw = b""
        reason = http.client.responses.get(answer.status, "")
        with suppress(h11.LocalProtocolError):
            raw += (
                self._http.send(h11.Response(status_code=answer.status, headers=headers, reason=reason.encode())) or b""
            )
            if has_body and method != "HEAD":
                raw += self._http.send(h11.Data(data=answer.body)) or b""
            raw += self._http.send(h11.EndOfMessage()) or b""
        raw = habits.wire(raw)
        size = max(1, -(-len(raw) // habits.pieces))
        for start in range(0, len(raw), size):
            self._writer.write(raw[start : start + size])
            await self._writer.drain()
            await asyncio.sleep(0)


@asynccontextmanager
async def serving(habits: Habits, service: Service) -> AsyncIterator[str]:
    """Serve on a free port of loopback; gives the base URL."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # Python 3.11 tells of a connection that the end of the loop cancels as of an error.
            with suppress(ConnectionError, asyncio.CancelledError):
                await _Connection(habits, service, reader, writer).serve()
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
