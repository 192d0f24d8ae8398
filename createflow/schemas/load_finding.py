"""What a load run found out beyond latency: whether the writes arrived, and how it compares with an earlier run."""

from enum import StrEnum

from pydantic import ConfigDict, Field

from createflow.schemas.report import Model


class SinkVerdict(Model):
    """The run's creates, warm-up included, looked for in one sink."""

    sink: str
    """``primary``, a replica's name, ``audit``, ``events``, ``search``."""
    found: int
    """Distinct writes of the run that are there."""
    missing: int
    """Accepted, and not there when the deadline had passed: the 201 was broken."""
    duplicated: int
    """There more than once."""
    phantom: int
    """There, although refused or never sent."""
    split: int = 0
    """Of unknown outcome, in another sink and not in this one: all of them or none was promised."""
    examples: tuple[str, ...] = ()
    """The first few, in words that name the arrival and, where known, the resource."""
    waited_s: float = 0.0
    """How long after the last reply everything had arrived, or the search was given up."""
    error: str = ""
    """Why the sink could not be asked; then the counts say nothing."""
    unasked: str = ""
    """What else could not be looked for here, and why."""


class CacheSample(Model):
    """Cached values beside the primary's rows, of some of the run's creates. A cache need not hold any."""

    sampled: int
    """Resources that were looked for."""
    held: int
    """Of those, in the cache."""
    wrong: int
    """Of those, with another value than the row."""
    examples: tuple[str, ...] = ()
    error: str = ""
    """Why it could not be asked; then the counts say nothing."""


class SinkLag(Model):
    """How long creates sampled under load took from their 201 to a sink."""

    sink: str
    samples: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    late: int
    """Not there within the declared deadline."""
    deadline_ms: float

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Verification(Model):
    """The ledger, held against every declared sink after the run."""

    accepted: int
    """Creates answered 2xx, warm-up included."""
    unknown: int
    """Sent without a reply: each may be there or not."""
    verified: int
    """Accepted, and proved present exactly once in every sink that could be asked; those that could not have an
    error among ``sinks``."""
    accepted_measured: int = 0
    """The accepted ones of the measured window alone."""
    verified_measured: int = 0
    """Of those, proved."""
    cache: CacheSample | None = None
    sinks: tuple[SinkVerdict, ...] = ()
    lags: tuple[SinkLag, ...] = ()
    own_writes_read: int = 0
    """Reads right after a 201 by the one who wrote."""
    own_writes_missed: int = 0
    """Of those, answered without the write."""
    left_behind: int = 0
    """Resources that the run created and that stay on the target."""


class Change(StrEnum):
    """What a comparison says of one number."""

    SAME = "same"
    BETTER = "better"
    WORSE = "worse"
    """Beyond both floors, and not by chance."""


class Compared(Model):
    """One number beside the baseline's."""

    name: str
    """``p50``, ``p95``, ``p99``, ``accepted``, ``verified``."""
    unit: str
    """``ms`` or ``/s``."""
    before: float
    now: float
    low: float
    """The difference lies between these with 99 % confidence; bootstrap over the seconds of both runs."""
    high: float
    change: Change

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Comparison(Model):
    """This run beside an earlier one."""

    baseline: str
    """Its run id and start."""
    refused: tuple[str, ...] = ()
    """Why the two cannot be compared: another machine, another load. Then there are no numbers."""
    numbers: tuple[Compared, ...] = Field(default=())
