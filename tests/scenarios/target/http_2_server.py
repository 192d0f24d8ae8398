"""Serves requests over HTTP/2 with h2, a protocol library that is not the tester's own code."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from tests.scenarios.checks.liberties.habits import Habits
from tests.scenarios.checks.liberties.wire import Answer, Request, Service

_READ_BYTES = 65_536
_ALWAYS = Habits().always


class _Connection:
    def __init__(self, service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._service = service
        self._reader = reader
        self._writer = writer
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self._requests: dict[int, tuple[list[tuple[str, str]], bytearray]] = {}
        self._waiting: dict[int, bytes] = {}

    async def serve(self) -> None:
        self._h2.initiate_connection()
        await self._flush()
        while data := await self._reader.read(_READ_BYTES):
            for event in self._h2.receive_data(data):
                await self._on(event)
            for stream in list(self._waiting):
                self._send_rest(stream)
            await self._flush()

    async def _on(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._requests[event.stream_id] = ([(str(name), str(value)) for name, value in event.headers], bytearray())
        elif isinstance(event, h2.events.DataReceived):
            self._requests[event.stream_id][1].extend(event.data)
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            fields, body = self._requests.pop(event.stream_id)
            named = dict(fields)
            own = [("host", named[":authority"]), *(pair for pair in fields if pair[0][0] != ":")]
            request = Request(named[":method"], named[":path"], tuple(own), bytes(body))
            self._send(event.stream_id, await self._service(request), request.method)

    def _send(self, stream: int, answer: Answer, method: str) -> None:
        has_body = answer.status not in {204, 304} and method != "HEAD" and bool(answer.body)
        headers = [(":status", str(answer.status)), ("date", formatdate(usegmt=True)), *_ALWAYS, *answer.headers]
        if answer.body and answer.status not in {204, 304}:
            headers += [("content-type", answer.media_type), ("content-length", str(len(answer.body)))]
        self._h2.send_headers(stream, headers, end_stream=not has_body)
        if has_body:
            self._waiting[stream] = answer.body
            self._send_rest(stream)

    def _send_rest(self, stream: int) -> None:
        rest = self._waiting[stream]
        size = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size, len(rest))
        while size > 0:
            part, rest = rest[:size], rest[size:]
            self._h2.send_data(stream, part, end_stream=not rest)
            if not rest:
                break
            size = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size, len(rest))
        if rest:
            self._waiting[stream] = rest
        else:
            self._waiting.pop(stream, None)

    async def _flush(self) -> None:
        self._writer.write(self._h2.data_to_send())
        await self._writer.drain()


@asynccontextmanager
async def http_2_server(service: Service, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve on a free port; gives the base URL."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _Connection(service, reader, writer).serve()
        except (OSError, h2.exceptions.ProtocolError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
