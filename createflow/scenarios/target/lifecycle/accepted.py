"""A create that is answered 202: its status resource is read until it says what became of it (RFC 9110 §15.3.3)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.target.http_client import NoReply
from createflow.scenarios.target.location import LocationElsewhere, LocationMalformed, usable_id
from createflow.scenarios.target.received import NotJson, delay_seconds, json_of
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.representation import LOCATION
from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.profile_target import Accepted

_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 2.0
_LONGER = 1.5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_YET = frozenset({404, 408, 425, 429, 500, 502, 503, 504})
"""A status resource may be there a moment later, or not be answered now."""
Read = Callable[[str], Awaitable[Reply]]


class NeverDone(Exception):  # noqa: N818 - a statement about the target
    """The create was answered 202, and what became of it is not known."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What the status resource says at last."""

    reply: Reply
    """Of the status resource."""
    is_done: bool
    """Carried out; otherwise refused."""
    resource: str = ""
    """The URL or the id of what was created; empty if it is not told."""


async def end_of(
    accepted: Accepted, reply: Reply, read: Read, *, path_of: Callable[[str], str], within_s: float
) -> Ended:
    """Read the status resource of a 202 until the create has ended.

    Args:
        accepted: how the profile says that it is read.
        reply: the 202.
        read: sends a GET.
        path_of: the path of a URL on the target; raises LocationMalformed or LocationElsewhere.
        within_s: so long after the 202.

    Raises:
        NeverDone: there is no status resource, or it did not say in time that the create has ended.
    """
    place = _at(accepted.status, reply)
    if not isinstance(place, str) or not place:
        raise NeverDone(f"the 202 names no status resource: nothing at {accepted.status} (target.accepted.status)")
    try:
        path = path_of(place)
    except (LocationMalformed, LocationElsewhere) as problem:
        raise NeverDone(f"the status resource cannot be read: {problem}") from None
    until_s, pause_s, last = time.monotonic() + within_s, _FIRST_PAUSE_S, "no answer"
    while True:
        try:
            status = await read(path)
        except (NoReply, Inconclusive) as error:
            status, last = None, str(error)
        if status is not None:
            ended, last = _judged(accepted, status)
            if ended is not None:
                return ended
            pause_s = max(pause_s, delay_seconds(status.headers.get("retry-after", "")) or 0.0)
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise NeverDone(
                f"the create was answered 202 and is not done after {within_s:g} s: {place} says {last}"
                " (deadlines.accepted_s, target.accepted)"
            )
        await asyncio.sleep(min(pause_s, left_s, _LONGEST_PAUSE_S))
        pause_s *= _LONGER


def _judged(accepted: Accepted, status: Reply) -> tuple[Ended | None, str]:
    """How the create has ended, if it has; and what the status resource says."""
    resource = _at(accepted.resource, status)
    name = resource if isinstance(resource, str) and "/" in resource else usable_id(resource) or ""
    if status.status in _REDIRECTS or status.status == 201:
        return Ended(status, is_done=True, resource=status.headers.get("location", "") or name), str(status.status)
    if status.status in _NOT_YET:
        return None, str(status.status)
    state = str(_at(accepted.state, status)).lower() if accepted.state else ""
    said = f"{status.status} with the state {state[:40]}" if state else str(status.status)
    if not status.accepted or state in {word.lower() for word in accepted.failed}:
        return Ended(status, is_done=False), said
    is_done = state in {word.lower() for word in accepted.done} if accepted.state else status.status != 202
    return Ended(status, is_done=True, resource=name) if is_done else None, said


def _at(place: str, reply: Reply) -> Any:
    if place == LOCATION:
        return reply.headers.get("location", "")
    try:
        return value_at(json_of(reply.body), place)
    except NotJson:
        return None


def as_created(first: Reply, ended: Ended, location: str, seen: Reply | None) -> Reply:
    """The reply that a create has whose resource was carried out later: a 201 with what a read shows.

    Args:
        first: the 202.
        ended: what became of it.
        location: of the resource; empty if it is not known.
        seen: the read of it.
    """
    headers = {} if seen is None else dict(seen.headers)
    headers.pop("location", None)
    if location:
        headers["location"] = location
    return replace(
        first,
        status=201,
        headers=headers,
        body=b"" if seen is None else seen.body,
        representation=None if seen is None else seen.representation,
        received_at=ended.reply.received_at,
    )
