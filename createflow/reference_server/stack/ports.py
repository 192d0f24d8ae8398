"""Free ports that stay ours until the process that gets them is listening."""

import socket

from createflow.schemas.error import UserError

HOST = "127.0.0.1"


def somebody_listens(port: int) -> bool:
    """Whether a connection to the port is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((HOST, port)) == 0


class Ports:
    """Reserves loopback ports.

    "Find a free port, close it, hope" races with everybody else on the machine. Linux lets two sockets with
    SO_REUSEADDR bind one address as long as neither listens, so a reservation is a socket that is bound and never
    listens: the kernel gives the port to nobody else, and our child, which sets SO_REUSEADDR as all servers do, can
    still listen on it, also when it is started a second time.
    """

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def reserve(self, port: int = 0) -> int:
        """Hold ``port`` (any free one by default) until ``release``.

        Raises:
            UserError: somebody listens there already, or we may not bind it.
        """
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind((HOST, port))
        except OSError as error:
            held.close()
            raise UserError(
                f"port {port} on {HOST} cannot be used: {error.strerror}",
                hint="another process listens there; leave out --port and a free one is taken",
            ) from error
        self._held.append(held)
        number: int = held.getsockname()[1]
        return number

    def release(self) -> None:
        """Give all ports back."""
        while self._held:
            self._held.pop().close()
