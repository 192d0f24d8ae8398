"""Raw TLS handshakes with the target, each one connection that sends nothing."""

import socket
import ssl
import time
import warnings
from typing import Literal
from urllib.parse import urlsplit

_TIMEOUT_S = 5.0


class TlsHandshakes:
    """Fills the role Handshakes. Its methods block."""

    def __init__(self, base_url: str, ca_file: str | None) -> None:
        parts = urlsplit(base_url)
        self._host = parts.hostname or ""
        self._port = parts.port or 443
        self._ca_file = ca_file

    def modern(self) -> str:
        """What is wrong with a verified handshake of TLS 1.2 or newer; empty when nothing is."""
        context = ssl.create_default_context(cafile=self._ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            self._shake(context)
        except (ssl.SSLError, OSError) as error:
            return str(error)
        return ""

    def days_left(self) -> float:
        """How long the verified certificate is still good. Raises OSError when no handshake succeeds."""
        context = ssl.create_default_context(cafile=self._ca_file)
        with (
            socket.create_connection((self._host, self._port), timeout=_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=self._host) as secure,
        ):
            certificate = secure.getpeercert() or {}
        return (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) / 86_400

    def tls_1_1(self) -> Literal["accepted", "refused", "untested"]:
        """How an offer of TLS 1.1 and nothing newer ends; ``untested`` when it cannot be made from here."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        # What is asked is whether the handshake is refused; a certificate is judged by the modern one.
        context.verify_mode = ssl.CERT_NONE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # offering what is deprecated is the point
            context.minimum_version = ssl.TLSVersion.TLSv1_1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        try:
            context.set_ciphers("ALL:@SECLEVEL=0")
            self._shake(context)
        except ssl.SSLError as error:
            return "untested" if "NO_PROTOCOLS_AVAILABLE" in (error.reason or "") else "refused"
        except ConnectionError:
            return "refused"
        return "accepted"

    def _shake(self, context: ssl.SSLContext) -> None:
        with (
            socket.create_connection((self._host, self._port), timeout=_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=self._host),
        ):
            pass
