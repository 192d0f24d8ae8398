"""Samples consistency while a load runs: a few creates of its own, read back at once and followed into every sink."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Self

from createflow.scenarios.bodies.template import Values
from createflow.scenarios.sinks.failure import reason_of
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.http_client import HttpConnection, NoReply
from createflow.scenarios.target.http_target import CREATE_IS_201, HttpTarget
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.run_context import Created, RunContext
from createflow.scenarios.text.secret_mask import Mask
from createflow.scenarios.verification.lag_statistics import SinkLags
from createflow.scenarios.verification.sink_watches import Sample, WaitForSample, Watch, make_watches
from createflow.schemas.clock import Clock, SystemClock
from createflow.schemas.load_finding import SinkLag
from createflow.schemas.profile import Profile

RATE_PER_S = 2.0
_MAX_CONCURRENT = 24
"""Samples that wait for a slow sink. No further sample starts until one is done."""
_OPEN_TIMEOUT_S = 5.0
_MAX_FINAL_WAIT_S = 60.0
"""At the end of the run, whatever the deadlines."""
_MAX_PROBLEMS = 12
_SHOWN_CHARACTERS = 160


class Sampler:
    """Runs beside the load, in the event loop of the parent. A sink that cannot be read is reported as a problem.

    Its creates are named ``sample RUN n``. They are in no ledger, and ``created`` lists them for the clean-up.

    Args:
        profile: the target and its sinks.
        principal: gives the principal of the next sample.
        run_id: of the run.
        mask: learns the tokens.
        variables: that set-up requests captured.
        rate_per_s: samples per second.
        clock: time source.
    """

    def __init__(
        self,
        profile: Profile,
        principal: Callable[[], Principal],
        *,
        run_id: str,
        mask: Mask,
        variables: Values | None = None,
        rate_per_s: float = RATE_PER_S,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._principal = principal
        self._run_id = run_id
        self._interval_s = 1 / rate_per_s
        context = RunContext(profile, run_id, mask)
        context.variables |= variables or {}
        self._connection = HttpConnection(context)
        self._contract = Contract(profile.target, profile.promises, awaited=profile.captured)
        self._contract.bind(context.variables)
        # Asked before the load: a schema is looked into by another process.
        self._names_samples = (
            self._contract.raw is None
            and not self._contract.names_itself
            and self._contract.takes_name(f"sample {run_id} 1")
        )
        self._watches = make_watches(profile, self._clock)
        self._lags = SinkLags({watch.name: watch.deadline_s * 1000 for watch in self._watches})
        self._problems: Counter[str] = Counter()
        self._samples: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None
        self.final_wait_s = _MAX_FINAL_WAIT_S
        """For the current samples, when sampling ends."""
        self.own_writes_read = 0
        """Reads right after a 201 that had a usable reply."""
        self.own_writes_missed = 0
        """Such reads without the write."""
        self.shown_fields: frozenset[str] | None = None
        """The fields that every reply to its creates showed; ``None`` without a reply."""

    async def __aenter__(self) -> Self:
        """Open the watches, and start sampling."""
        await asyncio.gather(*(self._open(watch) for watch in self._watches))
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop sampling, and close everything."""
        await self.stop()
        await asyncio.gather(
            self._connection.close(), *(watch.close() for watch in self._watches), return_exceptions=True
        )

    async def stop(self) -> None:
        """Start no more samples, and wait until the current ones are seen or late."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None
        if self._samples:
            _, waiting = await asyncio.wait(self._samples, timeout=self.final_wait_s)
            for sample in waiting:
                sample.cancel()
                self._problems["a sample was given up at the end of the run"] += 1
            await asyncio.gather(*waiting, return_exceptions=True)

    def latest(self) -> dict[str, float]:
        """The last lag of each sink, in milliseconds; infinite if its deadline passed."""
        return self._lags.latest()

    def by_second(self, t0_s: float) -> dict[int, dict[str, float]]:
        """The longest lag of each second since ``t0_s`` on the monotonic clock, by sink, in milliseconds."""
        return self._lags.by_second(t0_s)

    def lags(self) -> tuple[SinkLag, ...]:
        """The summary of each sink."""
        return self._lags.summaries()

    @property
    def created(self) -> list[Created]:
        """The resources that it created."""
        return self._connection.context.created

    def on_created(self, callback: Callable[[Created], None]) -> None:
        """Have each of them told at once."""
        self._connection.context.on_created = callback

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be sampled, and how often."""
        return tuple(f"{problem} ({times} times)" for problem, times in self._problems.most_common(_MAX_PROBLEMS))

    async def _open(self, watch: Watch) -> None:
        try:
            async with asyncio.timeout(_OPEN_TIMEOUT_S):
                await watch.open()
        except Exception as error:  # noqa: BLE001 - whatever a client library raises, each sample will try again
            self._add_problem(f"{watch.name} does not answer", error)

    async def _run(self) -> None:
        number = 0
        due_s = self._clock.monotonic()
        while True:
            if len(self._samples) < _MAX_CONCURRENT:
                number += 1
                task = asyncio.create_task(self._sample(number))
                self._samples.add(task)
                task.add_done_callback(self._samples.discard)
            else:
                self._problems["a sample was left out, because too many wait for a slow sink"] += 1
            # Missed samples are not made up for: a stall must not be followed by a burst.
            due_s = max(due_s + self._interval_s, self._clock.monotonic())
            await self._clock.sleep(due_s - self._clock.monotonic())

    async def _sample(self, number: int) -> None:
        try:
            async with AsyncExitStack() as scope:
                waits: list[tuple[Watch, WaitForSample]] = []
                for watch in self._watches:
                    try:
                        waits.append((watch, await scope.enter_async_context(watch.watch())))
                    except Exception as error:  # noqa: BLE001 - whatever a client library raises
                        self._add_problem(f"{watch.name} could not be watched", error)
                await self._follow(f"sample {self._run_id} {number}", waits)
        except Exception as error:  # noqa: BLE001 - a sample that fails is a problem, and the next one is made
            self._add_problem("a sample failed", error)

    async def _follow(self, name: str, waits: list[tuple[Watch, WaitForSample]]) -> None:
        target = HttpTarget(self._connection, self._contract, self._principal(), check_id=CREATE_IS_201)
        body, name = self._body(name)
        try:
            reply = await target.create(body, paced=False)
        except NoReply as error:
            self._add_problem("a create had no reply", error)
            return
        at_s = self._clock.monotonic()
        if reply.accepted and reply.representation is not None:
            shown = frozenset(reply.representation)
            self.shown_fields = shown if self.shown_fields is None else self.shown_fields & shown
        resource_id = (reply.document or {}).get(self._contract.fields.id)
        if not reply.accepted or resource_id in {None, ""}:
            without_id = ", without an id" if reply.accepted else ""
            self._problems[f"the reply to a create was {reply.status}{without_id}"] += 1
            return
        sample = Sample(str(resource_id), name)
        await asyncio.gather(
            self._read_back(target, reply, sample),
            *(self._record_lag(watch, wait_for, sample, at_s) for watch, wait_for in waits),
        )

    def _body(self, name: str) -> tuple[dict[str, Any] | None, str]:
        """The body, and the name in it. The name is empty if the profile gives the exact bytes."""
        if self._contract.raw is not None:
            return None, ""
        field = self._contract.fields.name
        limit = self._contract.max_length(field)
        has_room = self._names_samples and (limit is None or len(name) <= limit)
        body = self._contract.document(**({field: name} if has_room else {}))
        return body, self._contract.name_in(body)

    async def _read_back(self, target: HttpTarget, created: Reply, sample: Sample) -> None:
        try:
            reply = await target.send("GET", target.url_of(created), paced=False)
        except NoReply as error:
            self._add_problem("a read had no reply", error)
            return
        if not reply.accepted and reply.status not in {404, 410}:
            self._problems[f"the reply to a read was {reply.status}"] += 1
            return
        self.own_writes_read += 1
        self.own_writes_missed += not (reply.accepted and self._shows(reply, sample))

    def _shows(self, reply: Reply, sample: Sample) -> bool:
        """Whether the reply shows the sample, as far as it has an id or a name."""
        shown, fields = reply.document or {}, self._contract.fields
        same_id = fields.id not in shown or str(shown[fields.id]) == sample.resource_id
        return same_id and (not sample.name or fields.name not in shown or shown[fields.name] == sample.name)

    async def _record_lag(self, watch: Watch, wait_for: WaitForSample, sample: Sample, at_s: float) -> None:
        try:
            in_time = await wait_for(sample)
        except Exception as error:  # noqa: BLE001 - whatever a client library raises, the sink could not be read
            self._add_problem(f"{watch.name} could not be read", error)
            return
        lag_ms = (self._clock.monotonic() - at_s) * 1000 if in_time else math.inf
        self._lags.add(watch.name, at_s=at_s, lag_ms=lag_ms)

    def _add_problem(self, what: str, error: Exception) -> None:
        message = reason_of(error)[:_SHOWN_CHARACTERS]
        problem = self._connection.context.mask.text(f"{what}: {message}")
        if problem in self._problems or len(self._problems) < _MAX_PROBLEMS:
            self._problems[problem] += 1
