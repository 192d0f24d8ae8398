"""Where the load goes, with all that its connections share."""

import ssl
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from createflow.scenarios.load.http.dns_cache import Addresses
from createflow.scenarios.load.http.tls_context import tls_context

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One host and port."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    """None: plain HTTP."""
    server_name: str
    """The name that the certificate must bear, and that SNI asks for."""
    timeout_s: float
    """From the call of an exchange to the last byte of the reply, a new connection included."""
    connect_timeout_s: float
    """For the name, the TCP connection and the TLS handshake together."""
    addresses: Addresses = field(repr=False, compare=False)

    @classmethod
    def of(
        cls, base_url: str, *, ca_file: str | None = None, timeout_s: float, connect_timeout_s: float | None = None
    ) -> Self:
        """The endpoint of an http or https URL; its path is the requests' affair.

        Raises:
            UserError: the file of authorities cannot be used.
            ValueError: this is no URL of a server.
        """
        url = urlsplit(base_url)
        if url.scheme not in _PORTS or not url.hostname:
            raise ValueError(f"not an http or https URL: {base_url}")
        port = url.port or _PORTS[url.scheme]
        return cls(
            host=url.hostname,
            port=port,
            tls=tls_context(ca_file) if url.scheme == "https" else None,
            server_name=url.hostname,
            timeout_s=timeout_s,
            connect_timeout_s=min(connect_timeout_s or timeout_s, timeout_s),
            addresses=Addresses(url.hostname, port),
        )

    @property
    def authority(self) -> str:
        """The value of a request's Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.tls else "http"] else f"{host}:{self.port}"
