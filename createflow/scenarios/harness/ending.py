"""How a run ends: it removes what it created and sends the tear-down requests, or leaves that to its guardian."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from createflow.scenarios.harness.guardian.client import RunGuardian
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.lifecycle.set_up import endings, tear_down
from createflow.scenarios.target.setup_and_cleanup import Remaining, clean_up
from createflow.schemas.profile import Profile

Result = TypeVar("Result")

_CLEAN_UP_S = 30.0
_TEAR_DOWN_S = 15.0


@dataclass(frozen=True, slots=True)
class Left:
    """What is not done when a run ends."""

    listed: tuple[str, ...] = ()
    """Each created resource that stays, by URL, and each tear-down request that failed."""
    to_guardian: tuple[str, ...] = ()
    """What the guardian goes on with, as text."""


def acknowledge_signal() -> bool:
    """Go on after a cancellation by the user, to report what there is. Whether there was one."""
    task = asyncio.current_task()
    if task is None or not task.cancelling():
        return False
    task.uncancel()
    return True


async def finish(connection: HttpConnection, profile: Profile, guardian: RunGuardian, hurry: asyncio.Event) -> Left:
    """Remove and tear down what the guardian knows of. When ``hurry`` is set it ends at once.

    What is not done by then is left to the guardian. So is what the target did not delete while it has a fault that
    could not be healed: the guardian tries to heal it once more.
    """
    remaining = await _clean_up(connection, guardian, hurry) if profile.target.cleanup else Remaining()
    is_early = bool(remaining.unfinished or guardian.has_unhealed_fault or hurry.is_set())
    is_taking_over = is_early and bool(guardian.at_stake()) and await guardian.can_take_over()
    if is_taking_over:
        again = remaining.refused if guardian.has_unhealed_fault else ()
        listed = Remaining(refused=tuple(one for one in remaining.refused if one not in again), kept=remaining.kept)
    else:
        listed = remaining
    for created in (*listed.unfinished, *listed.refused, *listed.kept):
        guardian.on_listed(created)
    problems = [] if is_taking_over else await send_tear_down(connection, profile, guardian, hurry)
    at_stake = guardian.at_stake()
    return Left((*listed.as_text(), *problems), at_stake if at_stake and await guardian.can_take_over() else ())


async def _clean_up(connection: HttpConnection, guardian: RunGuardian, hurry: asyncio.Event) -> Remaining:
    cleaned = None
    if not hurry.is_set():
        cleaning = clean_up(connection, within_s=_CLEAN_UP_S, on_removed=guardian.on_removed)
        cleaned = await _cut_short(cleaning, hurry)
    return cleaned or Remaining.of(connection.context.created)


async def send_tear_down(
    connection: HttpConnection, profile: Profile, guardian: RunGuardian, hurry: asyncio.Event
) -> list[str]:
    """Send the tear-down requests if the guardian knows that they are due. Returns a message for each that failed.

    What was not answered in time is left to the guardian.
    """
    problems: list[str] = []
    senders = guardian.tears_down
    if senders is None:
        return problems

    def on_answer(number: int, problem: str) -> None:
        problems.extend([problem] if problem else [])
        guardian.on_torn_down(number)

    async def send() -> str:
        try:
            async with asyncio.timeout(_TEAR_DOWN_S):
                await tear_down(connection, endings(profile), senders, on_answer=on_answer)
        except TimeoutError:
            return f"the tear-down did not end within {_TEAR_DOWN_S:g} s"
        return ""

    problem = await _cut_short(send(), hurry)
    problem = "the user ended the run before its tear-down" if problem is None else problem
    if problem and not await guardian.can_take_over():
        problems.append(problem)
    return problems


async def _cut_short(work: Coroutine[Any, Any, Result], hurry: asyncio.Event) -> Result | None:
    """The result of the work, which is cancelled when the event is set; None if it has none then."""
    task = asyncio.ensure_future(work)
    hurrying = asyncio.ensure_future(hurry.wait())
    try:
        await asyncio.wait((task, hurrying), return_when=asyncio.FIRST_COMPLETED)
    finally:
        hurrying.cancel()
        if not task.done():
            task.cancel()
    await asyncio.wait({task})
    return None if task.cancelled() else task.result()
