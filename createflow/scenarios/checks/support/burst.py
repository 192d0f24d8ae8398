"""Sends more creates than the rate limit allows, and computes what was accepted in a time window."""

import asyncio
import time
from bisect import insort
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from createflow.scenarios.outcome import Expectation, Inconclusive, NotDeclared
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.reply import Reply
from createflow.schemas.profile import Limits

SENDERS = 16
"""Concurrent senders."""
_TIMEOUT_S = 10.0
_TOLERANCE = 1.2
"""Ratio of accepted creates to the promise that counts as no limit: windows and clocks differ between limiters."""


@dataclass(slots=True)
class _Burst:
    """The creates of one subject beyond its rate, and their replies."""

    limits: Limits
    started: float
    accepted: int = 0
    refusal: Reply | None = None
    last: Reply | None = None

    @property
    def promised(self) -> float:
        return self.limits.burst + self.limits.rate_per_s * (time.perf_counter() - self.started)

    @property
    def is_unlimited(self) -> bool:
        return self.accepted > self.promised * _TOLERANCE + SENDERS


def _nothing() -> dict[str, str]:
    return {}


async def exceed_rate(target: Target, who: Principal, headers: Callable[[], dict[str, str]] = _nothing) -> Reply:
    """Send creates until one is refused with 429, and return that refusal.

    Args:
        target: with the promised limits.
        who: one subject.
        headers: for each request.

    Raises:
        Expectation: more creates were accepted than promised.
        Inconclusive: fewer creates were accepted than promised, so the limit was not reached.
        NotDeclared: the profile has no limits.
    """
    if target.limits is None:
        raise NotDeclared("`limits` is not configured")
    burst = _Burst(target.limits, time.perf_counter())
    stop_at = burst.started + _TIMEOUT_S

    async def sender() -> None:
        while burst.refusal is None and time.perf_counter() < stop_at and not burst.is_unlimited:
            reply = await target.create(who=who, headers=headers(), paced=False)
            burst.last = reply
            if reply.accepted:
                burst.accepted += 1
            elif reply.means(429) and burst.refusal is None:
                burst.refusal = reply

    await run_senders(sender)
    if burst.refusal is not None:
        return burst.refusal
    if burst.is_unlimited:
        raise Expectation(
            f"429 beyond a burst of {burst.limits.burst} and {burst.limits.rate_per_s:g} a second",
            f"{burst.accepted} creates accepted in {time.perf_counter() - burst.started:.1f} s",
            exchanges=[burst.last.exchange] if burst.last else [],
        )
    last = f"; the last was answered with {burst.last.status}" if burst.last else ""
    raise Inconclusive(f"{burst.accepted} creates accepted in {_TIMEOUT_S:g} s do not exceed the promised rate{last}")


async def run_senders(sender: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run ``SENDERS`` concurrent senders until each has ended. Raises the first exception of one."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(sender())
    except* Exception as failures:  # noqa: BLE001 - the first exception of the group is raised
        raise failures.exceptions[0] from None


def worst_window(accepted: Iterable[tuple[float, float]], rate_per_s: float) -> tuple[int, float]:
    """The time window in which most requests beyond the rate were accepted: their number, and its length in seconds.

    The time of acceptance is only known to be between sending and reply. A request counts in a window that contains
    both, so that a slow machine never makes the number look higher.

    Args:
        accepted: when each accepted request was sent and when its reply came, in seconds.
        rate_per_s: the promised rate; requests beyond it must fit into the burst.
    """
    answered: list[float] = []
    most, worst = -1.0, (0, 0.0)
    for sent_s, answered_s in sorted(accepted, reverse=True):
        insort(answered, answered_s)
        for count, end_s in enumerate(answered, 1):
            beyond = count - (end_s - sent_s) * rate_per_s
            if beyond > most:
                most, worst = beyond, (count, end_s - sent_s)
    return worst
