"""More creates than the target promises to take, so that its limit is truly met."""

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
"""How many send at once."""
_LONGEST_S = 10.0
_TOLERANCE = 1.2
"""Accepted beyond the promise before it counts as no limit: windows and clocks differ between limiters."""


@dataclass(slots=True)
class _Burst:
    """What a flood of creates by one subject came to."""

    limits: Limits
    started: float
    accepted: int = 0
    refusal: Reply | None = None
    last: Reply | None = None

    @property
    def promised(self) -> float:
        return self.limits.burst + self.limits.rate_per_s * (time.perf_counter() - self.started)

    @property
    def too_many(self) -> bool:
        return self.accepted > self.promised * _TOLERANCE + SENDERS


def _nothing() -> dict[str, str]:
    return {}


async def exceeded(target: Target, who: Principal, headers: Callable[[], dict[str, str]] = _nothing) -> Reply:
    """The first 429 of a flood, whose requests have these headers.

    Raises:
        Expectation: more was accepted than was promised.
        Inconclusive: no more than is promised was accepted, for another reason than the limit.
        NotDeclared: nothing is promised.
    """
    if target.limits is None:
        raise NotDeclared("`limits` is not configured")
    burst = _Burst(target.limits, time.perf_counter())
    stop_at = burst.started + _LONGEST_S

    async def sender() -> None:
        while burst.refusal is None and time.perf_counter() < stop_at and not burst.too_many:
            reply = await target.create(who=who, headers=headers(), paced=False)
            burst.last = reply
            if reply.accepted:
                burst.accepted += 1
            elif reply.means(429) and burst.refusal is None:
                burst.refusal = reply

    await at_once(sender)
    if burst.refusal is not None:
        return burst.refusal
    if burst.too_many:
        raise Expectation(
            f"429 beyond {burst.limits.burst} at once and {burst.limits.rate_per_s:g} a second",
            f"{burst.accepted} creates accepted in {time.perf_counter() - burst.started:.1f} s",
            exchanges=[burst.last.exchange] if burst.last else [],
        )
    last = f"; the last was answered {burst.last.status}" if burst.last else ""
    raise Inconclusive(f"{burst.accepted} creates accepted in {_LONGEST_S:g} s do not exceed the promised rate{last}")


async def at_once(sender: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run ``SENDERS`` of them until each has ended; the first failure is told as it was."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(sender())
    except* Exception as failures:  # noqa: BLE001 - the group's first failure is the one to tell
        raise failures.exceptions[0] from None


def worst_window(admissions: Iterable[tuple[float, float]], rate_per_s: float) -> tuple[int, float]:
    """The number admitted and the length in seconds of the stretch in which most went beyond the rate.

    An admission is known to lie between sending and answer only: it counts in a stretch that holds both, so that a
    slow machine never makes it look like more than it was.

    Args:
        admissions: when each admitted request was sent and when it was answered, in seconds.
        rate_per_s: what a stretch earns; what is beyond it must fit into the burst.
    """
    answered: list[float] = []
    most, worst = -1.0, (0, 0.0)
    for sent_s, answered_s in sorted(admissions, reverse=True):
        insort(answered, answered_s)
        for count, end_s in enumerate(answered, 1):
            beyond = count - (end_s - sent_s) * rate_per_s
            if beyond > most:
                most, worst = beyond, (count, end_s - sent_s)
    return worst
