"""The service's side of the bus: the queue group, the floors of the others, the nudge to the relay."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from createflow.reference_server import floor_news
from createflow.reference_server.adapters.reply_frame import pack
from createflow.reference_server.floors import Floors
from createflow.reference_server.port import Answer

NUDGE_S = 0.005
"""Writes within this time wake the relay once."""

Accept = Callable[[str, bytes, Mapping[str, str], Callable[[Answer], Awaitable[None]]], Awaitable[None]]


class NatsService:
    """Joins the queue group of the business tier; the subscription is the whole of service discovery."""

    def __init__(self, prefix: str, floors: Floors) -> None:
        self._prefix = prefix
        self._floors = floors
        self._client: Client | None = None
        self._work: Subscription | None = None
        self._nudge_due = False
        self._nudging: set[asyncio.Task[None]] = set()

    @property
    def joined(self) -> bool:
        """Whether requests can arrive."""
        return self._work is not None and self._client is not None and self._client.is_connected

    async def join(self, client: Client, accept: Accept) -> None:
        """Hear of floors first, then take work."""
        self._client = client

        async def on_floor(message: Msg) -> None:
            floor_news.take(self._floors, message.data)

        async def on_work(message: Msg) -> None:
            async def respond(answer: Answer) -> None:
                with contextlib.suppress(nats.errors.Error):  # the gateway sees its own timeout then
                    await client.publish(message.reply, pack(answer))

            op = message.subject.rpartition(".")[2]
            await accept(op, message.data, message.headers or {}, respond)

        await client.subscribe(f"{self._prefix}.floors", cb=on_floor)
        self._work = await client.subscribe(f"{self._prefix}.resources.*", queue="service", cb=on_work)
        await client.flush()

    async def leave(self) -> None:
        """Take no more work; what has arrived is still handed over."""
        if self._work is not None and self._client is not None and self._client.is_connected:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                await self._work.drain()  # type: ignore[no-untyped-call]  # the library's

    async def announce(self, resource_id: str, version: int) -> None:
        """Tell the other instances; a lost message leaves the versions in cache and replica to be trusted."""
        if self._client is not None:
            with contextlib.suppress(nats.errors.Error):
                await self._client.publish(f"{self._prefix}.floors", floor_news.pack(resource_id, version))

    def nudge(self) -> None:
        """Wake the relay soon."""
        if not self._nudge_due and self._client is not None:
            self._nudge_due = True
            asyncio.get_running_loop().call_later(NUDGE_S, self._send_nudge)

    def _send_nudge(self) -> None:
        self._nudge_due = False
        if self._client is not None and self._client.is_connected:
            task = asyncio.create_task(self._publish_nudge(self._client))
            self._nudging.add(task)
            task.add_done_callback(self._nudging.discard)

    async def _publish_nudge(self, client: Client) -> None:
        with contextlib.suppress(nats.errors.Error):
            await client.publish(f"{self._prefix}.nudge")
