"""The ledger against the sinks: opened before the load, asked after it."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Self

from createflow.scenarios.load.plan.write_log import Outcome, Writes
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.registry import audit_table, event_stream, primary_table, secret_urls
from createflow.scenarios.sinks.sink import EPOCH, PagedRows
from createflow.scenarios.text.secret_mask import Mask
from createflow.scenarios.verification.arrival_set import how_many, marks
from createflow.scenarios.verification.cache_sample import cache_sample, spread
from createflow.scenarios.verification.search_rounds import SinkProgress, searched
from createflow.scenarios.verification.sink import Identities
from createflow.scenarios.verification.sink_verdict import proved, verdicts
from createflow.scenarios.verification.verifiable_sinks import Noted, places, unverifiable
from createflow.schemas.clock import Clock, SystemClock
from createflow.schemas.load_finding import SinkVerdict, Verification
from createflow.schemas.profile import Profile

_NOTING_S = 10.0


class Reconciliation:
    """Proves, after a load, which of its creates are where they must be.

    Nothing is connected while the load runs. Being unable to note where a sink stands never stops the load.
    """

    def __init__(self, profile: Profile, mask: Mask, run_id: str, *, clock: Clock | None = None) -> None:
        self._profile = profile
        self._mask = mask
        self._run_id = run_id
        self._clock = clock or SystemClock()
        self._noted = Noted()
        self._identities: Identities | None = None

    @property
    def impossible(self) -> str:
        """Why nothing at all can be verified; empty when something can."""
        sinks = self._profile.sinks
        declared = [sinks.primary, *sinks.replicas, sinks.audit, sinks.events, sinks.search]
        reasons = unverifiable(self._profile)
        if not any(declared):
            return "the profile declares no sink to look for the writes in"
        if len(reasons) < sum(sink is not None for sink in declared):
            return ""
        return "; ".join(dict.fromkeys(reasons.values()))

    async def __aenter__(self) -> Self:
        """Note where the sinks stand."""
        for url in secret_urls(self._profile.sinks):
            self._mask.add_url(url)
        await asyncio.gather(self._note_rows(), self._note_audit(), self._note_events())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is held."""

    async def verify(
        self,
        writes: Writes,
        *,
        actors: Sequence[str] = (),
        on_progress: Callable[[tuple[SinkProgress, ...]], None] = lambda _: None,
    ) -> Verification | None:
        """Look for every create in every declared sink; ``None`` when nothing can be looked for.

        Args:
            writes: the ledger; what has had no reply by now will have none.
            actors: subjects that are the run's alone, for audit entries about creates that never were.
            on_progress: shown how far the search is, after each round.
        """
        if self.impossible or writes.not_searchable:
            return None
        self._identities = identities = Identities(writes)
        found = places(self._profile, writes, self._noted, identities, actors=actors)
        try:
            states = await searched(writes, found.verifiable, clock=self._clock, on_progress=on_progress)
        finally:
            await asyncio.gather(*(sink.close() for sink in found.verifiable), return_exceptions=True)
        ids = identities.of_arrival
        told = [*verdicts(writes, states, ids), *(_unverified(name, why) for name, why in found.unverifiable.items())]
        accepted, sure = marks(writes.outcomes, {Outcome.ACCEPTED}), proved(writes, states)
        measured = marks(writes.measured, {1})
        sample = spread([k for k, one in enumerate(ids) if one is not None])
        named = {str(ids[k]): f"arrival {k} ({writes.name_of(k)}, id {ids[k]})" for k in sample}
        return self._mask.record(
            Verification(
                accepted=how_many(accepted),
                unknown=how_many(marks(writes.outcomes, {Outcome.UNKNOWN})),
                verified=how_many(sure),
                accepted_measured=how_many(accepted & measured),
                verified_measured=how_many(sure & measured),
                left_behind=_left_behind(identities, writes),
                sinks=tuple(sorted(told, key=lambda verdict: self._order().index(verdict.sink))),
                cache=await cache_sample(self._profile, named, self._clock),
            )
        )

    def created(self) -> Iterator[tuple[str, int]]:
        """After ``verify``: the resources that the primary has shown, each with its arrival, for a clean-up."""
        return iter(()) if self._identities is None else self._identities.everything()

    def _order(self) -> list[str]:
        return ["primary", *(replica.name for replica in self._profile.sinks.replicas), "audit", "events", "search"]

    async def _note_rows(self) -> None:
        primary = self._profile.sinks.primary
        if primary is not None and primary.by_run is not None:
            self._noted.rows_since = await _now(primary_table(self._profile.sinks))

    async def _note_audit(self) -> None:
        audit = self._profile.sinks.audit
        if audit is not None and audit.by_actors is not None:
            self._noted.audit_since = await _now(audit_table(self._profile.sinks))

    async def _note_events(self) -> None:
        events = self._profile.sinks.events
        if events is None:
            return
        try:
            async with asyncio.timeout(_NOTING_S):
                self._noted.events_after = await event_stream(events).last_position()
        except NotDeclared as error:
            self._noted.events_unknown = str(error)
        except Exception as error:  # noqa: BLE001 - whatever the client library raises, the place is not known
            words = str(error).splitlines()[0] if str(error) else type(error).__name__
            self._noted.events_unknown = f"before the load it could not be asked how far the stream was: {words}"


async def _now(table: PagedRows | None) -> datetime:
    """The database's own time; long ago when it does not answer, which is as right and only slower."""
    try:
        async with asyncio.timeout(_NOTING_S):
            return EPOCH if table is None else await table.now()
    except Exception:  # noqa: BLE001 - the look after the load will tell what is wrong
        return EPOCH


def _left_behind(identities: Identities, writes: Writes) -> int:
    """The resources that the primary shows, or else as many as were accepted: there may be more."""
    if identities.complete:
        return sum(1 for _ in identities.everything())
    return how_many(marks(writes.outcomes, {Outcome.ACCEPTED}))


def _unverified(name: str, why: str) -> SinkVerdict:
    return SinkVerdict(sink=name, found=0, missing=0, duplicated=0, phantom=0, error=f"not verified: {why}")
