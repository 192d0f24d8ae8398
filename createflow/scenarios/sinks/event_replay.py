"""The events of a JetStream stream since a place that was noted, read after the load instead of beside it."""

import asyncio
import json
from collections.abc import AsyncIterator

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RetentionPolicy

from createflow.scenarios.outcome import NotDeclared
from createflow.schemas.profile import EventSink

PAGE_EVENTS = 1_000
_PATIENCE_S = 5.0
_KEPT_S = 60.0
"""The server forgets a consumer that has not asked for this long."""
_STATUS = "Status"


async def last_place(sink: EventSink) -> int:
    """How far the stream is now; no connection is kept.

    Raises:
        NotDeclared: the stream does not keep its events, so that they cannot be counted later.
    """
    async with await _connected(sink) as client:
        info = await client.jetstream().stream_info(sink.stream)
    if info.config.retention not in {None, RetentionPolicy.LIMITS}:
        raise NotDeclared(f"the stream {sink.stream} drops events once they are consumed")
    return info.state.last_seq


class EventReplay:
    """Reads on from where it stopped; the consumer leaves nothing behind on the server."""

    def __init__(self, sink: EventSink, *, after: int) -> None:
        self._sink = sink
        self._after = after
        """The place in the stream of the last event that was read."""
        self._client: Client | None = None
        self._asking = ""
        self._inbox = ""
        self._page: asyncio.Queue[Msg] = asyncio.Queue()

    async def close(self) -> None:
        """Leave; the server forgets the place."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def pages(self) -> AsyncIterator[list[Msg]]:
        """All events that are there now and were not read before.

        Asked for without waiting: the server itself says when there are no more, so that the end is no guess.
        """
        try:
            if self._client is None:
                await self._open()
            more = True
            while more:
                page, more = await self._next()
                if page:
                    self._after = page[-1].metadata.sequence.stream
                yield page
        except BaseException:
            await self.close()  # the next look begins after the last whole page
            raise

    async def _open(self) -> None:
        """Begin to read after the noted place.

        Raises:
            NotDeclared: something after it is gone already.
        """
        self._client = await _connected(self._sink)
        context = self._client.jetstream()
        info = await context.stream_info(self._sink.stream)
        if info.state.first_seq > self._after + 1:
            raise NotDeclared(f"the stream {self._sink.stream} has dropped events since the run began")
        consumer = await context.add_consumer(
            self._sink.stream,
            ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=self._after + 1,
                ack_policy=AckPolicy.NONE,
                filter_subject=self._sink.created_subject or self._sink.subject,
                inactive_threshold=_KEPT_S,
                mem_storage=True,
            ),
        )
        self._asking = f"$JS.API.CONSUMER.MSG.NEXT.{self._sink.stream}.{consumer.name}"
        self._inbox = self._client.new_inbox()
        self._page = asyncio.Queue()
        await self._client.subscribe(self._inbox, cb=self._page.put)

    async def _next(self) -> tuple[list[Msg], bool]:
        """A page, and whether there may be more."""
        if self._client is None:
            raise nats.errors.ConnectionClosedError
        wanted = json.dumps({"batch": PAGE_EVENTS, "no_wait": True}).encode()
        await self._client.publish(self._asking, wanted, reply=self._inbox)
        page: list[Msg] = []
        while len(page) < PAGE_EVENTS:
            async with asyncio.timeout(_PATIENCE_S):
                message = await self._page.get()
            if message.headers and _STATUS in message.headers:
                return page, False
            page.append(message)
        return page, True


async def _connected(sink: EventSink) -> Client:
    return await nats.connect(
        sink.url.get_secret_value(),
        name="createflow bench",
        connect_timeout=3,
        allow_reconnect=False,
        max_reconnect_attempts=1,  # counts for the first connection, too
        reconnect_time_wait=0.1,
        error_cb=_ignore,
    )


async def _ignore(_: Exception) -> None:
    """What fails is told by the call that needed it."""
