"""The roles of checks that go below HTTP requests: raw bytes, the issuer's key, an address of our own."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from createflow.scenarios.target.principal import Principal
from createflow.schemas.report import Exchange


@dataclass(frozen=True, slots=True)
class RawReply:
    """One reply as it stood on the wire. Header names are lower case, repeated ones stay repeated."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True)
class Conversation:
    """What came back on one connection."""

    replies: tuple[RawReply, ...]
    closed: bool
    """The target ended the connection."""
    exchange: Exchange
    """The record for the report; of the last reply."""


class RawHttp(Protocol):
    """Single connections on which any bytes can be sent; bounded in number and time."""

    authority: str
    """``host:port`` as the Host header should say."""
    here: bool
    """The target runs on this machine: nobody else hears what is sent to it in the clear."""

    def request(
        self,
        body: bytes,
        *,
        who: Principal,
        method: str | None = None,
        lines: Sequence[str] | None = None,
        host: Sequence[str] | None = None,
        bare: bool = False,
    ) -> bytes:
        """A create as bytes.

        Args:
            body: what follows the header, whatever the header says about it.
            who: whose token is sent.
            method: the method token; the profile's when absent.
            lines: header lines about framing and more; Content-Length alone when absent.
            host: values of Host lines; the right one when absent.
            bare: without the headers of the profile, which may be secrets.
        """

    async def converse(self, sent: bytes, *, wanted: int = 1, then_abort: bool = False) -> Conversation:
        """Send the bytes on a fresh connection and read until so many replies came, or the end.

        Raises:
            NoReply: no connection, or nothing but silence within the time.
        """

    async def converse_in_the_clear(self, sent: bytes, *, port: int | None = None) -> Conversation:
        """The same without TLS, to the target's own port or to another one of its host.

        Raises:
            NoConnection: nobody takes the call.
            NoReply: nothing but silence within the time.
        """


class Issuer(Protocol):
    """The key that the target trusts, for tokens that are wrong in one respect although they are well signed."""

    def signed(
        self,
        token: str,
        *,
        claims: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
    ) -> str:
        """The token with these claims and header fields changed, and claims left out, signed again."""

    def public_forms(self) -> Mapping[str, bytes]:
        """The public key in the forms in which it lies around, by name."""


@dataclass(slots=True)
class Heard:
    """What arrived at our own address."""

    url: str
    requests: list[str] = field(default_factory=list)
    """First lines."""


class Callbacks(Protocol):
    """An address of ours that the target could reach, if it were to follow a URL that we send."""

    def listening(self) -> AbstractAsyncContextManager[Heard]:
        """Listen inside the block."""
