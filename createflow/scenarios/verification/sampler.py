"""Consistency while the load runs: a few creates of its own, read back at once and followed into every sink."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Self

from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.http_client import HttpConnection, NoReply
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.run_context import Created, RunContext
from createflow.scenarios.text.secret_mask import Mask
from createflow.scenarios.verification.lags import LagBook
from createflow.scenarios.verification.sample import Sample, Seen
from createflow.scenarios.verification.watch import Watch, watches
from createflow.schemas.clock import Clock, SystemClock
from createflow.schemas.load_finding import SinkLag
from createflow.schemas.profile import Profile

RATE_PER_S = 2.0
_AT_ONCE = 24
"""Samples that wait for a slow sink; more are not begun until one is done."""
_OPENING_S = 5.0
_LONGEST_WAIT_S = 60.0
"""At the end of the run, whatever the deadlines."""
_MOST_TROUBLES = 12
_SHOWN_CHARACTERS = 160


class Sampler:
    """Runs beside the load, in the parent's own loop. What it cannot ask it says, and goes on.

    Its creates are called ``sample RUN n``: they are in no ledger, and what is left of them is in ``created``.
    """

    def __init__(
        self,
        profile: Profile,
        who: Callable[[], Principal],
        *,
        run_id: str,
        mask: Mask,
        rate_per_s: float = RATE_PER_S,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._who = who
        self._run_id = run_id
        self._pause_s = 1 / rate_per_s
        self._connection = HttpConnection(RunContext(profile, run_id, mask))
        self._contract = Contract(profile.target)
        self._watches = watches(profile, self._clock)
        self._book = LagBook({watch.name: watch.deadline_s * 1000 for watch in self._watches})
        self._troubles: Counter[str] = Counter()
        self._samples: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None
        self.own_writes_read = 0
        """Reads right after a 201 that were answered."""
        self.own_writes_missed = 0
        """Of those, without the write."""

    async def __aenter__(self) -> Self:
        """Open what answers, and begin."""
        await asyncio.gather(*(self._open(watch) for watch in self._watches))
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Begin no more, wait until those under way are seen or late, and close everything."""
        await self.stop()
        await asyncio.gather(
            self._connection.close(), *(watch.close() for watch in self._watches), return_exceptions=True
        )

    async def stop(self) -> None:
        """Begin no more, and wait until those under way are seen or late."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None
        if self._samples:
            _, waiting = await asyncio.wait(self._samples, timeout=_LONGEST_WAIT_S)
            for sample in waiting:
                sample.cancel()
                self._troubles["a sample was given up at the end of the run"] += 1
            await asyncio.gather(*waiting, return_exceptions=True)

    def latest(self) -> dict[str, float]:
        """The last lag of each sink, in milliseconds; infinite when its deadline passed."""
        return self._book.latest()

    def by_second(self, t0_s: float) -> dict[int, dict[str, float]]:
        """For each second since ``t0_s`` on the monotonic clock, the longest lag of its creates by sink."""
        return self._book.by_second(t0_s)

    def lags(self) -> tuple[SinkLag, ...]:
        """The summary of each sink."""
        return self._book.summaries()

    @property
    def created(self) -> list[Created]:
        """What it made, for the clean-up."""
        return self._connection.context.created

    @property
    def troubles(self) -> tuple[str, ...]:
        """What could not be asked, in words, with how often."""
        return tuple(f"{words} ({times} times)" for words, times in self._troubles.most_common(_MOST_TROUBLES))

    async def _open(self, watch: Watch) -> None:
        try:
            async with asyncio.timeout(_OPENING_S):
                await watch.open()
        except Exception as error:  # noqa: BLE001 - whatever a client library raises, each sample will try again
            self._trouble(f"{watch.name} does not answer", error)

    async def _run(self) -> None:
        number = 0
        due_s = self._clock.monotonic()
        while True:
            if len(self._samples) < _AT_ONCE:
                number += 1
                task = asyncio.create_task(self._sample(number))
                self._samples.add(task)
                task.add_done_callback(self._samples.discard)
            else:
                self._troubles["a sample was left out: too many wait for a slow sink"] += 1
            # No catching up: a stalled loop must not be followed by a burst.
            due_s = max(due_s + self._pause_s, self._clock.monotonic())
            await self._clock.sleep(due_s - self._clock.monotonic())

    async def _sample(self, number: int) -> None:
        try:
            async with AsyncExitStack() as scope:
                seers: list[tuple[Watch, Seen]] = []
                for watch in self._watches:
                    try:
                        seers.append((watch, await scope.enter_async_context(watch.watching())))
                    except Exception as error:  # noqa: BLE001 - whatever a client library raises
                        self._trouble(f"{watch.name} could not be watched", error)
                await self._follow(f"sample {self._run_id} {number}", seers)
        except Exception as error:  # noqa: BLE001 - a sample that fails is told, and the next one is made
            self._trouble("a sample failed", error)

    async def _follow(self, name: str, seers: list[tuple[Watch, Seen]]) -> None:
        target = HttpTarget(self._connection, self._contract, self._who())
        body, name = self._body(name)
        try:
            reply = await target.create(body, paced=False)
        except NoReply as error:
            self._trouble("a create was not answered", error)
            return
        at_s = self._clock.monotonic()
        resource_id = (reply.document or {}).get(self._contract.fields.id)
        if not reply.accepted or resource_id in {None, ""}:
            self._troubles[f"a create was answered {reply.status}" + ("" if not reply.accepted else ", no id")] += 1
            return
        sample = Sample(str(resource_id), name)
        await asyncio.gather(
            self._read_back(target, reply, sample), *(self._seen_in(watch, seen, sample, at_s) for watch, seen in seers)
        )

    def _body(self, name: str) -> tuple[dict[str, Any] | None, str]:
        """The body and the name that it carries: none where the profile gives the exact bytes."""
        if self._contract.raw is not None:
            return None, ""
        field = self._contract.fields.name
        limit = self._contract.max_length(field)
        room = limit is None or len(name) <= limit
        body = self._contract.document(**({field: name} if room else {}))
        return body, self._contract.name_in(body)

    async def _read_back(self, target: HttpTarget, created: Reply, sample: Sample) -> None:
        try:
            reply = await target.send("GET", target.url_of(created), paced=False)
        except NoReply as error:
            self._trouble("a read was not answered", error)
            return
        if not reply.accepted and reply.status not in {404, 410}:
            self._troubles[f"a read was answered {reply.status}"] += 1
            return
        self.own_writes_read += 1
        self.own_writes_missed += not (reply.accepted and self._shows(reply, sample))

    def _shows(self, reply: Reply, sample: Sample) -> bool:
        """Whether it is the sample that is shown, as far as the reply shows what to tell it by."""
        shown, fields = reply.document or {}, self._contract.fields
        same_id = fields.id not in shown or str(shown[fields.id]) == sample.resource_id
        return same_id and (not sample.name or fields.name not in shown or shown[fields.name] == sample.name)

    async def _seen_in(self, watch: Watch, seen: Seen, sample: Sample, at_s: float) -> None:
        try:
            in_time = await seen(sample)
        except Exception as error:  # noqa: BLE001 - whatever a client library raises, the sink could not be asked
            self._trouble(f"{watch.name} could not be asked", error)
            return
        lag_ms = (self._clock.monotonic() - at_s) * 1000 if in_time else math.inf
        self._book.add(watch.name, at_s=at_s, lag_ms=lag_ms)

    def _trouble(self, what: str, error: Exception) -> None:
        words = str(error).splitlines()[0][:_SHOWN_CHARACTERS] if str(error) else type(error).__name__
        told = self._connection.context.mask.text(f"{what}: {words}")
        if told in self._troubles or len(self._troubles) < _MOST_TROUBLES:
            self._troubles[told] += 1
