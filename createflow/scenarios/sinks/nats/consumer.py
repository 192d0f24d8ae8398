"""What every way to read a stream shares: the connection, the consumer, and the server's word that a page is over."""

import json

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
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


def page_request(events: int, **options: object) -> bytes:
    """The request for the next page: so many events at most, and a bounded number of bytes."""
    return json.dumps({"batch": events, "max_bytes": _MOST_PAGE_BYTES, **options}).encode()


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
