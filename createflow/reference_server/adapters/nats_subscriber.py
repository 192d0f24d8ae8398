"""The service's side of NATS: requests from the queue group, version watermarks, and the wake-up of the relay."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from createflow.reference_server.adapters.nats_bus import RoundTrip
from createflow.reference_server.adapters.nats_codec import (
    MalformedMessageError,
    Part,
    decode_batch,
    decode_watermark,
    encode_batch,
    encode_reply,
    encode_watermark,
    split_into_batches,
)
from createflow.reference_server.domain.ports import ServiceReply
from createflow.reference_server.domain.read_your_writes import VersionWatermarks

WAKE_UP_DELAY_S = 0.005
"""Writes within this time wake the relay once."""

Accept = Callable[[bytes, Callable[[ServiceReply], None]], None]
"""Takes an encoded request and the function that sends its reply."""


class NatsSubscriber:
    """A member of the services' queue group. The subscription is the whole of service discovery."""

    def __init__(self, prefix: str, watermarks: VersionWatermarks) -> None:
        self._prefix = prefix
        self._watermarks = watermarks
        self._client: Client | None = None
        self._round_trip = RoundTrip()
        self._requests: Subscription | None = None
        self._is_wake_up_due = False
        self._replies: dict[str, list[Part]] = {}
        self._sending: set[asyncio.Task[None]] = set()

    async def answers(self) -> bool:
        """Whether requests can arrive: it has joined, and the broker answers now."""
        return self._requests is not None and await self._round_trip.succeeds(self._client)

    async def hear(self, client: Client) -> None:
        """Hear from now on what other instances have written."""

        async def on_watermark(message: Msg) -> None:
            with contextlib.suppress(MalformedMessageError):
                self._watermarks.raise_to(*decode_watermark(message.data))

        await client.subscribe(f"{self._prefix}.watermarks", cb=on_watermark)
        await client.flush()

    async def join(self, client: Client, accept: Accept) -> None:
        """Take requests; call ``hear`` before."""
        self._client = client

        async def on_requests(message: Msg) -> None:
            for position, request in decode_batch(message.data):
                accept(request, partial(self._respond, message.reply, position))

        self._requests = await client.subscribe(f"{self._prefix}.resources.requests", queue="service", cb=on_requests)
        await client.flush()

    async def leave(self) -> None:
        """Take no more requests; those that have arrived are still accepted."""
        if self._requests is not None and self._client is not None and self._client.is_connected:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                await self._requests.drain()  # type: ignore[no-untyped-call]  # the library's

    async def finish(self) -> None:
        """Wait until every reply has been given to the connection."""
        while self._replies or self._sending:
            await asyncio.sleep(0)

    async def announce(self, resource_id: str, version: int) -> None:
        """Send a version watermark to the other instances.

        If the message is lost, they may read an older version from cache or replica.
        """
        if self._client is not None:
            with contextlib.suppress(nats.errors.Error):
                await self._client.publish(f"{self._prefix}.watermarks", encode_watermark(resource_id, version))

    def wake_relay(self) -> None:
        """Tell the outbox relay, within a few milliseconds, that there are new rows."""
        if not self._is_wake_up_due and self._client is not None:
            self._is_wake_up_due = True
            asyncio.get_running_loop().call_later(WAKE_UP_DELAY_S, self._send_wake_up)

    def _respond(self, inbox: str, position: int, reply: ServiceReply) -> None:
        """Collect replies: those of one turn to one message are sent as one message, too."""
        if not self._replies:
            asyncio.get_running_loop().call_soon(self._send_replies)
        self._replies.setdefault(inbox, []).append((position, encode_reply(reply)))

    def _send_replies(self) -> None:
        replies, self._replies = self._replies, {}
        for inbox, parts in replies.items():
            for batch in split_into_batches(parts):
                self._start_publishing(inbox, encode_batch(batch))

    def _start_publishing(self, subject: str, data: bytes = b"") -> None:
        if self._client is not None and self._client.is_connected:
            task = asyncio.create_task(self._publish(self._client, subject, data))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _publish(self, client: Client, subject: str, data: bytes) -> None:
        with contextlib.suppress(nats.errors.Error):  # the gateway gets no reply and times out
            await client.publish(subject, data)

    def _send_wake_up(self) -> None:
        self._is_wake_up_due = False
        self._start_publishing(f"{self._prefix}.relay_wake_up")
