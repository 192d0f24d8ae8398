"""A look at every hop before a process joins: what would keep it waiting for ever is told, with what to do about it."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from createflow.reference_server.adapters import credential_check
from createflow.reference_server.process.settings import Settings
from createflow.schemas.error import TargetError, UserError

_CONNECT_S = 5.0
_VERDICT_S = 0.3
"""With TLS 1.3 a server refuses a certificate after the handshake. It needs a round trip for it."""
CLOCK_MAX_S = 1.0
"""Requests carry the time at which their client gives up: 2 s after they came."""


async def look_ahead(settings: Settings, door: tuple[str, int] | None) -> None:
    """Try each hop that these settings name.

    Args:
        settings: of the process that is to join.
        door: where a gateway tells the balancer of itself; None for others.

    Raises:
        TargetError: a hop cannot be reached, or does not speak TLS.
        UserError: a certificate or a password is not accepted, or the clocks differ.
    """
    try:
        trust = settings.trust()
    except ssl.SSLError:
        raise UserError("the certificate in the join file is broken", hint="copy the file again, as a whole") from None
    assert trust is not None  # noqa: S101 - who joins has a certificate
    hops = dict(_hops(settings))
    if door is not None:
        hops["balancer"] = door
    await asyncio.gather(
        *(_try_hop(f"{host}:{port} ({name})", host, port, trust) for name, (host, port) in hops.items())
    )
    for name, dsn in _databases(settings):
        if await credential_check.postgres_refuses(dsn):
            raise _refused(name)
    if await credential_check.nats_refuses(settings.nats_url, trust):
        raise _refused("NATS")
    if await credential_check.valkey_refuses(settings.valkey_url):
        raise _refused("Valkey")
    ahead_s = await credential_check.clock_ahead_s(settings.valkey_url)
    if abs(ahead_s) > CLOCK_MAX_S:
        raise UserError(
            f"the clock of this machine is {abs(ahead_s):.1f} s {'ahead of' if ahead_s > 0 else 'behind'} the stack's",
            hint="synchronise both (NTP): requests carry deadlines",
        )


def _databases(settings: Settings) -> Iterator[tuple[str, str]]:
    dsns = {"primary": settings.primary_dsn, "primary, directly": settings.direct_dsn}
    dsns |= {f"replica {number}": dsn for number, dsn in enumerate(settings.replica_dsns, 1)}
    yield from ((name, dsn) for name, dsn in dsns.items() if dsn)


def _hops(settings: Settings) -> Iterator[tuple[str, tuple[str, int]]]:
    urls = {"NATS": settings.nats_url, "Valkey": settings.valkey_url, **dict(_databases(settings))}
    if settings.search_url:
        urls["search"] = settings.search_url
    for name, url in urls.items():
        parts = urlsplit(url)
        yield name, (parts.hostname or "", parts.port or 443)


async def _try_hop(place: str, host: str, port: int, trust: ssl.SSLContext) -> None:
    """Connect, and hear whether our certificate is accepted."""
    try:
        async with asyncio.timeout(_CONNECT_S):
            reader, writer = await asyncio.open_connection(host, port, ssl=trust)
    except ssl.SSLCertVerificationError:
        raise UserError(
            f"{place} shows a certificate that is not of this join file's stack",
            hint="a stack makes new certificates at each start: take its new join file",
        ) from None
    except ssl.SSLError as error:
        raise TargetError(place, f"no TLS there: {error.reason}", hint=_HINT) from None
    except socket.gaierror as error:
        raise TargetError(place, f"the name is not known: {error.strerror}", hint=_HINT) from None
    except TimeoutError:
        raise TargetError(place, f"no answer within {_CONNECT_S:.0f} s", hint=_HINT) from None
    except OSError as error:
        raise TargetError(place, f"cannot be reached: {error.strerror or error}", hint=_HINT) from None
    try:
        async with asyncio.timeout(_VERDICT_S):
            if not await reader.read(1):
                raise TargetError(place, "closes the connection: what is behind it does not answer", hint=_HINT)
    except TimeoutError:
        pass
    except (ssl.SSLError, ConnectionError):
        raise UserError(
            f"{place} refuses the certificate of this join file",
            hint="a stack makes new certificates at each start: take its new join file",
        ) from None
    finally:
        writer.transport.abort()


_HINT = "createflow up --listen must be running there, and every firewall in between let the port through"


def _refused(name: str) -> UserError:
    return UserError(
        f"{name} refuses the credentials of this join file",
        hint="a stack makes new passwords at each start: take its new join file",
    )
