"""Whether an address of an HTTP server can be asked at all; the standard library's parser takes almost anything."""

import ipaddress
import re
from urllib.parse import urlsplit

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def checked_address(url: str) -> str:
    """The same address.

    Raises:
        ValueError: its host or port cannot be one; the text says which.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise ValueError("not an address: its host cannot be read") from None
    after = parts.netloc.rpartition("]")[2] if "]" in parts.netloc else parts.netloc
    _, colon, port = after.rpartition(":")
    if colon and port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= 65_535):
        raise ValueError("not an address: its port is no number from 1 to 65535")
    if not _is_host(host, bracketed="[" in parts.netloc):
        raise ValueError("not an address: its host is neither a name nor an IP address")
    return url


def _is_host(host: str, *, bracketed: bool) -> bool:
    if bracketed:
        try:
            return ipaddress.ip_address(host).version == 6
        except ValueError:
            return False
    try:
        # RFC 5891: names in other scripts are sent in ASCII; what claims to be such a form must be one.
        labels = host.encode("idna").decode("ascii").removesuffix(".").split(".")
        for label in labels:
            if label.startswith("xn--"):
                label.encode("ascii").decode("idna")
    except UnicodeError:
        return False
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)
