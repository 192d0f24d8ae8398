"""The life of a process that has joined: from its join file to the end of its last request."""

import asyncio
import contextlib
import logging
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from urllib.parse import urlencode

from createflow.reference_server.joining.join_file import JoinFile
from createflow.reference_server.joining.look_ahead import look_ahead
from createflow.reference_server.joining.place import Place, reachable_from
from createflow.reference_server.process.http_server import tcp_listener
from createflow.reference_server.process.log import Log
from createflow.reference_server.process.private_file import write_private
from createflow.reference_server.process.run import Process, run_process
from createflow.reference_server.process.settings import Settings
from createflow.schemas.error import UserError

OPERATORS_HOST = "127.0.0.1"
"""Where /readyz and /metrics are, without TLS: they are for this machine."""
_ASK_S = 0.1
_TELL_S = 10.0
"""How often it is told what a process still waits for."""

Tell = Callable[[str], None]
"""Takes a message for the user."""


def run_member(file: JoinFile, *, name: str, status_port: int, address: str = "", port: int = 0, tell: Tell) -> None:
    """Run the process until SIGTERM or Ctrl-C. It finishes what it has begun.

    Args:
        file: its join file.
        name: in the logs, and in the broker's list of connections.
        status_port: of /readyz and /metrics, on loopback; 0 for any.
        address: of this machine, where the balancer reaches a gateway; empty: the one on the way to the stack.
        port: the same; 0 for any.
        tell: hears when it has joined, what it waits for, and when it leaves.

    Raises:
        UserError: the stack accepts a certificate or a password not, or the port is taken.
        TargetError: the stack cannot be reached.
        SystemExit: with status 1, because a background task has failed.
    """
    # It warns of each TLS connection that the other side ends.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    with contextlib.ExitStack() as scope:
        directory = Path(scope.enter_context(tempfile.TemporaryDirectory(prefix="createflow-join-")))
        settings = replace(with_tls(file, directory), instance=name, host=OPERATORS_HOST)
        door = (file.host, file.door_port) if file.kind == "gateway" else None
        asyncio.run(look_ahead(settings, door))
        listener = scope.enter_context(_listener(OPERATORS_HOST, status_port))
        settings = replace(settings, port=listener.getsockname()[1])
        over_tls = None
        if door is not None:
            over_tls = scope.enter_context(_listener(address or reachable_from(door), port)), _for_balancer(settings)
        module = import_module(f"createflow.reference_server.{file.kind}.build")

        def build(settings: Settings, log: Log) -> Process:
            trust = settings.trust()
            place = None
            if door is not None and over_tls is not None and trust is not None:
                reached = over_tls[0].getsockname()[:2]
                place = Place(door, trust, name=name, address=reached, jwks_file=Path(settings.jwks_file))
            return _telling(module.build(settings, log), settings, place, tell)

        run_process(settings, build, listeners=[listener], over_tls=over_tls, drain_s=getattr(module, "DRAIN_S", 0.0))


def with_tls(file: JoinFile, directory: Path) -> Settings:
    """Write the certificates into a private directory, and return settings that use them on every hop."""
    authority = write_private(directory / "authority.pem", file.authority)
    certificate = write_private(directory / "member.pem", file.certificate)
    # Direct: TLS first. Else the client would ask in plain text whether there is TLS.
    postgres = urlencode(
        {
            "sslmode": "verify-full",
            "sslrootcert": authority,
            "sslcert": certificate,
            "sslkey": certificate,
            "sslnegotiation": "direct",
        }
    )
    valkey = urlencode({"ssl_ca_certs": authority, "ssl_certfile": certificate})

    def over_tls(dsn: str) -> str:
        return f"{dsn}?{postgres}" if dsn else ""

    settings = file.settings
    return replace(
        settings,
        jwks_file=str(write_private(directory / "jwks.json", file.jwks)) if file.jwks else "",
        valkey_url=f"{settings.valkey_url}?{valkey}",
        primary_dsn=over_tls(settings.primary_dsn),
        direct_dsn=over_tls(settings.direct_dsn),
        replica_dsns=tuple(map(over_tls, settings.replica_dsns)),
        authority_file=str(authority),
        certificate_file=str(certificate),
    )


def _listener(host: str, port: int) -> socket.socket:
    try:
        return tcp_listener(host, port)
    except OSError as error:
        raise UserError(
            f"port {port} on {host} cannot be used: {error.strerror}", hint="choose another: --port"
        ) from None


def _for_balancer(settings: Settings) -> ssl.SSLContext:
    """What a gateway shows and trusts. The stack's own authority signs nobody who joins: only the balancer fits."""
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=settings.authority_file)
    trust.load_cert_chain(settings.certificate_file)
    trust.verify_mode = ssl.CERT_REQUIRED
    trust.minimum_version = ssl.TLSVersion.TLSv1_3
    return trust


def _telling(process: Process, settings: Settings, place: Place | None, tell: Tell) -> Process:
    """The same process; the user hears when it is ready, and when it leaves. So does the balancer, of a gateway."""

    async def wait_until_none_is_missing(missing: Callable[[], Awaitable[list[str]]]) -> None:
        silent_s = 0.0
        while lacks := await missing():
            await asyncio.sleep(_ASK_S)
            silent_s += _ASK_S
            if silent_s >= _TELL_S:
                silent_s = 0.0
                tell("waits for " + ", ".join(lacks))

    async def checks() -> list[str]:
        return [name for name, passes in (await process.checks.ask()).items() if not passes]

    async def balancer() -> list[str]:
        assert place is not None  # noqa: S101 - asked for gateways only
        return [] if place.is_held else [f"a place in the balancer: {place.refusal or 'it has not answered yet'}"]

    async def live() -> None:
        await wait_until_none_is_missing(checks)
        async with contextlib.AsyncExitStack() as scope:
            if place is not None:
                holding = asyncio.create_task(place.hold())
                scope.callback(holding.cancel)
                await wait_until_none_is_missing(balancer)
            tell(f"{settings.instance} has joined; http://{settings.host}:{settings.port}/readyz; Ctrl-C lets it leave")
            await process.drain.wait()
            tell("finishes what it has begun ...")
            if place is not None:
                await place.leave()
                await asyncio.Event().wait()  # the place is free for others when the last request has ended

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with process.lifespan:
            living = asyncio.create_task(live())
            try:
                yield
            finally:
                living.cancel()

    return replace(process, lifespan=lifespan())
