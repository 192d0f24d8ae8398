"""Single events during a load: a consumer for each watch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import DeliverPolicy

from createflow.scenarios.sinks.nats.consumer import (
    FAILURES,
    Pages,
    add_consumer,
    ignore,
    is_status,
    require_readable,
)
from createflow.scenarios.sinks.sink import EventSeen
from createflow.schemas.profile_sinks import EventSink

_PAGE_EVENTS = 500
_CONSUMER_KEPT_S = 10.0
_CONNECT_ATTEMPTS = 10


class NatsWatch:
    """Fills EventWatch with a consumer for each watch, created just before the create that it waits for."""

    def __init__(self, section: EventSink) -> None:
        self._section = section
        self._client: Client | None = None
        self._lock = asyncio.Lock()

    async def open(self) -> Self:
        """Connect, so that the first watch does not include it."""
        await self._connection()
        return self

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await self._client.close()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[EventSeen]:
        """Every event from now on is seen by the function that this yields."""
        client = await self._connection()
        next_subject = await add_consumer(client, self._section, DeliverPolicy.NEW, kept_s=_CONSUMER_KEPT_S)
        pages = Pages(client, next_subject)
        subscription = await pages.open()

        async def seen(texts: tuple[bytes, ...], within_s: float) -> bool:
            expires_ns = int((within_s + 1) * 1e9)
            try:
                async with asyncio.timeout(within_s):
                    while True:
                        await pages.ask(_PAGE_EVENTS, expires=expires_ns)
                        for number in range(_PAGE_EVENTS):
                            message = await pages.next()
                            if _contains(message, texts):
                                return True
                            if is_status(message):
                                require_readable(message, number)
                                break
            except TimeoutError:
                # Events that arrived in time but were not looked at yet count as seen.
                return any(_contains(message, texts) for message in pages.at_hand())

        try:
            yield seen
        finally:
            with suppress(*FAILURES):
                await subscription.unsubscribe()
                await client.jetstream().delete_consumer(self._section.stream, next_subject.rpartition(".")[2])

    async def _connection(self) -> Client:
        async with self._lock:
            if self._client is None:
                self._client = await nats.connect(
                    self._section.url.get_secret_value(),
                    name="createflow bench sampler",
                    connect_timeout=2,
                    max_reconnect_attempts=_CONNECT_ATTEMPTS,  # also limits the first connection
                    reconnect_time_wait=0.2,
                    error_cb=ignore,
                )
            elif self._client.is_closed:
                self._client = None
                raise nats.errors.ConnectionClosedError
            return self._client


def _contains(message: Msg, texts: tuple[bytes, ...]) -> bool:
    return any(text in message.data for text in texts)
