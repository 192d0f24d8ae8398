"""What every way to read a stream shares: the connection, the consumer, and the server's word that a page is over."""

import asyncio
import json

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import Error as JetStreamError

from createflow.scenarios.outcome import Inconclusive
from createflow.schemas.profile_sinks import EventSink

_MOST_PAGE_BYTES = 64 * 1024 * 1024
_STATUS_HEADER = "Status"
_DESCRIPTION_HEADER = "Description"
FAILURES = (nats.errors.Error, JetStreamError, TimeoutError, OSError)


async def connect_once(section: EventSink) -> Client:
    """A connection that is not made again once it is lost."""
    return await nats.connect(
        section.url.get_secret_value(),
        name="createflow bench",
        connect_timeout=3,
        allow_reconnect=False,
        max_reconnect_attempts=1,  # also limits the first connection
        reconnect_time_wait=0.1,
        error_cb=ignore,
    )


async def add_consumer(
    client: Client, section: EventSink, policy: DeliverPolicy, *, kept_s: float, start_sequence: int | None = None
) -> str:
    """Create a consumer of creates. Returns the subject on which its next events are requested."""
    consumer = await client.jetstream().add_consumer(
        section.stream,
        ConsumerConfig(
            deliver_policy=policy,
            opt_start_seq=start_sequence,
            ack_policy=AckPolicy.NONE,
            filter_subject=section.created_subject or section.subject,
            inactive_threshold=kept_s,
            mem_storage=True,
        ),
    )
    return f"$JS.API.CONSUMER.MSG.NEXT.{section.stream}.{consumer.name}"


class Pages:
    """The pages of a consumer, each in an inbox of its own.

    The server may report that a page is complete, after its last event: that is not the end of the next page.

    Args:
        client: the connection.
        next_subject: where the consumer is asked for its next events.
    """

    def __init__(self, client: Client, next_subject: str) -> None:
        self._client = client
        self._next_subject = next_subject
        self._inboxes = client.new_inbox()
        self._inbox = ""
        self._asked = 0
        self._arrived: asyncio.Queue[Msg] = asyncio.Queue()

    async def open(self) -> Subscription:
        """Listen."""
        return await self._client.subscribe(f"{self._inboxes}.*", cb=self._arrived.put)

    async def ask(self, events: int, **options: object) -> None:
        """Ask for the next page: so many events at most, and a bounded number of bytes."""
        self._asked += 1
        self._inbox = f"{self._inboxes}.{self._asked}"
        request = json.dumps({"batch": events, "max_bytes": _MOST_PAGE_BYTES, **options}).encode()
        await self._client.publish(self._next_subject, request, reply=self._inbox)

    async def next(self) -> Msg:
        """The next event, or the server's word that the page is over."""
        while is_status(message := await self._arrived.get()) and message.subject != self._inbox:
            pass
        return message

    def at_hand(self) -> list[Msg]:
        """What has arrived and was not looked at."""
        return [self._arrived.get_nowait() for _ in range(self._arrived.qsize())]


def is_status(message: Msg) -> bool:
    """The server's own message: no more events now."""
    return bool(message.headers and _STATUS_HEADER in message.headers)


def is_full(status: Msg) -> bool:
    """The page has as many bytes as were asked for at most, and there may be more."""
    return "maxbytes" in (status.headers or {}).get(_DESCRIPTION_HEADER, "").lower().replace(" ", "")


def require_readable(status: Msg, page: object) -> None:
    """A page that is full without an event has one that is too long."""
    if is_full(status) and not page:
        raise Inconclusive(f"the stream has an event of more than {_MOST_PAGE_BYTES} bytes: too long to read")


async def ignore(_: Exception) -> None:
    """A failure is raised by the call that needs the connection, or shows as a missing event."""
