"""Where gateways of other machines tell of themselves, and get a place in the balancer while they are connected.

One JSON object a line. A gateway says ``{"join": NAME, "address": IP, "port": N}`` and hears ``{"place": NAME}`` or
``{"error": TEXT}``, and then ``{"jwks": TEXT}`` whenever the issuer's keys change. ``{"leave": true}`` is answered with
``{"left": true}`` once the balancer sends it nothing more. TLS ends in the proxy before, which lets only gateways in.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from createflow.reference_server.stack.command import ShortPath
from createflow.reference_server.stack.component import StatusRow
from createflow.reference_server.stages.api.load_balancer import PLACE

PLACES = 8
"""Gateways of other machines at a time."""
_LOOK_S = 0.5
_LINE_MAX_BYTES = 64 * 1024
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MAINTENANCE = 0x01
"""In the administrative state of a server: taken out by hand, as every place is at the start."""


@dataclass(eq=False, slots=True)
class _Member:
    """A gateway that is connected."""

    name: str
    address: str
    port: int
    writer: asyncio.StreamWriter
    leaves: bool = False


@dataclass(slots=True)
class Door:
    """Gives gateways their places.

    Args:
        socket_file: where the proxy passes their connections on.
        balancer: HAProxy's runtime API.
        jwks_file: the issuer's public keys.
    """

    socket_file: Path
    balancer: Path
    jwks_file: Path
    _members: dict[str, _Member] = field(default_factory=dict)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Let gateways in while the block lasts."""
        server = await asyncio.start_unix_server(self._answer, path=self.socket_file, limit=_LINE_MAX_BYTES)
        self.socket_file.chmod(0o600)
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.wait([watching])
            server.close()
            for member in self._members.values():
                member.writer.close()

    def rows(self) -> list[StatusRow]:
        """The gateways that have a place, for the status table."""
        return [
            StatusRow(
                member.name,
                f"[{member.address}]:{member.port}" if ":" in member.address else f"{member.address}:{member.port}",
                "leaves" if member.leaves else "joined",
                0,
                f"from another machine, {place} of the balancer",
            )
            for place, member in self._members.items()
        ]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = ""
        try:
            member = _member(json.loads(await reader.readline()), writer)
            place = next((name for name in _PLACE_NAMES if name not in self._members), "")
            if not place:
                _say(writer, error=f"the balancer has {PLACES} places for gateways, and all are taken")
                return
            self._members[place] = member
            await self._fill(place, member)
            _say(writer, place=place)
            while line := await reader.readline():
                if json.loads(line).get("leave"):
                    member.leaves = True
                    await self._command(f"set server gateways/{place} state drain")
                    _say(writer, left=True)
        except (ValueError, KeyError, TypeError, AttributeError):
            _say(writer, error="that is no gateway of this version of createflow")
        except OSError as error:
            _say(writer, error=f"the balancer does not answer: {error}")
        finally:
            if place:
                del self._members[place]
                with contextlib.suppress(OSError):
                    await self._command(f"set server gateways/{place} state maint")
            writer.close()

    async def _fill(self, place: str, member: _Member) -> None:
        address = f"set server gateways/{place} addr {member.address} port {member.port}"
        await self._command(f"{address}; set server gateways/{place} state ready")

    async def _watch(self) -> None:
        """Tell of new keys, and fill the places again of a balancer that was started again."""
        stamp = self.jwks_file.stat()
        while True:
            await asyncio.sleep(_LOOK_S)
            if not self._members:
                continue
            with contextlib.suppress(OSError):
                before, stamp = stamp, self.jwks_file.stat()
                if (before.st_mtime_ns, before.st_ino) != (stamp.st_mtime_ns, stamp.st_ino):
                    text = self.jwks_file.read_text(encoding="utf-8")
                    for member in self._members.values():
                        _say(member.writer, jwks=text)
            with contextlib.suppress(OSError, TimeoutError):
                empty = _places_in_maintenance(await self._command("show servers state gateways"))
                for place, member in list(self._members.items()):
                    if place in empty and not member.leaves:
                        await self._fill(place, member)

    async def _command(self, text: str) -> str:
        """Send commands to HAProxy and return what it says.

        Raises:
            OSError: it does not answer.
        """
        async with asyncio.timeout(2.0):
            with ShortPath(self.balancer) as path:
                reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(text.encode("ascii") + b"\n")
                return (await reader.read()).decode("utf-8", "replace")
            finally:
                writer.close()


_PLACE_NAMES = tuple(f"{PLACE}{number}" for number in range(1, PLACES + 1))


def _member(document: dict[str, Any], writer: asyncio.StreamWriter) -> _Member:
    """Raises ValueError, KeyError or TypeError: what it says is not as it must be."""
    name, port = document["join"], document["port"]
    if not _NAME.fullmatch(name) or not isinstance(port, int) or not 0 < port <= 65535:
        raise ValueError
    return _Member(name, str(ip_address(document["address"])), port, writer)


def _places_in_maintenance(state: str) -> set[str]:
    """The names of the servers that are taken out, from HAProxy's table of states."""
    rows = [line.split() for line in state.splitlines()]
    heading: list[str] = next((row[1:] for row in rows if row[:2] == ["#", "be_id"]), [])
    if not heading:
        return set()
    name, admin = heading.index("srv_name"), heading.index("srv_admin_state")
    servers = [row for row in rows if len(row) == len(heading) and row[0] != "#"]
    return {row[name] for row in servers if int(row[admin]) & _MAINTENANCE}


def _say(writer: asyncio.StreamWriter, **document: object) -> None:
    if not writer.is_closing():
        writer.write(json.dumps(document).encode("utf-8") + b"\n")
