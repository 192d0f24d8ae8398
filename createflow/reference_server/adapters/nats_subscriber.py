"""The service's side of the bus: the queue group, the floors of the others, the nudge to the relay."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from createflow.reference_server.adapters.nats_batch_frame import Part, join, portions, split
from createflow.reference_server.adapters.reply_frame import pack
from createflow.reference_server.domain import watermark_message as floor_news
from createflow.reference_server.domain.port import Answer
from createflow.reference_server.domain.version_watermarks import Floors

NUDGE_S = 0.005
"""Writes within this time wake the relay once."""

Accept = Callable[[bytes, Callable[[Answer], None]], None]


class NatsService:
    """Joins the queue group of the business tier; the subscription is the whole of service discovery."""

    def __init__(self, prefix: str, floors: Floors) -> None:
        self._prefix = prefix
        self._floors = floors
        self._client: Client | None = None
        self._work: Subscription | None = None
        self._nudge_due = False
        self._answers: dict[str, list[Part]] = {}
        self._sending: set[asyncio.Task[None]] = set()

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
            for place, envelope in split(message.data):
                accept(envelope, partial(self._respond, message.reply, place))

        await client.subscribe(f"{self._prefix}.floors", cb=on_floor)
        self._work = await client.subscribe(f"{self._prefix}.resources.requests", queue="service", cb=on_work)
        await client.flush()

    async def leave(self) -> None:
        """Take no more work; what has arrived is still handed over."""
        if self._work is not None and self._client is not None and self._client.is_connected:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                await self._work.drain()  # type: ignore[no-untyped-call]  # the library's

    async def finish(self) -> None:
        """Until every answer is handed to the connection."""
        while self._answers or self._sending:
            await asyncio.sleep(0)

    def _respond(self, inbox: str, place: int, answer: Answer) -> None:
        """Answers of one turn to one message travel as one message, too."""
        if not self._answers:
            asyncio.get_running_loop().call_soon(self._send_answers)
        self._answers.setdefault(inbox, []).append((place, pack(answer)))

    def _send_answers(self) -> None:
        answers, self._answers = self._answers, {}
        for inbox, parts in answers.items():
            for portion in portions(parts):
                self._publish(inbox, join(portion))

    def _publish(self, subject: str, data: bytes = b"") -> None:
        if self._client is not None and self._client.is_connected:
            task = asyncio.create_task(self._published(self._client, subject, data))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _published(self, client: Client, subject: str, data: bytes) -> None:
        with contextlib.suppress(nats.errors.Error):  # the gateway sees its own timeout then
            await client.publish(subject, data)

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
        self._publish(f"{self._prefix}.nudge")
