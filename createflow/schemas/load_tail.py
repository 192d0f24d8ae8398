"""Where the time of the slowest requests of a load went, as a report holds it."""

from createflow.schemas.operation import Operation
from createflow.schemas.report import Model, Several


class TailPart(Model):
    """One part of the response time. Parts do not overlap, unless ``Tail.overlaps``."""

    name: str
    """Of a metric of ``Server-Timing``, or what is seen from outside."""
    is_server: bool
    """The server says it; else it was measured here."""
    mean_ms: float
    """Of all replies."""
    slow_mean_ms: float
    """Of the slowest ones."""
    excess_ratio: float
    """Share of what the slowest take longer than the mean that is in this part, 0..1; negative: it takes less."""


class SlowRequest(Model):
    """One of the slowest requests."""

    at_s: float
    """When it was due, from the start of the run."""
    operation: Operation
    status: int
    took_ms: float
    """Response latency."""
    part: str
    """The part in which it was longer than the mean by most."""
    part_ms: float
    """How long that part was."""
    trace_id: str = ""
    """Of its ``traceparent``; empty where the profile has its own."""


class Stall(Model):
    """A time in which requests waited."""

    at_s: float
    """When the first of them was due, from the start of the run."""
    length_ms: float
    """Until the last of them was answered."""
    requests: int
    """Slow ones among those that were kept."""
    longest_ms: float
    part: str
    """As of ``SlowRequest``, of all of them together."""
    part_ratio: float
    """Share of their additional time that is in this part, 0..1."""
    meanwhile: Several[str] = ()
    """What else happened on the machine of the load."""


class Tail(Model):
    """The slowest 1 % of the replies in the measured window, beside all of them."""

    slow: int
    """How many are looked at."""
    slow_ratio: float
    """Their share of all replies; less than 0.01 in a long run, since not more are kept."""
    from_ms: float
    """The response latency of the fastest of them."""
    slow_mean_ms: float
    mean_ms: float
    """Of all replies, from a sample."""
    sampled: int
    """How many replies the means of all are from."""
    has_server_timing: bool
    """The replies say how long the parts of the server's work took (W3C Server Timing)."""
    overlaps: bool = False
    """They say more than the whole time: some parts are in others."""
    parts: Several[TailPart] = ()
    """Those that make the slowest slow first."""
    slowest: Several[SlowRequest] = ()
    stall_count: int = 0
    stalls: Several[Stall] = ()
    """The longest ones, in the order of time."""
