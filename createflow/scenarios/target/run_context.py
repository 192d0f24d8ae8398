"""What all requests of one run share: its id, variables, secrets, pace, and the resources that it created."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from createflow.scenarios.bodies.template import Values
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.traffic.traffic import Traffic
from createflow.scenarios.target.write_record import WriteRecord
from createflow.scenarios.text.curl_line import header_variable
from createflow.scenarios.text.secret_mask import Mask, is_secret_header
from createflow.schemas.clock import Clock, SystemClock
from createflow.schemas.error import UserError
from createflow.schemas.profile import Limits, Profile
from createflow.schemas.profile_section import VARIABLE

_HELD_AT_MOST_S = 3.0
_ASSEMBLED_WITHIN_S = 5.0
"""So long after the last one another may come."""
_USED_RATIO = 0.8
"""Share of the promised rate that a run uses: the target's clock and ours never start together."""


@dataclass(slots=True)
class Created:
    """A resource that the run created, and the principal that may delete it."""

    url: str
    who: Principal
    id: str = ""
    is_guessed: bool = False
    """The URL is made of the id, because the Location cannot be used; a 404 at it does not mean that it is gone."""
    kept_because: str = ""
    """Why it is not deleted; otherwise empty."""


class RunContext:
    """One run against one target. Holds no connection."""

    def __init__(self, profile: Profile, run_id: str, mask: Mask) -> None:
        self.target = profile.target
        self.deadlines = profile.deadlines
        self.limits = profile.limits
        self.run_id = run_id
        self.mask = mask
        self.pace = Pace(profile.limits)
        self.traffic = Traffic(profile.limits, profile.deadlines.recovery_s)
        self.names_versions = profile.target.conditional_updates
        """Updates and deletes have a condition, because the target refuses others (428)."""
        self.created: list[Created] = []
        self.writes = WriteRecord(run_id)
        self.on_created: Callable[[Created], None] = lambda _: None
        """Called with each created resource, as soon as its address is known."""
        self.variables: dict[str, str | int] = {"run_id": run_id}
        """Values for ``{name}`` in paths and bodies: the run's id, and what set-up requests captured."""
        self.set_up_requests = 0
        """How many set-up requests were accepted."""
        self.requests_made = 0
        """How many requests before and after the checks were made, for ``{counter}``."""
        for name, value in profile.target.headers.items():
            mask.add_header(name, value, shown=header_variable(name))
        for request in (*profile.setup, *profile.teardown):
            for name, value in request.headers.items():
                if is_secret_header(name):
                    mask.add_header(name, value, shown=header_variable(name))

    def path(self, template: str, **more: str) -> str:
        """The path with every variable filled in, percent-encoded.

        Raises:
            UserError: a variable has no value.
        """
        return filled_path(template, {**self.variables, **more})


class Together:
    """Holds requests at their last byte until all of them have come so far, and then releases them at once.

    Requests that are only started together arrive some milliseconds apart, which hides short races. What collects
    requests while one is under way hides them as well, because it carries out the first alone: a lead is sent just
    before the others then, and they are collected together.

    Args:
        count: so many requests are held.
        lead: sends a request of no concern to the race.
    """

    def __init__(self, count: int, *, lead: Callable[[], Coroutine[Any, Any, object]] | None = None) -> None:
        self._missing = self._awaited = count
        self._lead = lead
        self._leading: asyncio.Task[object] | None = None
        self._released = asyncio.Event()
        self._assembled = asyncio.Event()
        self.released_at = 0.0
        """Wall clock, seconds since the epoch, when the requests were released."""

    async def assembled(self) -> None:
        """Return when every request may be sent, or no other has come for too long.

        The declared limit may let them go only one after the other. None is begun before, so that no server has to wait
        for the rest of one.
        """
        self._awaited -= 1
        if self._awaited <= 0:
            self._assembled.set()
        while not self._assembled.is_set():
            awaited = self._awaited
            with suppress(TimeoutError):
                async with asyncio.timeout(_ASSEMBLED_WITHIN_S):
                    await self._assembled.wait()
            if self._awaited == awaited:
                self._assembled.set()

    async def wait(self) -> None:
        """Return when all requests wait here, or the slowest has taken too long."""
        self._missing -= 1
        if not self._missing:
            if self._lead is not None:
                self._leading = asyncio.create_task(self._lead())
                await asyncio.sleep(0)  # it begins
            self._release()
        try:
            async with asyncio.timeout(_HELD_AT_MOST_S):
                await self._released.wait()
        except TimeoutError:
            self._release()

    async def led(self) -> None:
        """Return when the lead has ended, however it ended: nothing of a check goes on after it."""
        if self._leading is not None:
            await asyncio.gather(self._leading, return_exceptions=True)

    def _release(self) -> None:
        if not self._released.is_set():
            self.released_at = time.time()
            self._released.set()


class Pace:
    """Keeps the promised rate limit from our side, so that a 429 never spoils a check about something else.

    A GCRA for each principal: the same arithmetic that a limiter uses, waiting where it would refuse. A limiter that
    counts by window refuses some of what a bucket takes: a burst and, meanwhile, the rate. From its first refusal on,
    there are no more than a burst in the time that it takes at the rate.
    """

    def __init__(self, limits: Limits | None, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._interval_s = 0.0 if limits is None else 1 / (limits.rate_per_s * _USED_RATIO)
        self._tolerance_s = 0.0 if limits is None else self._interval_s * max(limits.burst * _USED_RATIO - 1, 0)
        self._next: dict[str, float] = {}
        self._window_s = 0.0 if limits is None else limits.burst / limits.rate_per_s
        self._most = 1 if limits is None else max(int(limits.burst * _USED_RATIO), 1)
        self._sent: dict[str, deque[float]] = {}
        """When the last requests of a window were sent, or will be."""
        self._counts_windows = False
        self._served: set[str | None] = set()

    @property
    def window_s(self) -> float:
        """What a limiter by window counts at most before it begins anew, where it keeps the declared limit."""
        return self._window_s

    def note_refusal(self) -> None:
        """A request that kept the pace was refused with 429: the target counts by window."""
        self._counts_windows = True

    def note_served(self, token: str | None) -> None:
        """A request with this credential was carried out."""
        self._served.add(token)

    def has_served(self, token: str | None) -> bool:
        """Whether one was."""
        return token in self._served

    async def wait(self, subject: str) -> None:
        """Return when this principal may send one more request."""
        if not self._interval_s:
            return
        now = self._clock.monotonic()
        arrival = max(self._next.get(subject, now), now)
        sent_at = max(arrival - self._tolerance_s, now)
        sent = self._sent.setdefault(subject, deque(maxlen=self._most))
        if self._counts_windows and len(sent) == self._most:
            sent_at = max(sent_at, sent[0] + self._window_s)
        self._next[subject] = max(arrival, sent_at) + self._interval_s
        sent.append(sent_at)
        if sent_at > now:
            await self._clock.sleep(sent_at - now)

    def count_unpaced(self, subject: str) -> None:
        """Count a request that was sent without waiting and accepted. A bucket is never emptier than empty."""
        if not self._interval_s:
            return
        now = self._clock.monotonic()
        arrival = max(self._next.get(subject, now), now) + self._interval_s
        self._next[subject] = min(arrival, now + self._tolerance_s + self._interval_s)
        self._sent.setdefault(subject, deque(maxlen=self._most)).append(now)


def filled_path(path: str, variables: Values) -> str:
    """The path with every ``{name}`` replaced, percent-encoded.

    Raises:
        UserError: a variable has no value, or one that would name another place.
    """
    return VARIABLE.sub(lambda match: quote(_value(match[1], variables, path), safe=""), path)


def _value(name: str, variables: Values, path: str) -> str:
    if name not in variables:
        raise UserError(
            f"{path}: the variable {{{name}}} has no value",
            hint=f'a [[setup]] request with capture = {{{name} = "/pointer"}}; known: {", ".join(sorted(variables))}',
        )
    value = str(variables[name])
    if value in {".", ".."}:
        # RFC 3986 §6.2.2.3: on the way, these segments are removed, and with ".." the one before it.
        raise UserError(f"{path}: the variable {{{name}}} is {value!r}, which a path cannot contain as data")
    return value
