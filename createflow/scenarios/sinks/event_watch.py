"""Waiting for one event under load: a short-lived consumer that begins just before the create it waits for."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Self

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import Error as JetStreamError

from createflow.schemas.profile import EventSink

_PAGE_EVENTS = 500
_KEPT_S = 10.0
_ATTEMPTS = 10
_STATUS = "Status"
_FAILURES = (nats.errors.Error, JetStreamError, TimeoutError, OSError)

Seen = Callable[[tuple[bytes, ...], float], Awaitable[bool]]
"""Whether an event with one of the texts comes within so many seconds."""


class EventWatch:
    """Sees only what is published while it watches: far fewer events than a listener for the whole run would get."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink
        self._client: Client | None = None
        self._turn = asyncio.Lock()

    async def open(self) -> Self:
        """Connect now, so that the first watch does not pay for it."""
        await self._connected()
        return self

    async def close(self) -> None:
        """Leave."""
        if self._client is not None:
            await self._client.close()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Seen]:
        """Every event from now on is seen by what this yields."""
        client = await self._connected()
        context = client.jetstream()
        consumer = await context.add_consumer(
            self._sink.stream,
            ConsumerConfig(
                deliver_policy=DeliverPolicy.NEW,
                ack_policy=AckPolicy.NONE,
                filter_subject=self._sink.created_subject or self._sink.subject,
                inactive_threshold=_KEPT_S,
                mem_storage=True,
            ),
        )
        inbox = client.new_inbox()
        arrived: asyncio.Queue[Msg] = asyncio.Queue()
        subscription = await client.subscribe(inbox, cb=arrived.put)
        asking = f"$JS.API.CONSUMER.MSG.NEXT.{self._sink.stream}.{consumer.name}"

        async def seen(texts: tuple[bytes, ...], within_s: float) -> bool:
            wanted = {"batch": _PAGE_EVENTS, "expires": int((within_s + 1) * 1e9)}
            request = json.dumps(wanted).encode()
            try:
                async with asyncio.timeout(within_s):
                    while True:
                        await client.publish(asking, request, reply=inbox)
                        for _ in range(_PAGE_EVENTS):
                            message = await arrived.get()
                            if _has(message, texts):
                                return True
                            if message.headers and _STATUS in message.headers:
                                break
            except TimeoutError:
                # What arrived in time and was not looked at yet is no fault of the stream's.
                return any(_has(arrived.get_nowait(), texts) for _ in range(arrived.qsize()))

        try:
            yield seen
        finally:
            with suppress(*_FAILURES):
                await subscription.unsubscribe()
                await context.delete_consumer(self._sink.stream, consumer.name)

    async def _connected(self) -> Client:
        async with self._turn:
            if self._client is None:
                self._client = await nats.connect(
                    self._sink.url.get_secret_value(),
                    name="createflow bench sampler",
                    connect_timeout=2,
                    max_reconnect_attempts=_ATTEMPTS,  # counts for the first connection, too
                    reconnect_time_wait=0.2,
                    error_cb=_ignore,
                )
            elif self._client.is_closed:
                self._client = None
                raise nats.errors.ConnectionClosedError
            return self._client


def _has(message: Msg, texts: tuple[bytes, ...]) -> bool:
    return any(text in message.data for text in texts)


async def _ignore(_: Exception) -> None:
    """The client reconnects by itself; a missed event is what tells."""
