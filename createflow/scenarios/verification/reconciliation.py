"""Compares the writes of a load with the declared sinks: stores positions before the load, reads sinks after it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Self

from createflow.scenarios.load.plan.write_log import Outcome, Writes
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.failure import reason_of
from createflow.scenarios.sinks.registry import audit_table, event_stream, mask_secrets, primary_table
from createflow.scenarios.sinks.sink import EPOCH, PagedRows
from createflow.scenarios.text.secret_mask import Mask
from createflow.scenarios.text.trace_context import trace_id_of
from createflow.scenarios.verification.cache_sample import compare_cache, pick_sample
from createflow.scenarios.verification.copy_comparison import AUDIT, compare_requests
from createflow.scenarios.verification.observed import ResourceIds, count_arrivals, select_arrivals
from createflow.scenarios.verification.read_back import ReadBack
from createflow.scenarios.verification.search_rounds import SinkProgress, search_sinks
from createflow.scenarios.verification.sent_writes import SentWrites
from createflow.scenarios.verification.sink_verdict import evaluate_sinks, find_verified
from createflow.scenarios.verification.verifiable_sinks import (
    StartPositions,
    VerifiableSinks,
    VerifiedRun,
    make_write_sinks,
    reason_not_searchable,
)
from createflow.schemas.clock import Clock, SystemClock
from createflow.schemas.load_finding import READ_BACK, SinkVerdict, Verification
from createflow.schemas.profile import Profile
from createflow.schemas.profile_sinks import EventAudit, LogFileSink, SqlSink

_POSITION_TIMEOUT_S = 10.0


class Reconciliation:
    """Finds out, after a load, which of its creates are in every sink where they must be.

    No connection is open while the load runs, but to streams that do not keep what they show. A sink that does not tell
    its position never stops the load.
    """

    def __init__(self, profile: Profile, mask: Mask, run_id: str, *, clock: Clock | None = None) -> None:
        self._profile = profile
        self._mask = mask
        self._run_id = run_id
        self._clock = clock or SystemClock()
        self._positions = StartPositions()
        self._id_field = profile.target.fields.id

    @property
    def impossible_reason(self) -> str:
        """Why no sink can be searched; empty if one can."""
        return reason_not_searchable(self._profile.sinks)

    async def __aenter__(self) -> Self:
        """Store the positions of the sinks."""
        mask_secrets(self._profile.sinks, self._mask)
        await asyncio.gather(self._store_rows_since(), self._store_audit_since(), self._store_events_after())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close what had to be read while the load ran."""
        kept = (self._positions.events, self._positions.audit)
        await asyncio.gather(*(one.close() for one in kept if one is not None), return_exceptions=True)

    async def verify(
        self,
        writes: Writes,
        *,
        actors: Sequence[str] = (),
        sent: SentWrites | None = None,
        read_back: ReadBack | None = None,
        on_progress: Callable[[tuple[SinkProgress, ...]], None] = lambda _: None,
    ) -> Verification | None:
        """Look for every create in every declared sink. None: nothing can be verified.

        Args:
            writes: the creates of the run. A request without a reply will get none any more.
            actors: subjects that only this run uses, for audit entries about creates that never happened.
            sent: what the copies are compared with, field by field; ``None`` to look for them only.
            read_back: reads the creates through the API, where no sink can be searched.
            on_progress: called after each round.
        """
        ids = ResourceIds(writes)
        run = VerifiedRun(self._profile, writes, self._positions, ids, actors, sent)
        is_sample = False
        if not self.impossible_reason and not writes.not_searchable:
            if self._positions.events is not None:
                await self._positions.events.rewind()
            sinks = make_write_sinks(run)
        elif read_back is not None:
            sink = read_back(ids, run.comparison)
            sinks, is_sample = VerifiableSinks([sink]), sink.is_sample
        else:
            return None
        try:
            searches = await search_sinks(writes, sinks.verifiable, clock=self._clock, on_progress=on_progress)
        finally:
            await asyncio.gather(*(sink.close() for sink in sinks.verifiable), return_exceptions=True)
        for search in searches:
            if search.sink.name == AUDIT:
                compare_requests(ids, search.observed)
            if search.sink.name == READ_BACK and not search.error and not search.observed.present:
                # Where no read ever showed a write, reading may be what does not work.
                search.error = "no create of the run can be read at the URL that its reply names"
        verdicts = [
            *evaluate_sinks(writes, searches, ids.of_arrival),
            *(_unverified(name, reason) for name, reason in sinks.unverifiable.items()),
        ]
        accepted = select_arrivals(writes.outcomes, {Outcome.ACCEPTED})
        verified = find_verified(writes, searches)
        measured = select_arrivals(writes.measured, {1})
        sample = pick_sample([k for k, resource_id in enumerate(ids.of_arrival) if resource_id is not None])
        descriptions = {
            str(ids.of_arrival[k]): (
                f"arrival {k} ({writes.name_of(k)}, id {ids.of_arrival[k]}, trace {trace_id_of(writes.run_id, k)})"
            )
            for k in sample
        }
        return self._mask.record(
            Verification(
                accepted=count_arrivals(accepted),
                unknown=count_arrivals(select_arrivals(writes.outcomes, {Outcome.UNKNOWN})),
                verified=count_arrivals(verified),
                accepted_measured=count_arrivals(accepted & measured),
                verified_measured=count_arrivals(verified & measured),
                is_sample=is_sample,
                left_behind=_count_left_behind(ids, writes),
                sinks=tuple(sorted(verdicts, key=lambda verdict: self._order().index(verdict.sink))),
                cache=await compare_cache(self._profile, descriptions, self._clock),
            )
        )

    def _order(self) -> list[str]:
        return [
            "primary",
            *(replica.name for replica in self._profile.sinks.replicas),
            "audit",
            "events",
            "search",
            READ_BACK,
        ]

    async def _store_rows_since(self) -> None:
        primary = self._profile.sinks.primary
        if primary is not None and primary.by_run is not None:
            self._positions.rows_since = await _now(primary_table(self._profile.sinks))

    async def _store_audit_since(self) -> None:
        audit = self._profile.sinks.audit
        if isinstance(audit, SqlSink):
            if audit.by_actors is not None:
                self._positions.audit_since = await _now(audit_table(self._profile.sinks))
        elif isinstance(audit, (EventAudit, LogFileSink)):
            trail = self._positions.audit = audit_table(self._profile.sinks)
            self._positions.audit_problem = "" if trail is None else await _problem_of(trail.open())

    async def _store_events_after(self) -> None:
        events = self._profile.sinks.events
        if events is None:
            return

        async def begin() -> None:
            self._positions.events = await event_stream(events, self._id_field).begin_replay()

        self._positions.events_problem = await _problem_of(begin())


async def _problem_of(beginning: Awaitable[object]) -> str:
    """Why a stream could not be read from before the load on; empty when it can."""
    try:
        async with asyncio.timeout(_POSITION_TIMEOUT_S):
            await beginning
    except NotDeclared as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever the client library raises, the position is not known
        return f"its position before the load could not be read: {reason_of(error)}"
    return ""


async def _now(table: PagedRows | None) -> datetime:
    """The time of the database, or the epoch if it does not answer, which only makes the search slower."""
    try:
        async with asyncio.timeout(_POSITION_TIMEOUT_S):
            return EPOCH if table is None else await table.now()
    except Exception:  # noqa: BLE001 - reading the sink after the load will report the error
        return EPOCH


def _count_left_behind(ids: ResourceIds, writes: Writes) -> int:
    """The load's resources in the primary or, if it could not be read, the accepted creates: there may be more."""
    if ids.is_complete:
        return sum(1 for _ in ids.of_arrivals())
    return count_arrivals(select_arrivals(writes.outcomes, {Outcome.ACCEPTED}))


def _unverified(name: str, reason: str) -> SinkVerdict:
    return SinkVerdict(sink=name, found=0, missing=0, duplicated=0, phantom=0, error=f"not verified: {reason}")
