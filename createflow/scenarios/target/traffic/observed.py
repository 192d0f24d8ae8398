"""One exchange as observers get it."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import urlsplit

from createflow.schemas.report import Exchange

CHECK_ID: ContextVar[str] = ContextVar("check_id", default="")
"""The check that sends; empty for set-up, tear-down and clean-up."""
SEARCH_FAULTS: frozenset[str] = frozenset({"search_down", "search_refuses"})
"""Faults that no limiter of requests and no database can meet: an index is written after the events."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A request before its reply."""

    bucket: str
    """The subject of the request, else its token; empty for none."""
    at_s: float
    """Seconds of a monotonic clock."""
    level: float
    """The most that its bucket can hold with it: see ``Traffic``."""
    begun: int
    """Requests of the bucket so far, with this one."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One exchange. Nothing in it is cut or masked, except in ``exchange``."""

    exchange: Exchange
    """The record for the report."""
    method: str
    url: str
    request_headers: Mapping[str, str]
    """As sent, with the credential. Names are lower case."""
    content: bytes
    """The body of the request."""
    status: int
    headers: tuple[tuple[str, str], ...]
    """Of the reply, in order. Names are lower case; repeated ones stay repeated."""
    body: bytes
    sending: Sending
    level: float
    """The most that the bucket of its principal can have held when the target decided on it."""
    received_at_s: float
    """Seconds of the same clock."""
    check_id: str
    is_paced: bool
    """It was sent within the promised rate."""
    fault: str
    """The fault that was injected, or not yet recovered from; empty for none. Of search only if there is no other."""
    is_raw: bool = False
    """It was sent as bytes, which may be no valid request."""

    def values(self, name: str) -> list[str]:
        """The values of all lines of a field of the reply."""
        return [value for key, value in self.headers if key == name]

    @property
    def media_type(self) -> str:
        """The type of the reply without its parameters, lower case."""
        return ",".join(self.values("content-type")).partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """The reply says that its body is JSON."""
        return self.media_type == "application/json" or self.media_type.endswith("+json")

    @property
    def is_own(self) -> bool:
        """A check sent it."""
        return self.check_id != ""

    @property
    def may_excuse_limiter(self) -> bool:
        """A fault may be why a request was refused or let through."""
        return bool(self.fault) and self.fault not in SEARCH_FAULTS

    @property
    def bucket(self) -> str:
        """The subject of the request, else its token; empty for none."""
        return self.sending.bucket

    @property
    def path(self) -> str:
        """The path of the request."""
        return urlsplit(self.url).path
