"""The profile: how any deployment is described to the tester.

``createflow up`` writes one for the bundled stack; users write theirs as ``createflow.toml``. The model only says
what is allowed; ``profile_file`` reads files and the environment.
"""

from datetime import date
from difflib import get_close_matches
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from createflow.schemas.profile_auth import Auth, NoAuth, Placed
from createflow.schemas.profile_promises import Promises
from createflow.schemas.profile_section import MADE, Seconds, Section, names_in
from createflow.schemas.profile_sinks import Sinks
from createflow.schemas.profile_target import Request, SetUp, Target
from createflow.schemas.slo import DeclaredTarget

ScaleName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")]


class FaultCommands(Section):
    """``[faults.NAME]``: the commands that inject and heal a fault; argument lists, without a shell."""

    inject: Annotated[tuple[str, ...], Field(min_length=1)]
    """Injects the fault. The command ends when the fault has taken effect."""
    heal: Annotated[tuple[str, ...], Field(min_length=1)]
    """Heals the fault. It is run whatever happens."""


FaultName = Literal[
    "database_error",
    "database_down",
    "database_crash",
    "service_down",
    "gateway_down",
    "replica_down",
    "replica_lags",
    "search_down",
    "search_refuses",
    "events_down",
    "late_commits",
    "read_error",
]


class ScaleCommand(Section):
    """``[scale.NAME]``: the command that sets the number of instances; an argument list, without a shell."""

    command: Annotated[tuple[str, ...], Field(min_length=1)]
    """``{count}`` in it is the number. The command ends when so many are there and take requests."""

    @model_validator(mode="after")
    def _has_count(self) -> Self:
        if not any("{count}" in word for word in self.command):
            raise ValueError('the command needs the number of instances: a word with "{count}"')
        return self


class Deadlines(Section):
    """``[deadlines]``: how long each sink may lag behind the 201."""

    read_s: Annotated[float, Field(ge=0, le=3600)] = 0.0
    """In a read over HTTP by the writer itself; 0: it sees its own writes at once."""
    accepted_s: Seconds = 30.0
    """Until a create that was answered 202 is carried out, see ``target.accepted``."""
    replica_s: Seconds = 2.0
    """On every replica."""
    cache_s: Seconds = 1.0
    """In the cache."""
    event_s: Seconds = 2.0
    """On the event stream."""
    index_s: Seconds = 5.0
    """In the search index."""
    audit_s: Seconds = 1.0
    """In the audit trail."""
    recovery_s: Seconds = 20.0
    """How long creates may be refused after a fault was healed."""


class Limits(Section):
    """``[limits]``: the promised rate limit of one subject, by a bucket or by window.

    Of a window that takes 600 requests in 60 s, ``burst`` is 600 and ``rate_per_s`` is 10.
    """

    rate_per_s: Annotated[float, Field(gt=0, le=1_000_000)]
    """Requests a second of each credential, in the long run."""
    burst: Annotated[int, Field(gt=0, le=1_000_000)]
    """Requests at once, beyond the rate."""


class Slo(Section):
    """``[slo]``: the targets of ``createflow bench``; without them it judges by errors and verification only."""

    targets: tuple[DeclaredTarget, ...] = ()
    """Expressions: ``p95<=100ms``, ``p99.9<0.5s``, ``mean<=20ms``, ``max<1s``, ``rate>=500/s``, ``verified>=500/s``,
    ``errors<0.1%``; with ``create.``, ``read.`` or ``update.`` before it for one kind of request, and ``every 10s``
    after it to test each such window. See [bench.md](bench.md#targets)."""


class BaselineEntry(Section):
    """``[[baseline]]``: one check that is known to fail."""

    id: str
    """The check's id, whole."""
    reason: Annotated[str, Field(min_length=1)]
    """Why the failure is tolerated: a ticket, a decision."""
    expires: date
    """The last day on which it is tolerated."""


class Profile(Section):
    """A deployment."""

    target: Target
    """The endpoint."""
    auth: Auth = NoAuth()
    """How requests are authenticated. What has no valid credential is refused."""
    setup: tuple[SetUp, ...] = ()
    """Requests before all checks, which create what the variables of the path and of the body name."""
    teardown: tuple[Request, ...] = ()
    """Requests after all checks, also after a failure."""
    sinks: Sinks = Sinks()
    """The places that a write must reach, and that a refused one must not reach."""
    faults: dict[FaultName, FaultCommands] = Field(default_factory=dict)
    """The faults that can be injected: ``database_error``, ``database_down`` (the primary hangs), ``database_crash``
    (it is killed), ``service_down``, ``gateway_down``, ``replica_down``, ``replica_lags`` (replicas keep their
    connection and fall behind, and the cache does not answer), ``search_down``, ``search_refuses`` (the search engine
    is read and takes no document), ``events_down`` (the broker hangs for a moment and is killed), ``late_commits``
    (every second transaction is committed a little later), ``read_error`` (statements that read the resources fail).
    While a service, a gateway or a database is down, creates are refused with the status of ``unavailable`` of
    ``target.errors``, and with that of ``database_error`` when it errs."""
    scale: dict[ScaleName, ScaleCommand] = Field(default_factory=dict)
    """What the target can have several of, for ``createflow bench --scale NAME=1,2,4``: services, gateways."""
    deadlines: Deadlines = Deadlines()
    """How long each sink may lag behind the 201."""
    limits: Limits | None = None
    """The promised rate limit. The run keeps it, so that no other check gets a 429."""
    promises: Promises = Promises()
    """What the target promises beyond the standards."""
    slo: Slo = Slo()
    """The targets of ``createflow bench``."""
    baseline: tuple[BaselineEntry, ...] = ()
    """Known failures, each tolerated until a date."""

    @property
    def captured(self) -> tuple[str, ...]:
        """The variables that set-up requests give a value."""
        return tuple(name for request in self.setup for name in request.capture)

    @model_validator(mode="after")
    def _has_one_cookie_header(self) -> Self:
        is_cookie = self.auth.kind == "session" or (self.auth.kind == "api_key" and self.auth.key_in == "cookie")
        is_cookie = is_cookie or (isinstance(self.auth, Placed) and self.auth.sent_in == "cookie")
        if is_cookie and any(name.lower() == "cookie" for name in self.target.headers):
            raise ValueError("target.headers has a Cookie, which is the header of the credential; leave it out")
        return self

    @model_validator(mode="after")
    def _names_known_variables(self) -> Self:
        """A name that nearly is one of a variable would be sent as it stands."""
        known = ["run_id", *MADE]
        for number, request in enumerate(self.setup, 1):
            _require_known(f"setup request {number}", [request.path, request.body], known)
            known += request.capture
            removal = request.remove
            _require_known(f"setup request {number}", removal and [removal.path, removal.body], known)
        for number, ending in enumerate(self.teardown, 1):
            _require_known(f"teardown request {number}", [ending.path, ending.body], known)
        _require_known("target.body", self.target.body, known)
        _require_known("target.path", self.target.path, [*known, "new_id"])
        return self


def _require_known(where: str, value: object, known: list[str]) -> None:
    for name in names_in(value):
        near = [] if name in known else get_close_matches(name, known, n=1, cutoff=0.75)
        if near:
            raise ValueError(f"{where}: nothing gives the variable {{{name}}} a value; did you mean {{{near[0]}}}?")
