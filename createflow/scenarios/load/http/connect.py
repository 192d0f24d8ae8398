"""The endpoint of a load, and how a connection to it is opened: name resolution, TCP, TLS."""

import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Self
from urllib.parse import urlsplit

import gevent
from gevent.event import AsyncResult

from createflow.scenarios.load.http.deadlines import DeadlinePassed
from createflow.scenarios.load.http.errors import CONNECT_TIMEOUT, NAME_NOT_RESOLVED, ExchangeError, classify_error
from createflow.scenarios.target.tls import trusted_context

_PORTS = {"http": 80, "https": 443}
_READ = 1
_WRITE = 2

Address = tuple[socket.AddressFamily, tuple[str | int, ...]]
"""An address family, and the address as ``socket.connect`` takes it."""


class Addresses:
    """The addresses of one host and port, shared by all connections; the one that worked last comes first.

    The name is resolved once, and again only after no address could be reached.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._known: list[Address] = []
        self._lookup: AsyncResult | None = None

    def resolve(self) -> list[Address]:
        """The addresses, looked up if necessary. Greenlets that call this at the same time share one look-up.

        Raises:
            OSError: the name is unknown, or the resolver cannot be reached.
        """
        if not self._known:
            if self._lookup is None:
                self._lookup = AsyncResult()
                # In a greenlet of its own: the first caller may time out, and the others must still get the result.
                gevent.spawn(self._look_up, self._lookup)
            self._lookup.get()
        return list(self._known)

    def prefer(self, address: Address) -> None:
        """Put an address that worked first, so that the next connection does not start with one that fails."""
        if self._known and self._known[0] != address and address in self._known:
            self._known.remove(address)
            self._known.insert(0, address)

    def clear(self) -> None:
        """Resolve the name again next time: no address could be reached."""
        self._known.clear()

    def _look_up(self, lookup: AsyncResult) -> None:
        try:
            found = gevent.get_hub().resolver.getaddrinfo(self._host, self._port, 0, socket.SOCK_STREAM)
            self._known = list(dict.fromkeys((family, address) for family, _, _, _, address in found))
        except Exception as error:  # noqa: BLE001 - every error must reach the waiting greenlets
            lookup.set_exception(error)
        else:
            lookup.set(None)
        finally:
            self._lookup = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One host and port, with what all connections to it share."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    """None: plain HTTP."""
    server_name: str
    """The name for SNI, which the certificate must be valid for."""
    timeout_s: float
    """From the call of an exchange to the last byte of the reply, including a new connection."""
    connect_timeout_s: float
    """For name resolution, TCP and TLS together."""
    addresses: Addresses = field(repr=False, compare=False)

    @classmethod
    def from_url(
        cls,
        base_url: str,
        *,
        ca_file: str | None = None,
        client_certificate: Sequence[str] = (),
        is_verified: bool = True,
        timeout_s: float,
        connect_timeout_s: float | None = None,
    ) -> Self:
        """The endpoint of an http or https URL. The URL's path is ignored.

        Raises:
            UserError: the CA file or the certificate of the client cannot be used.
            ValueError: this is not an http or https URL.
        """
        url = urlsplit(base_url)
        if url.scheme not in _PORTS or not url.hostname:
            raise ValueError(f"not an http or https URL: {base_url}")
        port = url.port or _PORTS[url.scheme]
        return cls(
            host=url.hostname,
            port=port,
            tls=_tls(ca_file, client_certificate, is_verified=is_verified) if url.scheme == "https" else None,
            server_name=url.hostname,
            timeout_s=timeout_s,
            connect_timeout_s=min(connect_timeout_s or timeout_s, timeout_s),
            addresses=Addresses(url.hostname, port),
        )

    @property
    def authority(self) -> str:
        """The value of a request's Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.tls else "http"] else f"{host}:{self.port}"


def _tls(ca_file: str | None, client_certificate: Sequence[str], *, is_verified: bool) -> ssl.SSLContext:
    """One context for all connections: each new one would read the CA certificates again."""
    context = trusted_context(ca_file, client_certificate, is_verified=is_verified)
    context.set_alpn_protocols(["http/1.1"])
    return context


def connect(endpoint: Endpoint, *, until_s: float, set_deadline: Callable[[float], None]) -> socket.socket:
    """Open a connection, with the TLS handshake if the endpoint uses TLS. The socket is non-blocking.

    Args:
        endpoint: where to connect.
        until_s: deadline on ``perf_counter``. The time is divided among the addresses, so that one that does not answer
            leaves time for the next.
        set_deadline: called with the time when ``DeadlinePassed`` is to be thrown into the caller.

    Raises:
        ExchangeError: no address could be connected to.
    """
    set_deadline(until_s)
    try:
        addresses = endpoint.addresses.resolve()
    except (OSError, UnicodeError) as error:
        raise ExchangeError(NAME_NOT_RESOLVED, maybe_sent=False) from error
    except DeadlinePassed:
        raise ExchangeError(CONNECT_TIMEOUT, maybe_sent=False) from None
    failure = ExchangeError(NAME_NOT_RESOLVED, maybe_sent=False)
    for index, address in enumerate(addresses):
        now_s = perf_counter()
        set_deadline(now_s + (until_s - now_s) / (len(addresses) - index))
        try:
            connected = _connect_to(endpoint, address)
        except OSError as error:
            failure = ExchangeError(classify_error(error), maybe_sent=False)
            failure.__cause__ = error
        except DeadlinePassed:
            failure = ExchangeError(CONNECT_TIMEOUT, maybe_sent=False)
        else:
            endpoint.addresses.prefer(address)
            return connected
    endpoint.addresses.clear()
    raise failure


def _connect_to(endpoint: Endpoint, address: Address) -> socket.socket:
    family, sockaddr = address
    tcp = socket.socket(family, socket.SOCK_STREAM)
    try:
        tcp.setblocking(False)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            tcp.connect(sockaddr)
        except BlockingIOError:
            _wait(tcp, _WRITE)
            if number := tcp.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(number, "connect") from None
        return _shake_hands(tcp, endpoint.tls, endpoint.server_name) if endpoint.tls else tcp
    except BaseException:
        tcp.close()
        raise


def _shake_hands(tcp: socket.socket, context: ssl.SSLContext, server_name: str) -> ssl.SSLSocket:
    tls = context.wrap_socket(tcp, server_hostname=server_name, do_handshake_on_connect=False)
    try:
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                _wait(tls, _READ)
            except ssl.SSLWantWriteError:
                _wait(tls, _WRITE)
            else:
                return tls
    except BaseException:
        tls.close()
        raise


def _wait(connection: socket.socket, events: int) -> None:
    hub = gevent.get_hub()
    watcher = hub.loop.io(connection.fileno(), events)
    try:
        hub.wait(watcher)
    finally:
        watcher.close()
