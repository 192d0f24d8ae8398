"""A new connection: name, TCP, TLS."""

import socket
import ssl
from collections.abc import Callable
from time import perf_counter

import gevent

from createflow.scenarios.load.http.deadlines import Overdue
from createflow.scenarios.load.http.dns_cache import Address
from createflow.scenarios.load.http.endpoint import Endpoint
from createflow.scenarios.load.http.errors import CONNECT_TIMEOUT, NAME_NOT_RESOLVED, ExchangeError, kind_of

_READ = 1
_WRITE = 2


def dial(endpoint: Endpoint, *, until_s: float, set_deadline: Callable[[float], None]) -> socket.socket:
    """Connect, and shake hands where TLS is spoken. The socket does not block.

    Args:
        endpoint: where to.
        until_s: of ``perf_counter``; shared out among the addresses, so that a dead one leaves time for the next.
        set_deadline: told when the caller is to be thrown ``Overdue``.

    Raises:
        ExchangeError: none of the addresses took us.
    """
    set_deadline(until_s)
    try:
        addresses = endpoint.addresses.get()
    except (OSError, UnicodeError) as error:
        raise ExchangeError(NAME_NOT_RESOLVED, maybe_sent=False) from error
    except Overdue:
        raise ExchangeError(CONNECT_TIMEOUT, maybe_sent=False) from None
    failure = ExchangeError(NAME_NOT_RESOLVED, maybe_sent=False)
    for index, address in enumerate(addresses):
        now_s = perf_counter()
        set_deadline(now_s + (until_s - now_s) / (len(addresses) - index))
        try:
            connected = _connect(endpoint, address)
        except OSError as error:
            failure = ExchangeError(kind_of(error), maybe_sent=False)
            failure.__cause__ = error
        except Overdue:
            failure = ExchangeError(CONNECT_TIMEOUT, maybe_sent=False)
        else:
            endpoint.addresses.worked(address)
            return connected
    endpoint.addresses.failed()
    raise failure


def _connect(endpoint: Endpoint, address: Address) -> socket.socket:
    family, where = address
    tcp = socket.socket(family, socket.SOCK_STREAM)
    try:
        tcp.setblocking(False)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            tcp.connect(where)
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
