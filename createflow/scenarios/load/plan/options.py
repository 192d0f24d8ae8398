"""The options of a load run, their limits, and the number of senders that follows from them."""

import math
import resource
from dataclasses import dataclass
from pathlib import Path

from createflow.scenarios.load.plan.schedule import Schedule, parse_client_count
from createflow.schemas.error import UserError

MAX_SENDERS_PER_WORKER = 900
"""That a worker begins with, and clients of a closed model."""
MOST_IN_FLIGHT_PER_WORKER = 20_000
"""Each takes 9.5 kB of the worker's memory without TLS, 190 MB for all. Measured: 63 MB with 1,000 in flight, 101 MB
with 5,000, 150 MB with 10,000, by ``worker_health`` of loads of 100 to 1,000/s on a stub that never answers
(``timeout_s`` 10, Linux 6.18, Python 3.11, 2026-11-29). TLS and the kernel's buffers come on top."""
_OTHER_FILES = 200
"""Open files of a worker that are no connections of senders."""
_END_OF_A_TIMEOUT_S = 1.0
"""A request that timed out gives its sender back within this time."""
MAX_PER_S = 100_000
"""Two to three times what a worker can send. At this rate the report still shows that the generator is the limit."""
MAX_ARRIVALS = 1_000_000_000
_MIN_SENDERS = 50
_SENDERS_PER_RATE = 0.5
"""Of the first ones: enough for replies that take half a second."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What the user requests, with the defaults."""

    rate_per_s: float = 500.0
    """Arrivals per second over all workers, independent of the replies. For a named shape: its highest rate."""
    duration_s: float = 20.0
    """Length of the measured window; the warm-up comes before it."""
    warmup_s: float = 2.0
    """Requests due in the warm-up are excluded from all results."""
    shape: str = "constant"
    """See ``schedule.parse_shape``."""
    poisson: bool = False
    """Arrivals are random, at the shape's rate on average."""
    seed: int | None = None
    """Of everything random. None: a new one for each run."""
    mix: str = "create=1"
    """See ``mix.parse_mix``."""
    data: Path | None = None
    """A file of JSON documents to make the bodies from."""
    users: int | None = None
    """Number of principals. None: 100, or more if their rate limit requires it."""
    workers: int = 1
    """Load processes."""
    senders: int | None = None
    """Most requests in flight. None: as many as the target can leave unanswered until they time out."""
    drop: bool = False
    """Drop an arrival that finds no free sender, instead of letting it wait."""
    targets: tuple[str, ...] = ()
    """SLO expressions. Empty: those of the profile."""
    verify: bool = True
    """Look for every create in every declared sink after the load, and sample consistency during it."""
    clean_up: bool = False
    """Remove what the run created."""
    master: tuple[str, int] | None = None
    """Address where workers on other machines join. None: all workers are on this machine."""
    web_port: int | None = None
    """Port of Locust's web page. None: no web page."""


def check_options(options: LoadOptions) -> None:
    """Check what can be checked without a profile.

    Raises:
        UserError: options are out of range or contradict each other.
    """
    if not options.rate_per_s > 0 or not options.duration_s > 0 or options.warmup_s < 0 or options.workers < 1:
        raise UserError("rate, duration and workers must be above zero", hint="createflow bench --rate 500")
    if (options.users is not None and options.users < 1) or (options.senders is not None and options.senders < 1):
        raise UserError("users and senders must be above zero", hint="leave them out to use the defaults")
    if parse_client_count(options.shape) and (options.poisson or options.drop or options.senders):
        raise UserError(
            f"--shape {options.shape} has no schedule, so --poisson, --drop and --senders do not apply",
            hint="closed:N means N clients; each sends its next request when it has received the reply",
        )


def check_size(schedule: Schedule, workers: int) -> None:
    """Check that the load engine can offer the schedule.

    Raises:
        UserError: the rate is too high for the workers, or there are too many arrivals.
    """
    if schedule.peak_per_s > MAX_PER_S * workers:
        raise UserError(
            f"{schedule.peak_per_s:,.10g}/s on {workers} load workers: the maximum is {MAX_PER_S:,}/s for each",
            hint="createflow bench --self-test measures what a worker can send here; add workers with --workers",
        )
    if schedule.arrival_count(0.0, schedule.duration_s) > MAX_ARRIVALS:
        raise UserError(
            f"more than {MAX_ARRIVALS:,} requests: the outcome of each is kept in memory",
            hint="use a shorter --duration or a lower --rate",
        )


@dataclass(frozen=True, slots=True)
class Senders:
    """Numbers of senders over all workers, the same on each worker."""

    first: int
    """At the start of the run."""
    most: int
    """More are started when none is free; each sends one request at a time."""


def plan_senders(options: LoadOptions, *, peak_per_s: float, timeout_s: float) -> tuple[Senders, list[str]]:
    """The senders of a run, and what the user should know about them.

    Arrivals must go on whatever the target leaves unanswered (open model), so there may be as many senders as requests
    can be due until the first of them times out.

    Args:
        options: the requested senders or, in a closed model, clients.
        peak_per_s: the highest rate of the schedule.
        timeout_s: after which a request is given up.
    """
    clients = parse_client_count(options.shape)
    requested = clients or options.senders
    needed = requested or math.ceil(peak_per_s * (timeout_s + _END_OF_A_TIMEOUT_S)) + _MIN_SENDERS
    most = min(math.ceil(needed / options.workers), MAX_SENDERS_PER_WORKER if clients else _most_per_worker())
    first = most if requested else max(_MIN_SENDERS, math.ceil(peak_per_s * _SENDERS_PER_RATE / options.workers))
    senders = Senders(min(first, most, MAX_SENDERS_PER_WORKER) * options.workers, most * options.workers)
    if not requested and senders.most < needed:
        return senders, [
            (
                f"at most {senders.most:,} requests are in flight, as open files and memory of this machine allow; "
                f"if the target leaves more than {senders.most / peak_per_s:.2g} s of arrivals unanswered, the run is "
                "invalid"
            )
        ]
    if requested and senders.most < requested:
        return senders, [f"{senders.most} senders instead of {requested}: the maximum is {most} a worker"]
    if requested and senders.most > requested:
        return senders, [f"{senders.most} senders instead of {requested}: every worker has the same number"]
    return senders, []


def _most_per_worker() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MOST_IN_FLIGHT_PER_WORKER if hard == resource.RLIM_INFINITY else hard - _OTHER_FILES
    return max(_MIN_SENDERS, min(files, MOST_IN_FLIGHT_PER_WORKER))
