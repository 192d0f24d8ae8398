"""A gateway's place in the balancer of its stack: held by a connection, given up before the gateway ends."""

import asyncio
import contextlib
import json
import socket
import ssl
from pathlib import Path

from createflow.reference_server.process.private_file import write_private
from createflow.schemas.error import UserError

_RETRY_S = 0.5
_CONNECT_S = 5.0
_LEAVE_S = 2.0
_LINE_MAX_BYTES = 64 * 1024


class Place:
    """Tells the balancer where the gateway is, for as long as it may send requests there.

    Args:
        door: host and port of the stack, for gateways that join.
        trust: with the certificate of a gateway.
        name: of the gateway.
        address: where the balancer reaches it: IP address and port.
        jwks_file: gets the issuer's public keys whenever they change.
    """

    def __init__(
        self,
        door: tuple[str, int],
        trust: ssl.SSLContext,
        *,
        name: str,
        address: tuple[str, int],
        jwks_file: Path,
    ) -> None:
        self._door = door
        self._trust = trust
        self._hello = {"join": name, "address": address[0], "port": address[1]}
        self._jwks_file = jwks_file
        self._writer: asyncio.StreamWriter | None = None
        self._has_left = asyncio.Event()
        self.is_held = False
        """Whether the balancer has the address."""
        self.refusal = ""
        """Why there is no place."""

    async def hold(self) -> None:
        """Keep the place until ``leave`` or cancelled: ask again whenever the connection is lost."""
        while not self._has_left.is_set():
            with contextlib.suppress(OSError, TimeoutError, ValueError):
                await self._hold_once()
            self.is_held = False
            await asyncio.sleep(_RETRY_S)

    async def leave(self) -> None:
        """Return when the balancer sends no more requests, or does not answer."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(b'{"leave": true}\n')
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._has_left.wait(), _LEAVE_S)

    async def _hold_once(self) -> None:
        async with asyncio.timeout(_CONNECT_S):
            reader, writer = await asyncio.open_connection(*self._door, ssl=self._trust, limit=_LINE_MAX_BYTES)
        self._writer = writer
        try:
            writer.write(json.dumps(self._hello).encode("utf-8") + b"\n")
            while line := await reader.readline():
                self._hear(json.loads(line))
        finally:
            writer.close()

    def _hear(self, message: dict[str, str]) -> None:
        if "error" in message:
            self.refusal = message["error"]
        elif "place" in message:
            self.refusal = ""
            self.is_held = True
        elif "left" in message:
            self._has_left.set()
        elif "jwks" in message:
            # Never seen half written: the gateway reads it at any time.
            write_private(self._jwks_file.with_suffix(".new"), message["jwks"]).replace(self._jwks_file)


def reachable_from(door: tuple[str, int]) -> str:
    """The address of this machine on the way to the stack: the one that the stack can answer to.

    Raises:
        UserError: there is no way.
    """
    try:
        family, kind, _, _, target = socket.getaddrinfo(*door, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(target)  # sends nothing
            return str(probe.getsockname()[0])
    except OSError as error:
        raise UserError(
            f"there is no way to {door[0]}: {error.strerror}", hint="name the address of this machine: --address"
        ) from None
