"""The sender of a request, and its credential."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import quote

_MARGIN_S = 30.0
"""A token is renewed this long before it expires, so that no request arrives with an expired one."""


class Signs(Protocol):
    """Signs requests, one after the other."""

    @property
    def settings(self) -> dict[str, Any]:
        """As plain data, by which another process makes it again."""

    async def sign(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The headers that sign this request; names in lower case.

        Raises:
            UserError: the command does not sign.
        """

    async def close(self) -> None:
        """End its process."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A subject with a token; ``ANONYMOUS`` has neither."""

    subject: str | None
    """The name that the target should show; ``None`` when the token does not say it."""
    token: str | None
    scheme: str = "Bearer"
    """The scheme before the token; empty for none."""
    header: str = "authorization"
    """The header that carries the token, lower case; empty where the query does."""
    query: str = ""
    """The query parameter that carries the token, where no header does."""
    cookie: str = ""
    """The name of the cookie that is the token, where the header is ``cookie``."""
    also: tuple[tuple[str, str], ...] = ()
    """Other headers that go with the token, names in lower case. Their values are secret."""
    signer: "Signs | None" = field(default=None, compare=False, repr=False)
    """Signs each request; the token then only stands for a signature."""
    account: str = ""
    """Its name, where the token does not say a subject and does not stay: it is renewed."""
    expires_at: float | None = field(default=None, compare=False)
    """Seconds since the epoch, when known."""
    renew: "Callable[[], Principal] | None" = field(default=None, compare=False, repr=False)
    """Returns the same principal with a newer token."""
    original: "Principal | None" = field(default=None, compare=False, repr=False)
    """The subject with its ordinary token, where this is another one, which may end before the run does."""

    @property
    def identity(self) -> str:
        """What distinguishes it from others: its subject, or what stands for one; empty for nobody."""
        return self.subject or self.account or self.token or ""

    def holding(self, token: str) -> "Principal":
        """The same subject with another token; nothing else of the request differs."""
        return replace(self, token=token, signer=None, expires_at=None, renew=None, original=self.original or self)

    def current(self) -> "Principal":
        """The same principal, with a renewed token when this one expires soon and can be renewed."""
        if self.renew is None or self.expires_at is None or time.time() < self.expires_at - _MARGIN_S:
            return self
        return self.renew()

    def credential(self, token: str) -> str:
        """The header's value with this text as the token."""
        return f"{self.cookie}={token}" if self.cookie else f"{self.scheme} {token}".strip()

    def lines(self) -> dict[str, str]:
        """The headers that carry the credential; empty where the query does, and for ``ANONYMOUS``."""
        if self.token is None or self.query or self.signer is not None:
            return {}
        if not self.also:
            return {self.header: self.credential(self.token)}
        lines = dict(self.also)
        others = f"; {lines.pop('cookie')}" if self.cookie and "cookie" in lines else ""
        return {self.header: self.credential(self.token) + others, **lines}

    def secrets(self) -> tuple[str, ...]:
        """What must not be shown: the token, and the values that go with it."""
        also = [text for name, value in self.also for text in (value, *(_values(value) if name == "cookie" else ()))]
        return () if self.token is None or self.signer is not None else (self.token, *also)

    def placed(self, url: str) -> str:
        """The URL or path with the credential, where the query carries it."""
        if self.token is None or not self.query:
            return url
        return f"{url}{'&' if '?' in url else '?'}{self.pair(self.token)}"

    def pair(self, token: str) -> str:
        """The query parameter with this text as the token."""
        return f"{quote(self.query, safe='')}={quote(token, safe='$')}"

    def parts(self) -> tuple[str, ...]:
        """What carries the credential, names and values in turn; a name that begins with ? is that of a parameter."""
        if self.token is not None and self.query:
            return (f"?{self.query}", self.token)
        return tuple(text for line in self.lines().items() for text in line)

    @classmethod
    def of_parts(cls, parts: Sequence[str]) -> "Principal":
        """A principal without a subject, with the credential that ``parts`` gave."""
        (name, token), *also = zip(parts[::2], parts[1::2], strict=True)
        if name[:1] == "?":
            return cls(None, token, scheme="", header="", query=name[1:])
        return cls(None, token, scheme="", header=name, also=tuple(also))


def _values(cookies: str) -> list[str]:
    return [cookie.partition("=")[2] for cookie in cookies.split("; ")]


ANONYMOUS = Principal(None, None)
