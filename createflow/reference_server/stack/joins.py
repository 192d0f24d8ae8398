"""How a stack lets processes join from elsewhere: where it listens, for whom, and the join file of each kind."""

import socket
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from createflow.reference_server.joining.join_file import JOINED, KINDS, JoinFile
from createflow.reference_server.process.settings import Settings
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.credentials import (
    Certificates,
    JoinPasswords,
    make_join_certificates,
    member_name,
)
from createflow.reference_server.stack.door import PLACES
from createflow.reference_server.stack.endpoints import Ports
from createflow.reference_server.stack.engines import join_proxy
from createflow.reference_server.stack.engines.join_proxy import Listener
from createflow.reference_server.stack.engines.postgres import DATABASE, ROLES
from createflow.reference_server.stack.state import State
from createflow.reference_server.stages.api.load_balancer import JoiningGateways
from createflow.schemas.error import UserError

_HOPS = ("door", "nats", "valkey", "search", "primary", "pooler")
"""In the order of their ports; the replicas follow."""
SERVICES_MAX = 16
"""How many services a gateway reckons with when others may join."""


class Joins:
    """One way into a stack from other machines: TLS listeners in front of its engines.

    Args:
        listen: ``HOST`` or ``HOST:PORT``; with a port, the listeners have it and those after it.

    Raises:
        UserError: that is no address of this machine, or a port is taken.
    """

    def __init__(self, state: State, listen: str, ports: Ports, certificates: Certificates) -> None:
        self._state = state
        self._ports = ports
        self.host, first = _parse(listen)
        self.address = _own_address(self.host)
        self._first = first
        self.passwords = JoinPasswords()
        names = list(dict.fromkeys((self.host, self.address)))
        self.certificates = make_join_certificates(state, certificates.authority, names)
        self._authority = certificates.ca_file.read_text(encoding="ascii")
        self._listeners: dict[str, Listener] = {}

    def open(self, hop: str, backend: str, kinds: tuple[str, ...], *, speaks_http: bool = False) -> None:
        """Let these kinds reach a backend."""
        offset = _HOPS.index(hop) if hop in _HOPS else len(_HOPS) + int(hop.rpartition("-")[2]) - 1
        port = self._ports.reserve(self._first + offset if self._first else 0, self.address)
        self._listeners[hop] = Listener(hop, port, backend, kinds, speaks_http)

    def component(self, directory: Path, *, monitor_port: int, index: str, needs: tuple[str, ...]) -> Component:
        """Declare the proxy with all listeners that were opened."""
        return join_proxy.declare(
            self._state,
            directory,
            self.certificates,
            address=self.address,
            listeners=self._listeners.values(),
            monitor_port=monitor_port,
            index=index,
            needs=needs,
        )

    def places(self, control_socket: Path) -> JoiningGateways:
        """The balancer's places for gateways."""
        return JoiningGateways(
            control_socket=str(control_socket),
            places=PLACES,
            authority_file=str(self.certificates.members_ca_file),
            server_name=member_name("gateway"),
            certificate_file=str(self.certificates.balancer_file),
        )

    def write_files(self, common: Settings, jwks: str) -> None:
        """Write the join file of each kind into the folder ``join`` of the state directory.

        Args:
            common: settings of a process of this stack.
            jwks: the issuer's public keys.
        """
        self._state.join.mkdir(mode=0o700)
        for kind in KINDS:
            JoinFile(
                kind=kind,
                host=self.host,
                door_port=self._listeners["door"].port if kind == "gateway" else 0,
                authority=self._authority,
                certificate=self.certificates.members[kind],
                jwks=jwks if kind == "gateway" else "",
                settings=self._settings(kind, common),
            ).save(self._state.join / f"{kind}.json")

    def _settings(self, kind: str, common: Settings) -> Settings:
        """What this kind needs of the settings, with its own users."""
        passwords = self.passwords
        role = f"{ROLES[kind]}:{getattr(passwords, f'postgres_{kind}')}" if kind in ROLES else ""
        bare = replace(
            common,
            instance="",
            host="",
            port=0,
            http_socket="",
            nats_url=self._url("tls", "nats", f"{JOINED[kind]}:{getattr(passwords, f'nats_{kind}')}"),
            valkey_url=self._url("rediss", "valkey", f"{JOINED[kind]}:{getattr(passwords, f'valkey_{kind}')}") + "/0",
            primary_dsn="",
            direct_dsn="",
            replica_dsns=(),
            search_url="",
            jwks_file="",
            shares_clock=False,
        )
        if kind == "gateway":
            return bare
        search = self._url("https", "search") if "search" in self._listeners else common.search_url
        if kind == "worker":
            return replace(bare, direct_dsn=self._dsn("primary", role), search_url=search)
        return replace(
            bare,
            primary_dsn=self._dsn("pooler" if "pooler" in self._listeners else "primary", role),
            replica_dsns=tuple(self._dsn(hop, role) for hop in self._listeners if hop.startswith("replica-")),
            search_url=search,
        )

    def _dsn(self, hop: str, role: str) -> str:
        return self._url("postgresql", hop, role) + f"/{DATABASE}"

    def _url(self, scheme: str, hop: str, user: str = "") -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{user}{'@' if user else ''}{host}:{self._listeners[hop].port}"


def _parse(listen: str) -> tuple[str, int]:
    """Host, and port or 0."""
    try:
        return str(ip_address(listen)), 0
    except ValueError:
        pass
    try:
        parts = urlsplit(f"//{listen}")
        host, port = parts.hostname or "", parts.port or 0
    except ValueError:
        host, port = "", 0
    if not host or parts.netloc != listen or parts.username is not None or port > 65535 - 16:
        raise UserError(
            f"--listen {listen} is no address", hint="a host name or address of this machine: 10.0.0.1, 10.0.0.1:7000"
        )
    return host, port


def _own_address(host: str) -> str:
    """The address to listen on.

    Raises:
        UserError: it is unknown, or none of this machine, or means every address.
    """
    try:
        address = str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise UserError(f"--listen {host}: the name is not known: {error.strerror}") from None
    if ip_address(address).is_unspecified:
        raise UserError(
            f"--listen {host} means every address, and who joins needs one", hint="name one address of this machine"
        )
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as trial:
        try:
            trial.bind((address, 0))
        except OSError:
            raise UserError(
                f"--listen {host}: {address} is no address of this machine", hint="ip address shows those that are"
            ) from None
    return address
