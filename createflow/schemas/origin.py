"""The origin of a URL: scheme, host and port (RFC 6454 §4), normalised so that equal origins compare equal."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

import idna

DEFAULT_PORTS = {"http": 80, "https": 443}
_NOT_IN_URLS = re.compile(r"[\x00-\x20\x7f\\]")
"""Blanks and control characters, which ``urlsplit`` removes, and the backslash, which browsers take for ``/``."""
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(:[0-9]{0,5})?")
_REG_NAME = re.compile(r"[a-z0-9._~!$&'()*+,;=-]{1,253}")
_MAX_URL_CHARACTERS = 8_192


@dataclass(frozen=True, slots=True)
class Origin:
    """Whom a request would be sent to."""

    scheme: str
    host: str
    """Lower case, in ASCII (IDNA), without a trailing dot; an IPv6 address in its shortest form, without brackets."""
    port: int

    @classmethod
    def of(cls, url: str) -> Self:
        """The origin of an absolute URL.

        Raises:
            ValueError: the URL is not an absolute http or https URL, or has userinfo; the message says which.
        """
        if len(url) > _MAX_URL_CHARACTERS:
            raise ValueError(f"longer than {_MAX_URL_CHARACTERS} characters")
        if _NOT_IN_URLS.search(url):
            raise ValueError("a blank, a control character or a backslash in it")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("the host or the port is not valid") from None
        scheme = parts.scheme.lower()
        if scheme not in DEFAULT_PORTS:
            raise ValueError("not an absolute http or https URL")
        if "@" in parts.netloc:
            raise ValueError("userinfo in it, which is never used")
        if port == 0 or not _AUTHORITY.fullmatch(parts.netloc):
            raise ValueError("the host or the port is not valid")
        bracketed = parts.netloc.startswith("[")
        return cls(scheme, _host(parts.hostname or "", bracketed=bracketed), port or DEFAULT_PORTS[scheme])

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}")


def _host(host: str, *, bracketed: bool) -> str:
    try:
        if bracketed:
            return ip_address(host).compressed
        name = (host if host.isascii() else idna.encode(host.lower()).decode("ascii")).lower().removesuffix(".")
    except (ValueError, UnicodeError):
        raise ValueError("the host is not valid") from None
    if not _REG_NAME.fullmatch(name):
        raise ValueError("the host is not valid")
    return name
