"""Whether the target runs on the machine that the load comes from."""

import ipaddress
import socket
from urllib.parse import urlsplit


def is_this_machine(url: str) -> bool:
    """Whether some address of the URL's host belongs to this machine; False when the name cannot be resolved.

    Resolving may take as long as the resolver does. A container's address is not this machine's, though it shares it.
    """
    try:
        host = urlsplit(url).hostname
        found = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM) if host else []
    except (OSError, ValueError):
        return False
    return any(_is_own(family, address) for family, _, _, _, address in found)


def _is_own(family: int, address: tuple[object, ...]) -> bool:
    ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
    if ip.is_loopback or ip.is_unspecified:
        return True
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            # Connecting a datagram socket sends nothing; to an address of its own a machine talks from that address.
            probe.connect(address)
            return bool(probe.getsockname()[0] == address[0])
    except OSError:
        return False
