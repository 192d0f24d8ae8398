"""The report of a conformance run: finished data without behaviour, saved as JSON and rendered in every format."""

from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field

from createflow.schemas.flow import Step

Entry = TypeVar("Entry")
Several = Annotated[tuple[Entry, ...], FailFast()]
"""Entries whose first mistake ends the reading: each mistake takes more memory than the entry itself."""


class Level(StrEnum):
    """How binding a check is. Only failures of ``must`` fail a run, unless the gate is set lower."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"


class Outcome(StrEnum):
    """How a check ended.

    Only ``failed`` accuses the target. ``inconclusive``: the state to be tested was not reached. ``broken``: an error
    of createflow itself, or the target stopped answering in a way that the check does not evaluate.
    """

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    INCONCLUSIVE = "inconclusive"
    BROKEN = "broken"


class Model(BaseModel):
    """A frozen record that rejects unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Exchange(Model):
    """A request and its reply. Secrets are masked, bodies are cut at 4,096 characters."""

    method: str
    url: str
    request_headers: dict[str, str] = Field(default_factory=dict)
    request_body: str = ""
    status: int | None = None
    response_headers: dict[str, str] = Field(default_factory=dict)
    response_body: str = ""
    elapsed_ms: float = 0.0
    error: str = ""
    """The transport error, when there was no reply."""
    curl: str = ""
    """A command line that repeats the request, with the token from ``$TOKEN``."""
    trace_id: str = ""
    """Of the request's ``traceparent`` (W3C Trace Context), to find it in the target's own tracing and logs."""


class Finding(Model):
    """Why a check failed: the promise, the expected and the observed behaviour."""

    promised: str
    expected: str
    seen: str
    source: str
    """RFC section, or the anchor of the promise in the write contract."""
    exchanges: Several[Exchange] = ()
    curl: str = ""
    """A command line that repeats the last request, with the token from ``$TOKEN``."""
    replay_id: str = ""
    """The id of the finding. Runs that observe the same failure give the same id, so a replay can compare them."""


class CheckResult(Model):
    """The result of one check."""

    id: str
    """``step.function``. It never changes."""
    step: Step
    level: Level
    title: str
    """The promise in one sentence."""
    why: str = ""
    """Why the promise matters."""
    source: str = ""
    """RFC section, or the anchor of the promise in the write contract."""
    outcome: Outcome
    reason: str = ""
    """Why the check was skipped, inconclusive or broken."""
    power: str = ""
    """What a passed check compared, and how rare a defect it would have seen."""
    finding: Finding | None = None
    traceback: str = ""
    """Of a broken check; otherwise empty."""
    duration_ms: float = 0.0
    requests: int = 0
    """That it sent and that were answered."""
    created: int = 0
    """Of these, answered with 201."""


class Standing(StrEnum):
    """The state of a baseline entry after a run."""

    TOLERATED = "tolerated"
    """The check failed, as listed. The failure does not count."""
    STALE = "stale"
    """The check passed. The entry must be removed."""
    EXPIRED = "expired"
    """The expiry date has passed. The failure must be fixed, or a new date set."""
    UNTESTED = "untested"
    """The check neither passed nor failed, so the entry was not tested."""


class KnownFailure(Model):
    """A baseline entry with its state after the run."""

    id: str
    """The id of the check."""
    reason: str
    expires: str
    """The last day on which the failure is tolerated, ``YYYY-MM-DD``, UTC."""
    standing: Standing


class ProfilePlace(Model):
    """The profile file, for formats that point at a file and a line."""

    file: str
    """Path relative to the project folder, where possible."""
    lines: dict[str, int]
    """Line of each table, by its dotted name, from 1. ``baseline.ID`` is the baseline entry of a check."""


class RunReport(Model):
    """The report of a conformance run."""

    schema_version: int = 1
    createflow_version: str
    run_id: str
    started_at: str
    """RFC 3339 UTC."""
    duration_s: float
    target: str
    """The create URL, without credentials."""
    profile: str
    """Source of the profile: a file, ``--url URL`` or the bundled stack."""
    place: ProfilePlace | None = None
    """None: the target has no profile file."""
    seed: int = 0
    """Seed of the generated requests. The same seed generates the same requests."""
    gate: Level = Level.MUST
    """The weakest level whose failures count."""
    unverified_tls: bool = False
    """The certificate of the target was not verified, because the profile or ``--insecure`` says so."""
    interrupted: bool = False
    silent: str = ""
    """That the target answered nothing any more, since when and after which request, which ended the run."""
    results: Several[CheckResult] = ()
    baseline: Several[KnownFailure] = ()
    """The entries of the profile whose checks were selected."""
    created: int = 0
    """Number of resources that the run created."""
    resent: int = 0
    """Requests that went out once more on a new connection: a reused one ended before any byte of the reply. A create
    goes out with another body."""
    indeterminate: int = 0
    """Creates that may have been carried out: no reply came, or one that does not say. They are looked for when the run
    cleans up."""
    left_behind: Several[str] = ()
    """URLs of the created resources that could not be deleted."""
    left_to_guardian: Several[str] = ()
    """What the run ended too early to do. Its guardian goes on with it; the next command tells what became of it."""
