"""What a run found: finished data without behaviour, saved as JSON and rendered from it."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from createflow.schemas.flow import Step


class Level(StrEnum):
    """How much a check binds. Only ``must`` gates unless asked otherwise."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"


class Outcome(StrEnum):
    """How a check ended.

    Only ``failed`` accuses the target. ``inconclusive``: the state to be tested was never reached.
    ``broken``: our own error, or the target stopped answering in a way the check does not judge.
    """

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    INCONCLUSIVE = "inconclusive"
    BROKEN = "broken"


class Model(BaseModel):
    """A frozen record that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Exchange(Model):
    """One request and its reply, secrets masked, bodies cut at 4,096 characters."""

    method: str
    url: str
    request_headers: dict[str, str] = Field(default_factory=dict)
    request_body: str = ""
    status: int | None = None
    response_headers: dict[str, str] = Field(default_factory=dict)
    response_body: str = ""
    elapsed_ms: float = 0.0
    error: str = ""
    """Transport error in words, when there was no reply."""
    curl: str = ""
    """A line that repeats the request; the token is taken from ``$TOKEN``."""


class Finding(Model):
    """Why a check failed: the promise, what was expected by it, and what was seen."""

    promised: str
    expected: str
    seen: str
    source: str
    """RFC section, or ``seed`` with its heading."""
    exchanges: tuple[Exchange, ...] = ()
    curl: str = ""
    """A line that repeats the last request; the token is taken from ``$TOKEN``."""
    replay_id: str = ""
    """Names this finding: the same in every run that sees the same, so that a replay can tell it from another."""


class CheckResult(Model):
    """How one check ended."""

    id: str
    """``step.function``: permanent."""
    step: Step
    level: Level
    title: str
    """The promise in one sentence."""
    why: str = ""
    """What it is good for."""
    source: str = ""
    """RFC section, or ``seed`` with its heading."""
    outcome: Outcome
    reason: str = ""
    """Why it was skipped, inconclusive or broken."""
    finding: Finding | None = None
    traceback: str = ""
    """Only when broken."""
    duration_ms: float = 0.0


class Standing(StrEnum):
    """What became of a baseline entry in a run."""

    TOLERATED = "tolerated"
    """The check failed, as listed: it does not count."""
    STALE = "stale"
    """The check passed: the entry must go."""
    EXPIRED = "expired"
    """Its day has passed: mend it, or decide anew."""
    UNTESTED = "untested"
    """The check came to no verdict, so nothing can be said of the entry."""


class KnownFailure(Model):
    """One baseline entry, judged when the run ended."""

    id: str
    """The check's."""
    reason: str
    expires: str
    """The last day on which it is tolerated, ``YYYY-MM-DD``."""
    standing: Standing


class ProfilePlace(Model):
    """Where the target is described, for formats that point at a file and a line."""

    file: str
    """Relative to the directory of the project where possible."""
    lines: dict[str, int]
    """On which line each table stands, by its dotted name; ``baseline.ID`` is the entry of a check."""


class RunReport(Model):
    """One conformance run."""

    schema_version: int = 1
    createflow_version: str
    run_id: str
    started_at: str
    """RFC 3339 UTC."""
    duration_s: float
    target: str
    """The create URL, without credentials."""
    profile: str
    """Where the description of the target came from, in words."""
    place: ProfilePlace | None = None
    """None when there is no profile file."""
    seed: int = 0
    """Generated cases follow from it: the same seed asks the same again."""
    gate: Level = Level.MUST
    """The weakest level whose failures count."""
    interrupted: bool = False
    results: tuple[CheckResult, ...] = ()
    baseline: tuple[KnownFailure, ...] = ()
    """The entries of the profile whose checks were selected."""
    created: int = 0
    """How many resources the run created."""
    left_behind: tuple[str, ...] = ()
    """URLs of resources that the run created and could not remove."""
