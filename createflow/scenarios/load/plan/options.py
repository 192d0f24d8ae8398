"""The options of a load run, their limits, and the number of senders that follows from them."""

import math
from dataclasses import dataclass
from pathlib import Path

from createflow.scenarios.load.plan.schedule import Schedule, parse_client_count
from createflow.schemas.error import UserError

MAX_SENDERS_PER_WORKER = 900
_MAX_PER_S = 100_000
"""Two to three times what a worker can send. At this rate the report still shows that the generator is the limit."""
_MAX_ARRIVALS = 1_000_000_000
_MIN_SENDERS = 50
_SENDERS_PER_RATE = 0.5
"""Enough for replies that take half a second."""


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
    """Most requests in flight. None: enough for replies that take half a second."""
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
    if schedule.peak_per_s > _MAX_PER_S * workers:
        raise UserError(
            f"{schedule.peak_per_s:,.10g}/s on {workers} load workers: the maximum is {_MAX_PER_S:,}/s for each",
            hint="createflow bench --self-test measures what a worker can send here; add workers with --workers",
        )
    if schedule.arrival_count(0.0, schedule.duration_s) > _MAX_ARRIVALS:
        raise UserError(
            f"more than {_MAX_ARRIVALS:,} requests: the outcome of each is kept in memory",
            hint="use a shorter --duration or a lower --rate",
        )


def plan_senders(options: LoadOptions, *, peak_per_s: float) -> tuple[int, list[str]]:
    """The number of senders over all workers, the same on each worker.

    Args:
        options: the requested senders or, in a closed model, clients.
        peak_per_s: the highest rate of the schedule.

    Returns:
        The number, and a note if it differs from the requested one.
    """
    requested = parse_client_count(options.shape) or options.senders
    planned = requested or max(_MIN_SENDERS, math.ceil(peak_per_s * _SENDERS_PER_RATE))
    per_worker = min(MAX_SENDERS_PER_WORKER, math.ceil(planned / options.workers))
    senders = per_worker * options.workers
    if requested and senders < requested:
        return senders, [f"{senders} senders instead of {requested}: the maximum is {MAX_SENDERS_PER_WORKER} a worker"]
    if requested and senders > requested:
        return senders, [f"{senders} senders instead of {requested}: every worker has the same number"]
    return senders, []
