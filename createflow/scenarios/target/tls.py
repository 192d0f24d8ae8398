"""TLS: which certificates are trusted, and handshakes that check what the target offers (RFC 9325)."""

import os
import socket
import ssl
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Literal

from createflow.schemas.error import UserError
from createflow.schemas.origin import Origin

_TIMEOUT_S = 5.0


def trusted_context(
    ca_file: str | None,
    client: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
    *,
    is_verified: bool = True,
) -> ssl.SSLContext:
    """A context that verifies certificates, with the system's authorities or the one of this PEM file.

    Args:
        ca_file: the authority.
        client: shown to a server that asks for a certificate, see ``Target.certificate_parts``.
        environment: where the password of its key is.
        is_verified: false only where the user says so: any certificate will do then.

    Raises:
        UserError: the file is not a certificate, or the certificate of the client cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise UserError(
            f"ca_file {ca_file}: not a PEM certificate: {error}", hint="name the authority's certificate"
        ) from None
    if client:
        _show(context, client, environment)
    if not is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _show(context: ssl.SSLContext, client: Sequence[str], environment: Mapping[str, str]) -> None:
    cert_file, key_file, password_env = client
    password = environment.get(password_env, "")
    if password_env and not password:
        raise UserError(
            f"target.client_certificate.password_env: the environment variable {password_env} is not set",
            hint=f"export {password_env}=...",
        )
    try:
        # Without a password of ours OpenSSL would ask for one on the terminal.
        context.load_cert_chain(cert_file, key_file or None, password=lambda: password)
    except (OSError, ValueError) as error:
        raise UserError(
            f"target.client_certificate: {cert_file} and its key cannot be used: "
            f"{getattr(error, 'reason', '') or getattr(error, 'strerror', '') or type(error).__name__}",
            hint="PEM files that belong together; password_env names the variable with the password of the key",
        ) from None


class TlsHandshakes:
    """Fills the role Handshakes. Each method blocks, and opens one connection that sends nothing."""

    def __init__(self, base_url: str, ca_file: str | None, client: Sequence[str] = ()) -> None:
        origin = Origin.of(base_url)
        self._host = origin.host
        self._port = origin.port
        self._ca_file = ca_file
        self._client = client

    def verified_error(self) -> str:
        """Why a verified handshake with TLS 1.2 or newer fails; empty when it succeeds."""
        context = trusted_context(self._ca_file, self._client)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            self._shake_hands(context)
        except (ssl.SSLError, OSError) as error:
            return str(error)
        return ""

    def certificate_days_left(self) -> float:
        """For how many days the verified certificate is still valid.

        Raises:
            OSError: no handshake succeeds.
        """
        certificate = self._shake_hands(trusted_context(self._ca_file, self._client))
        return (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) / 86_400

    def offer_tls_1_1(self) -> Literal["accepted", "refused", "untested"]:
        """How an offer of only TLS 1.1 ends; ``untested`` when this machine's library cannot make the offer."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        # Only the version matters here; the certificate is checked by ``verified_error``.
        context.verify_mode = ssl.CERT_NONE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # offering a deprecated version is the purpose
            context.minimum_version = ssl.TLSVersion.TLSv1_1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        try:
            context.set_ciphers("ALL:@SECLEVEL=0")
            self._shake_hands(context)
        except ssl.SSLError as error:
            return "untested" if "NO_PROTOCOLS_AVAILABLE" in (error.reason or "") else "refused"
        except ConnectionError:
            return "refused"
        return "accepted"

    def _shake_hands(self, context: ssl.SSLContext) -> dict[str, object]:
        """The peer's certificate; empty when the context does not verify it."""
        with (
            socket.create_connection((self._host, self._port), timeout=_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=self._host) as secure,
        ):
            return dict(secure.getpeercert() or {})
