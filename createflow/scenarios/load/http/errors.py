"""The kinds of transport errors. Reports count by these names, so they stay the same between releases."""

import errno
import ssl


class ExchangeError(Exception):
    """A request without a whole reply.

    Args:
        kind: one of the names of this module; reports count by it.
        maybe_sent: False when no byte of the request can have reached the target. True: whether the target acted on
            the request is unknown.
    """

    def __init__(self, kind: str, *, maybe_sent: bool) -> None:
        super().__init__(kind)
        self.kind = kind
        self.maybe_sent = maybe_sent
        self.ended_reuse = False
        """A connection that had carried other requests ended before any byte of the reply: the server may have closed
        it just then, as it may close any idle connection (RFC 9112 §9.3.1)."""

    @property
    def is_unseen(self) -> bool:
        """The target has certainly not seen the request."""
        return not self.maybe_sent or self.kind == STALE_CONNECTION


TIMEOUT = "timeout"
"""No whole reply within the request's timeout."""
CONNECT_TIMEOUT = "connect_timeout"
"""No connection, TLS included, within the connect timeout."""
NAME_NOT_RESOLVED = "name_not_resolved"
CLOSED_WITHOUT_REPLY = "closed_without_reply"
"""The server received the request and closed the connection without sending a byte."""
STALE_CONNECTION = "stale_connection"
"""The server had closed the kept-alive connection before the request reached it. It has not seen the request."""
TRUNCATED_REPLY = "truncated_reply"
BROKEN_REPLY = "broken_reply"
"""The bytes received are not HTTP/1.1, or not a reply to the request."""
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
    # Limits of the generator's machine, which are not the target's fault.
    errno.EADDRNOTAVAIL: "no_local_port",
    errno.EMFILE: "too_many_open_files",
    errno.ENFILE: "too_many_open_files",
}


def classify_error(error: OSError) -> str:
    """The kind of an error of the operating system or of OpenSSL."""
    if isinstance(error, ssl.SSLError):
        return TLS_ERROR
    number = error.errno or 0
    return _KINDS.get(number) or errno.errorcode.get(number, "connection_error").lower()
