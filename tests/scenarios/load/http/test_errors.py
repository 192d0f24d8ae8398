"""The kinds of errors, which reports count by and which must not change."""

import errno
import ssl

import pytest

from createflow.scenarios.load.http.errors import classify_error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ECONNREFUSED, ""), "connection_refused"),
        (OSError(errno.EPIPE, ""), "connection_reset"),
        (OSError(errno.EHOSTUNREACH, ""), "unreachable"),
        (OSError(errno.EMFILE, ""), "too_many_open_files"),
        (OSError(errno.EADDRNOTAVAIL, ""), "no_local_port"),
        (ssl.SSLCertVerificationError(1, "expired"), "tls_error"),
        (OSError(errno.ENOBUFS, ""), "enobufs"),
        (OSError("no number"), "connection_error"),
    ],
)
def test_every_error_has_a_kind(error: OSError, kind: str) -> None:
    """Limits of the generator have kinds of their own, and rare errors the name of their errno."""
    assert classify_error(error) == kind
