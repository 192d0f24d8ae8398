"""Where a host name leads: looked up once for all connections, and again only after none of it could be reached."""

import socket

import gevent
from gevent.event import AsyncResult

Address = tuple[socket.AddressFamily, tuple[str | int, ...]]
"""A family, and what ``socket.connect`` takes in it."""


class Addresses:
    """The addresses of one host and port, all families, the one that worked last at the front."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._known: list[Address] = []
        self._lookup: AsyncResult | None = None

    def get(self) -> list[Address]:
        """Those known, looked up if need be; any number of greenlets that ask meanwhile share one look-up.

        Raises:
            OSError: the name is not known, or nobody could be asked.
        """
        if not self._known:
            if self._lookup is None:
                self._lookup = AsyncResult()
                # A greenlet of its own: whoever asked first may be timed out, and the others must not be with it.
                gevent.spawn(self._look_up, self._lookup)
            self._lookup.get()
        return list(self._known)

    def worked(self, address: Address) -> None:
        """This one answered: the next connection begins with it, instead of with one that may be refused."""
        if self._known and self._known[0] != address and address in self._known:
            self._known.remove(address)
            self._known.insert(0, address)

    def failed(self) -> None:
        """None of them could be reached: they may have moved."""
        self._known.clear()

    def _look_up(self, lookup: AsyncResult) -> None:
        try:
            found = gevent.get_hub().resolver.getaddrinfo(self._host, self._port, 0, socket.SOCK_STREAM)
            self._known = list(dict.fromkeys((family, address) for family, _, _, _, address in found))
        except Exception as error:  # noqa: BLE001 - whoever waits must be told, whatever it is
            lookup.set_exception(error)
        else:
            lookup.set(None)
        finally:
            self._lookup = None
