"""Connections to NATS, and the gateway's request and reply over one."""

import asyncio
from collections.abc import Callable
from typing import Any

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import (
    ConnectionClosedError,
    ConnectionDrainingError,
    ConnectionReconnectingError,
    MaxPayloadError,
    NoRespondersError,
    OutboundBufferLimitError,
    StaleConnectionError,
)
from nats.errors import TimeoutError as NatsTimeoutError

from createflow.reference_server.adapters.reply_frame import unpack
from createflow.reference_server.port import Answer, UnavailableError, UnknownOutcomeError

_NOT_SENT = (
    NoRespondersError,
    OutboundBufferLimitError,
    ConnectionClosedError,
    ConnectionDrainingError,
    ConnectionReconnectingError,
    StaleConnectionError,
    MaxPayloadError,
)
RECONNECT_S = 0.2


async def connect(url: str, name: str, *, buffered: bool = True) -> Client:
    """A connection that is made as soon as the server is there, and made again whenever it is lost.

    Args:
        url: with user and password.
        name: shown in the server's list of connections.
        buffered: keep what is published while the server is away. Not for requests: one could be carried out long
            after its client has been told that it was not.
    """
    options: dict[str, Any] = {} if buffered else {"pending_size": 0}
    while True:
        try:
            return await nats.connect(
                url,
                name=name,
                connect_timeout=1,
                reconnect_time_wait=RECONNECT_S,
                max_reconnect_attempts=-1,
                ping_interval=5,
                error_cb=_ignore,
                skip_subject_validation=True,
                **options,
            )
        except (OSError, nats.errors.Error, TimeoutError):
            await asyncio.sleep(RECONNECT_S / 4)


async def listen(client: Client, subject: str, heard: Callable[[], None]) -> None:
    """Call ``heard`` for each message on a subject."""

    async def on_message(_message: Msg) -> None:
        heard()

    await client.subscribe(subject, cb=on_message)


async def _ignore(_error: Exception) -> None:
    """Lost connections show in /readyz and in the refusals; the library would print a traceback each time."""


class NatsBus:
    """Requests to ``{prefix}.resources.{op}``: the server picks one member of the queue group."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._client: Client | None = None

    @property
    def connected(self) -> bool:
        """Whether a request could be sent now."""
        return self._client is not None and self._client.is_connected

    def use(self, client: Client) -> None:
        """From now on send over this connection."""
        self._client = client

    async def request(self, op: str, envelope: bytes, headers: dict[str, str], timeout_s: float) -> Answer:
        """Ask any one instance."""
        client = self._client
        if client is None or not client.is_connected:
            raise UnavailableError("not connected")
        try:
            message = await client.request(
                f"{self._prefix}.resources.{op}", envelope, timeout=timeout_s, headers=headers
            )
        except _NOT_SENT as error:
            raise UnavailableError(str(error)) from error
        except (NatsTimeoutError, TimeoutError) as error:
            raise UnknownOutcomeError(str(error)) from error
        return unpack(message.data)
