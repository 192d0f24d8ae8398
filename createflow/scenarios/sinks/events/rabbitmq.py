"""RabbitMQ: a queue of the run's own, bound to the exchange. It is exclusive and goes with its connection."""

import asyncio
import logging
import ssl
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from createflow.scenarios.sinks.failure import SinkFailed, reason_of, required
from createflow.scenarios.sinks.sink import PublishedEvent
from createflow.scenarios.target.tls import trusted_context
from createflow.schemas.error import UserError
from createflow.schemas.profile_sinks import RabbitSink

_TIMEOUT_S = 5.0
_PAGE_EVENTS = 500
_MOST_QUEUED_BYTES = 128 * 1024 * 1024
"""The broker keeps no more for us; it is read all the time."""


class RabbitSource:
    """Fills EventSource. Events that came while there was no queue are not seen, so it cannot go on after a loss.

    Raises:
        UserError: the URL is not one of RabbitMQ, or the extra is not installed.
    """

    keeps = False

    def __init__(self, section: RabbitSink) -> None:
        self._library = required("aio_pika", extra="rabbitmq", what="[sinks.events] of RabbitMQ")
        self._errors = (required("aiormq", extra="rabbitmq", what="RabbitMQ").exceptions.AMQPError, OSError)
        for name in ("aio_pika", "aiormq"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what they log, they raise as well
        self._section = section
        self._url = section.url.get_secret_value()
        try:
            parts = urlsplit(self._url)
            has_host = bool(parts.hostname) and parts.port != 0
        except ValueError:
            has_host = False
        if not has_host or parts.scheme not in {"amqp", "amqps"}:
            raise UserError(
                "the url of [sinks.events] is not one of RabbitMQ", hint="amqp://USER:PASSWORD@HOST:5672/VHOST"
            )
        self._connection: Any = None
        self._queue: Any = None

    @property
    def address(self) -> str:
        """Host and port, without credentials."""
        return urlsplit(self._url).netloc.rpartition("@")[2]

    async def open(self) -> None:
        """Connect, make the queue and bind it."""
        context: ssl.SSLContext | None = None
        if self._url.startswith("amqps"):
            context = trusted_context(self._section.ca_file)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                self._connection = await self._library.connect(
                    self._url, ssl_context=context, client_properties={"connection_name": "createflow"}
                )
                await self._bind()
        except TimeoutError:
            await self.close()
            raise SinkFailed(f"no answer within {_TIMEOUT_S:g} s; check sinks.events.url") from None
        except self._errors as error:
            await self.close()
            raise SinkFailed(self._told(error)) from None

    async def take(self) -> list[PublishedEvent]:
        """Some events; none where the queue is empty. What is taken is gone from this queue, and from no other."""
        found: list[PublishedEvent] = []
        if self._queue is None:
            raise SinkFailed("the connection is closed")
        try:
            while len(found) < _PAGE_EVENTS:
                async with asyncio.timeout(_TIMEOUT_S):
                    message = await self._queue.get(no_ack=True, fail=False)
                if message is None:
                    break
                found.append(_event(message))
        except TimeoutError:
            raise SinkFailed(f"no answer within {_TIMEOUT_S:g} s") from None
        except self._errors as error:
            raise SinkFailed(reason_of(error)) from None
        return found

    async def skip(self) -> None:
        """Empty the queue."""
        while await self.take():
            pass

    def rewind(self) -> None:
        """Do nothing: what was taken is gone."""

    async def close(self) -> None:
        """Close the connection; the broker removes the queue."""
        connection, self._connection, self._queue = self._connection, None, None
        if connection is not None:
            with suppress(*self._errors, TimeoutError):
                await connection.close()

    async def _bind(self) -> None:
        channel = await self._connection.channel(publisher_confirms=False)
        exchange = await channel.get_exchange(self._section.exchange, ensure=True)
        self._queue = await channel.declare_queue(
            exclusive=True, auto_delete=True, arguments={"x-max-length-bytes": _MOST_QUEUED_BYTES}
        )
        await self._queue.bind(exchange, routing_key=self._section.routing_key)

    def _told(self, error: BaseException) -> str:
        said = reason_of(error)
        if "ACCESS_REFUSED" in said and "Login" in said:
            keys = "user and password of sinks.events.url"
        elif "ACCESS_REFUSED" in said:
            keys = "the user's rights: configure and write on its own queue, read on it and on the exchange"
        elif "NOT_FOUND" in said:
            keys = "sinks.events.exchange"
        else:
            keys = "sinks.events.url, with the virtual host"
        return f"{said}; check {keys}"


def _event(message: Any) -> PublishedEvent:
    headers = {str(name): str(value) for name, value in (message.headers or {}).items()}
    return PublishedEvent(
        bytes(message.body),
        message_id=message.message_id,
        subject=message.routing_key or "",
        headers=headers,
        position=str(message.delivery_tag),
    )
