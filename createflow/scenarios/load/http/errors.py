"""What can go wrong with one exchange, under short names that stay the same from release to release."""

import errno
import ssl


class ExchangeError(Exception):
    """A request that got no whole reply.

    Args:
        kind: which error; reports count by it.
        maybe_sent: False only when surely no byte of the request reached the target. True: whether the target acted on
            it is unknown.
    """

    def __init__(self, kind: str, *, maybe_sent: bool) -> None:
        super().__init__(kind)
        self.kind = kind
        self.maybe_sent = maybe_sent


TIMEOUT = "timeout"
"""No whole reply within the request's time."""
CONNECT_TIMEOUT = "connect_timeout"
"""No connection, TLS included, within the time for it."""
NAME_NOT_RESOLVED = "name_not_resolved"
CLOSED_WITHOUT_REPLY = "closed_without_reply"
"""The server took the request and closed the connection without a byte of a reply."""
STALE_CONNECTION = "stale_connection"
"""The server had closed the kept connection before the request reached it: a race, and no verdict on the request."""
TRUNCATED_REPLY = "truncated_reply"
BROKEN_REPLY = "broken_reply"
"""What came is not HTTP/1.1, or nothing that we asked for."""
REPLY_TOO_LARGE = "reply_too_large"
TLS_ERROR = "tls_error"
CONNECTION_RESET = "connection_reset"

_KINDS = {
    errno.ECONNREFUSED: "connection_refused",
    errno.ECONNRESET: CONNECTION_RESET,
    errno.ECONNABORTED: CONNECTION_RESET,
    errno.EPIPE: CONNECTION_RESET,
    errno.ETIMEDOUT: TIMEOUT,
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ENETDOWN: "unreachable",
    # The generator's own limits; they must not look like the target's fault.
    errno.EADDRNOTAVAIL: "no_local_port",
    errno.EMFILE: "too_many_open_files",
    errno.ENFILE: "too_many_open_files",
}


def kind_of(error: OSError) -> str:
    """The name of what the operating system or OpenSSL reports."""
    if isinstance(error, ssl.SSLError):
        return TLS_ERROR
    number = error.errno or 0
    return _KINDS.get(number) or errno.errorcode.get(number, "connection_error").lower()
