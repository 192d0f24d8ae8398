"""What a load run found beyond its numbers: write verification, comparison with a baseline, and the highest rate."""

from enum import StrEnum

from pydantic import ConfigDict, Field

from createflow.schemas.report import Model, Several

READ_BACK = "read-back"
"""The name of the sink that is no store: the target's own API."""


class SinkVerdict(Model):
    """The creates of the run, warm-up included, compared with the contents of one sink."""

    sink: str
    """``primary``, a replica's name, ``audit``, ``events``, ``search``; ``read-back`` for reads through the API."""
    found: int
    """Distinct writes of the run in the sink."""
    missing: int
    """Accepted writes that were not in the sink at the deadline: the 201 was wrong."""
    duplicated: int
    """Writes that are in the sink more than once."""
    phantom: int
    """Writes in the sink that were refused or never sent."""
    split: int = 0
    """Writes of unknown outcome that are in another sink but not in this one. They must be in all or in none."""
    altered: int = 0
    """Writes whose copy differs from what was sent, field by field, types included. What is wrong in the primary's own
    row counts there only."""
    compared: int = 0
    """Writes whose copy was compared with what was sent."""
    power: str = ""
    """How rare an altered copy would still have been seen, when none was."""
    examples: Several[str] = ()
    """The first few, with the arrival and, if known, the resource."""
    waited_s: float = 0.0
    """From the last reply until the sink was complete, or until the search ended."""
    error: str = ""
    """Why the sink could not be read. The counts then mean nothing."""
    unasked: str = ""
    """What else could not be checked in this sink, and why."""


class CacheSample(Model):
    """Cached values compared with the primary's rows, for some of the creates. A cache need not hold any."""

    sampled: int
    """Resources that were looked up."""
    held: int
    """Resources that were in the cache."""
    wrong: int
    """Cached resources with a value that differs from the row."""
    examples: Several[str] = ()
    error: str = ""
    """Why the cache could not be read. The counts then mean nothing."""


class SinkLag(Model):
    """The time from the 201 of sampled creates to their arrival in a sink, under load."""

    sink: str
    samples: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    late: int
    """Samples that did not arrive within the declared deadline."""
    deadline_ms: float

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Verification(Model):
    """The result of write verification: the run's creates compared with every declared sink after the run."""

    accepted: int
    """Creates with a 2xx reply, warm-up included."""
    unknown: int
    """Creates without a reply: each may have been written or not."""
    verified: int
    """Accepted creates found exactly once, and as sent, in every sink that could be read. The others have an error in
    ``sinks``."""
    accepted_measured: int = 0
    """``accepted`` with a reply inside the measured window."""
    verified_measured: int = 0
    """Those of them that are ``verified``."""
    is_sample: bool = False
    """Only some of the accepted creates were looked at."""
    cache: CacheSample | None = None
    sinks: Several[SinkVerdict] = ()
    lags: Several[SinkLag] = ()
    own_writes_read: int = 0
    """Reads by the writer right after its 201."""
    own_writes_missed: int = 0
    """Such reads whose reply did not have the write."""
    left_behind: int = 0
    """Resources that the run created and did not remove from the target."""

    @property
    def is_read_back(self) -> bool:
        """No store was searched: the writes were read through the API."""
        return any(sink.sink == READ_BACK for sink in self.sinks)


class Change(StrEnum):
    """The meaning of a difference from the baseline."""

    SAME = "same"
    BETTER = "better"
    WORSE = "worse"
    """Worse by more than the absolute and the relative threshold, and not by chance."""


class Compared(Model):
    """One number of the run and of the baseline."""

    name: str
    """``p50``, ``p95``, ``p99``, ``accepted``, ``verified``."""
    unit: str
    """``ms`` or ``/s``."""
    before: float
    now: float
    low: float
    """Lower end of the 99 % confidence interval of the difference, by bootstrap over the seconds of both runs."""
    high: float
    """Upper end of that interval."""
    change: Change

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Comparison(Model):
    """The comparison with an earlier run."""

    baseline: str
    """Run id and start of the earlier run."""
    refused: Several[str] = ()
    """Why the runs cannot be compared, for example another machine or another load. There are no numbers then."""
    numbers: Several[Compared] = Field(default=())


class KneeStep(Model):
    """One measurement of the search for the highest rate."""

    rate_per_s: float
    """Offered rate."""
    hold_s: float
    """Length of the measured window."""
    held: bool
    valid: bool = True
    """False: the measurement says nothing about the target."""
    generator_limited: bool = False
    """The measurement is invalid because the generator was too slow."""
    accepted_per_s: float = 0.0
    p99_ms: float = 0.0
    confirmation: bool = False
    """Part of the last, longer run at the rate that was found."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Bound(StrEnum):
    """What kind of bound the rate is."""

    HIGHEST = "highest"
    """A slightly higher rate fails."""
    AT_LEAST = "at_least"
    """Higher rates could not be measured."""
    NONE = "none"
    """No rate was held."""


class Knee(Model):
    """The highest rate at which all targets are held."""

    bound: Bound
    rate_per_s: float = 0.0
    reason: str = ""
    """Why the rate is only a lower bound, or why there is none."""
    steps: Several[KneeStep] = ()

    @property
    def answer(self) -> str:
        """The result as text: ``300/s``, ``>= 300/s (generator-limited)``, ``none: even 50/s was not held``."""
        if self.bound is Bound.NONE:
            return f"none: {self.reason}"
        if self.bound is Bound.AT_LEAST:
            return f">= {self.rate_per_s:g}/s ({self.reason})"
        return f"{self.rate_per_s:g}/s"


class ScalePoint(Model):
    """The highest rate with one number of instances."""

    count: int
    rate_per_s: float
    """0: no rate was held."""
    bound: Bound
    reason: str = ""
    """Why the rate is only a lower bound, or why there is none."""
    p99_ms: float = 0.0
    """Of the response latency in the run that confirmed the rate."""


class ScaleFit(Model):
    """The Universal Scalability Law through the points (N. J. Gunther, "Guerrilla Capacity Planning", 2007).

    N instances do ``N rate_per_s / (1 + contention (N - 1) + coherency N (N - 1))``.
    """

    rate_per_s: float
    """Of one instance alone."""
    contention: float
    """Share of the work for which instances wait for each other; 0: none."""
    coherency: float = 0.0
    """Work that each pair of instances adds, to agree with each other."""
    deviation_ratio: float = 0.0
    """How far a point is from the law at most."""
    peak_count: float | None = None
    """From so many instances on more of them do less. None: the law has no peak."""
    peak_rate_per_s: float | None = None
    """The highest rate by the law, with any number of instances. None: it grows without a limit."""

    def rate_with(self, count: float) -> float:
        """The rate by the law, with so many instances."""
        return count * self.rate_per_s / (1 + self.contention * (count - 1) + self.coherency * count * (count - 1))


class Scale(Model):
    """The highest rate with several numbers of instances."""

    name: str
    """What there were several of: a key of ``[scale]``."""
    points: Several[ScalePoint]
    fit: ScaleFit | None = None
    """None: there are fewer than two points with a rate."""
