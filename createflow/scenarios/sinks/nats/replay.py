"""All events after a load, page by page: a pull consumer that starts behind a position."""

import asyncio
from collections.abc import AsyncIterator

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import DeliverPolicy

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.nats.consumer import (
    Pages,
    add_consumer,
    connect_once,
    is_full,
    is_status,
    require_readable,
)
from createflow.scenarios.sinks.sink import PublishedEvent
from createflow.schemas.profile_sinks import EventSink

_PAGE_EVENTS = 1_000
_TIMEOUT_S = 5.0
_CONSUMER_KEPT_S = 60.0
"""The server deletes a consumer that was not used for this long."""
_MESSAGE_ID_HEADER = "Nats-Msg-Id"


class NatsReplay:
    """Fills EventReplay with a pull consumer."""

    def __init__(self, section: EventSink, *, after: int) -> None:
        self._section = section
        self._after = self._beginning = after
        """The sequence number of the last event that was read."""
        self._client: Client | None = None
        self._pages: Pages | None = None

    async def close(self) -> None:
        """Close the connection; the server deletes the consumer."""
        if self._client is not None:
            await self._client.close()
            self._client = self._pages = None

    async def rewind(self) -> None:
        """Begin again at the position."""
        await self.close()
        self._after = self._beginning

    async def pages(self) -> AsyncIterator[list[PublishedEvent]]:
        """All events that are in the stream now and were not read before.

        The server itself reports when there are no more, so that the end is not a guess from silence.

        Raises:
            NotDeclared: the stream has dropped events after the position.
        """
        try:
            if self._client is None:
                await self._open()
            has_more = True
            while has_more:
                page, has_more = await self._next_page()
                if page:
                    self._after = page[-1].metadata.sequence.stream
                yield [_event(message) for message in page]
        except BaseException:
            await self.close()  # the next call continues after the last whole page
            raise

    async def _open(self) -> None:
        self._client = await connect_once(self._section)
        info = await self._client.jetstream().stream_info(self._section.stream)
        if info.state.first_seq > self._after + 1:
            raise NotDeclared(f"the stream {self._section.stream} has dropped events since the run began")
        next_subject = await add_consumer(
            self._client,
            self._section,
            DeliverPolicy.BY_START_SEQUENCE,
            kept_s=_CONSUMER_KEPT_S,
            start_sequence=self._after + 1,
        )
        self._pages = Pages(self._client, next_subject)
        await self._pages.open()

    async def _next_page(self) -> tuple[list[Msg], bool]:
        """A page, and whether there may be more."""
        if self._pages is None:
            raise nats.errors.ConnectionClosedError
        await self._pages.ask(_PAGE_EVENTS, no_wait=True)
        page: list[Msg] = []
        while len(page) < _PAGE_EVENTS:
            async with asyncio.timeout(_TIMEOUT_S):
                message = await self._pages.next()
            if is_status(message):
                require_readable(message, page)
                return page, is_full(message) or bool(page and page[-1].metadata.num_pending)
            page.append(message)
        return page, True


def _event(message: Msg) -> PublishedEvent:
    headers = message.headers or {}
    return PublishedEvent(
        message.data,
        message_id=headers.get(_MESSAGE_ID_HEADER),
        subject=message.subject,
        headers=headers,
        position=str(message.metadata.sequence.stream),
    )
