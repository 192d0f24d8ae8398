"""Write verification of one run: consistency is sampled during the load, and every write is looked for after it."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from createflow.scenarios.load.fleet.progress import Progress, make_progress, make_verifying_progress
from createflow.scenarios.load.fleet.run import LoadResult, Snapshot
from createflow.scenarios.load.plan.plan import LoadPlan
from createflow.scenarios.load.plan.principals import Principals
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.run_context import Created
from createflow.scenarios.verification.lag_sampler import Sampler
from createflow.scenarios.verification.reconciliation import Reconciliation
from createflow.scenarios.verification.search_rounds import SinkProgress
from createflow.scenarios.verification.sent_writes import SentWrites
from createflow.schemas.load_finding import Verification


class WriteVerification:
    """Opened before the load; ``verify`` is called after it."""

    def __init__(
        self,
        plan: LoadPlan,
        principals: Principals,
        connection: HttpConnection,
        on_created: Callable[[Created], None] = lambda _: None,
    ) -> None:
        self._plan = plan
        self._principals = principals
        self._connection = connection
        self._reconciliation = Reconciliation(plan.profile, connection.context.mask, plan.run_id)
        self._sampler = Sampler(plan.profile, principals.for_sampler, run_id=plan.run_id, mask=connection.context.mask)
        self._sampler.on_created(on_created)
        self.notes: tuple[str, ...] = ()
        """What could not be sampled or verified, and why."""

    async def __aenter__(self) -> Self:
        """Store the positions of the sinks, and start sampling."""
        await self._reconciliation.__aenter__()
        await self._sampler.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        await self._sampler.__aexit__(kind, error, trace)
        await self._reconciliation.__aexit__(kind, error, trace)

    def sampled(self) -> tuple[Created, ...]:
        """The resources that sampling created."""
        return tuple(self._sampler.created)

    def latest_lags(self) -> Mapping[str, float]:
        """The lag of the last sampled create to each sink, in milliseconds."""
        return self._sampler.latest()

    def lags(self, result: LoadResult) -> Mapping[int, Mapping[str, float]]:
        """The lags by second of the run."""
        return self._sampler.by_second(result.t0_s)

    async def verify(self, result: LoadResult, on_progress: Callable[[Progress], None]) -> Verification | None:
        """Look for every create of the load in every declared sink. None: no sink can be verified.

        Args:
            result: of the load.
            on_progress: called with the progress of the search.
        """
        await self._sampler.stop()
        last = make_progress(Snapshot(result.series, self._plan.schedule.duration_s, 0), self._plan, {})

        def on_sinks(sinks: tuple[SinkProgress, ...]) -> None:
            waiting = tuple(f"{sink.sink}: {sink.found} of {sink.wanted}" for sink in sinks if not sink.done)
            if last is not None:
                on_progress(make_verifying_progress(last, waiting))

        on_sinks(())
        verification = await self._reconciliation.verify(
            result.writes,
            actors=self._principals.subjects(),
            sent=SentWrites(
                self._plan.bodies,
                self._plan.profile.target,
                subjects=[principal.subject or "" for principal in self._principals.all()],
                shown=self._sampler.shown_fields,
            ),
            on_progress=on_sinks,
        )
        self.notes = tuple(f"while sampling, {problem}" for problem in self._sampler.problems)
        if verification is None:
            reason = self._reconciliation.impossible_reason or result.writes.not_searchable
            self.notes = (*self.notes, f"the writes were not verified: {reason}")
            return None
        others = (*self._sampler.created, *self._connection.context.created)
        return verification.model_copy(
            update={
                "lags": self._sampler.lags(),
                "own_writes_read": self._sampler.own_writes_read,
                "own_writes_missed": self._sampler.own_writes_missed,
                "left_behind": verification.left_behind + len(others),
            }
        )
