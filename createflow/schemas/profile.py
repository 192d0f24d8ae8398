"""The profile: how any deployment is described to the tester.

``createflow up`` writes one for the bundled stack; users write theirs as ``createflow.toml``. The model only says
what is allowed; reading files and the environment is in ``profile_file.py``.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from createflow.schemas.profile_auth import Auth, NoAuth
from createflow.schemas.profile_section import Seconds, Section
from createflow.schemas.profile_sinks import Sinks
from createflow.schemas.profile_target import Request, Target
from createflow.schemas.slo import DeclaredTarget


class FaultCommands(Section):
    """``[faults.NAME]``: how a fault is brought in and taken out; argument lists, no shell."""

    inject: Annotated[tuple[str, ...], Field(min_length=1)]
    """Brings it in, and ends when it is in."""
    heal: Annotated[tuple[str, ...], Field(min_length=1)]
    """Takes it out; run whatever happens."""


FaultName = Literal["database_error", "database_down", "service_down", "gateway_down", "replica_down", "search_down"]


class Deadlines(Section):
    """``[deadlines]``: how long each copy may lag behind the 201."""

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
    """How long the service may take to answer 201 again once a fault is healed."""


class Limits(Section):
    """``[limits]``: the rate limit that is promised for one subject."""

    rate_per_s: Annotated[float, Field(gt=0)]
    """Requests a second, in the long run; of each credential."""
    burst: Annotated[int, Field(gt=0)]
    """Requests at once."""


class Slo(Section):
    """``[slo]``: what ``createflow bench`` must see; the seed's targets unless declared otherwise."""

    targets: tuple[DeclaredTarget, ...] = Field(
        default=("p99<=100ms", "rate>=500/s", "errors<0.1%"), validate_default=True
    )
    """Expressions: ``p95<=100ms``, ``p99.9<0.5s``, ``mean<=20ms``, ``max<1s``, ``rate>=500/s``, ``verified>=500/s``,
    ``errors<0.1%``; with ``create.``, ``read.`` or ``update.`` before it for one kind of request, and ``every 10s``
    after it to judge each such window. See [bench.md](bench.md#targets)."""


class BaselineEntry(Section):
    """``[[baseline]]``: one check that is known to fail."""

    id: str
    """The check's id, whole."""
    reason: Annotated[str, Field(min_length=1)]
    """Why the failure is tolerated: a ticket, a decision."""
    expires: date
    """The last day on which it is tolerated."""


class Profile(Section):
    """A whole deployment."""

    target: Target
    """The endpoint."""
    auth: Auth = NoAuth()
    """Who may ask."""
    setup: tuple[Request, ...] = ()
    """Requests of the writer's before all checks: what the path's parameters name must exist."""
    teardown: tuple[Request, ...] = ()
    """Requests of the writer's after all checks, also after a failure."""
    sinks: Sinks = Sinks()
    """Where the write must arrive."""
    faults: dict[FaultName, FaultCommands] = Field(default_factory=dict)
    """What can be broken on purpose: ``database_error``, ``database_down``, ``service_down``, ``gateway_down``,
    ``replica_down``, ``search_down``."""
    deadlines: Deadlines = Deadlines()
    """How long each copy may lag."""
    limits: Limits | None = None
    """The promised rate limit; kept by the run itself, so that no check is spoiled by a 429."""
    slo: Slo = Slo()
    """What ``createflow bench`` must see."""
    baseline: tuple[BaselineEntry, ...] = ()
    """Failures that are known and tolerated until a day."""
