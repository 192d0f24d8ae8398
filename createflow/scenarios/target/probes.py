"""The probes of the endpoint that checks name in their signatures.

A check gets an object that fills the role, or is skipped. The probes of sinks are in ``createflow.scenarios.sinks``.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.run_context import Together
from createflow.schemas.profile import Deadlines, FaultName, Limits
from createflow.schemas.report import Exchange


class Target(Protocol):
    """The create endpoint. Every method raises NoReply when no complete reply came in time.

    A ``who`` of ``None`` is the check's own writer; ``ANONYMOUS`` sends no token.
    """

    contract: Contract
    deadlines: Deadlines
    limits: Limits | None
    writer: Principal
    """A principal that may create; the check's own where tokens can be minted."""

    async def send(
        self,
        method: str,
        url: str,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        paced: bool = True,
        hold: Together | None = None,
    ) -> Reply:
        """Send one request. ``url`` is absolute or a path; ``paced`` waits so that the rate limit is kept.

        With ``hold`` it is sent, or its last byte, when all requests of a race are there.
        """

    async def create(
        self,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
        paced: bool = True,
        hold: Together | None = None,
    ) -> Reply:
        """Send a body to the create path with POST, or with the method of the profile.

        Args:
            body: a representation, or bytes in its place: the target's envelope is put around either. A new valid
                representation when absent.
            who: the principal.
            headers: ``Idempotency-Key`` is sent under the target's own name for it.
            method: instead of the profile's.
            paced: wait so that the rate limit is kept.
            hold: send the last byte only when all requests of a race are there.
        """

    async def read(
        self,
        url: str,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        may_be_lost: bool = False,
        until: Callable[[Reply], bool] | None = None,
        hold: Together | None = None,
    ) -> Reply:
        """Send a GET; again, while it does not show the last write and ``deadlines.read_s`` allows that.

        Args:
            until: what alone shows the last write, where several were on their way at once and their order is known.
            hold: send it only when all requests of a race are there.

        Raises:
            Prevented: the sender's own resource is not found, though its create was accepted, unless ``may_be_lost``.
        """

    async def read_collection(self, *, who: Principal | None = None) -> Reply:
        """Send a GET to the create path: the list of resources, where the target has one."""

    async def update(
        self,
        url: str,
        body: Mapping[str, Any] | bytes,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        hold: Together | None = None,
    ) -> Reply:
        """Send a PUT with a whole new representation, or with bytes in its place."""

    async def delete(
        self,
        url: str,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        hold: Together | None = None,
    ) -> Reply:
        """Send a DELETE."""

    def url_of(self, created: Reply) -> str:
        """The URL of a created resource: its Location, or else its id below the create path."""


class Tokens(Protocol):
    """Principals with their tokens. One that the profile does not configure raises NotDeclared."""

    def writer(self) -> Principal:
        """May create."""

    def other_writer(self) -> Principal:
        """May create, with another subject."""

    def reader(self) -> Principal:
        """Is authenticated but may not create; the writer's subject where tokens can be minted."""

    def expired(self) -> Principal:
        """The writer with an expired token."""


class Faults(Protocol):
    """The faults that can be injected."""

    def injected(self, *names: FaultName) -> AbstractAsyncContextManager[None]:
        """Inject the first configured of these faults, and heal it after the block, whatever happens."""


class Handshakes(Protocol):
    """TLS handshakes with the target; the methods block."""

    def verified_error(self) -> str:
        """Why a verified handshake with TLS 1.2 or newer fails; empty when it succeeds."""

    def certificate_days_left(self) -> float:
        """For how many days the verified certificate is still valid. Raises OSError when no handshake succeeds."""

    def offer_tls_1_1(self) -> Literal["accepted", "refused", "untested"]:
        """How an offer of only TLS 1.1 ends; ``untested`` when this machine's library cannot make the offer."""


@dataclass(frozen=True, slots=True)
class RawReply:
    """One reply as it was on the wire. Header names are lower case; repeated ones stay repeated."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class RawExchange:
    """The replies on one connection."""

    replies: tuple[RawReply, ...]
    is_closed: bool
    """The target closed the connection."""
    exchange: Exchange
    """The record for the report, with the last reply."""


class RawHttp(Protocol):
    """Single connections on which any bytes can be sent; bounded in number and time."""

    authority: str
    """``host:port`` as the Host header should have it."""
    is_local: bool
    """The target runs on this machine, so that nobody else can read what is sent without TLS."""

    def request(
        self,
        body: bytes,
        *,
        who: Principal,
        method: str | None = None,
        lines: Sequence[str] | None = None,
        host: Sequence[str] | None = None,
        with_profile_headers: bool = True,
    ) -> bytes:
        """A create as bytes.

        Args:
            body: follows the header, whatever the header says about it.
            who: whose token is sent.
            method: the profile's when absent.
            lines: header lines about framing and more; Content-Length alone when absent.
            host: values of Host lines; the right one when absent.
            with_profile_headers: send the headers of the profile, which may be secrets.
        """

    async def send(self, request: bytes, *, expected_replies: int = 1, then_abort: bool = False) -> RawExchange:
        """Send the bytes on a new connection and read until that many replies came, or the end.

        Args:
            request: the bytes.
            expected_replies: how many to wait for.
            then_abort: reset the connection once the bytes are sent, without reading.

        Raises:
            NoReply: no connection, or no reply within the time.
        """

    async def send_plaintext(self, request: bytes, *, port: int | None = None) -> RawExchange:
        """The same without TLS, to the target's own port or to another one of its host.

        Raises:
            NoConnection: the connection is refused.
            NoReply: no reply within the time.
        """


class Issuer(Protocol):
    """The key that the target trusts, for tokens that are wrong in one respect although they are properly signed."""

    leeway_s: float | None
    """How long after its end a token is accepted at most; ``None`` where the profile does not declare it."""

    def sign(
        self,
        token: str,
        *,
        claims: Mapping[str, Any] | None = None,
        header: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
    ) -> str:
        """The token with these claims and header fields changed, others left out, and signed again."""

    def public_key_encodings(self) -> Mapping[str, bytes]:
        """The public key in its usual encodings, by name."""


@dataclass(slots=True)
class CallbackUrl:
    """A URL of the tester, and the requests that it received."""

    url: str
    requests: list[str] = field(default_factory=list)
    """Request lines."""


class Callbacks(Protocol):
    """URLs of the tester that the target could request, if it followed a URL in its input."""

    def listening(self) -> AbstractAsyncContextManager[CallbackUrl]:
        """Listen inside the block."""
