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
from createflow.scenarios.verification.copy_comparison import CopyComparison
from createflow.scenarios.verification.lag_sampler import Sampler
from createflow.scenarios.verification.observed import ResourceIds
from createflow.scenarios.verification.read_back import ReadBack, ReadBackSink
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
        self._sampler = Sampler(
            plan.profile,
            principals.for_sampler,
            run_id=plan.run_id,
            mask=connection.context.mask,
            variables=connection.context.variables,
        )
        self._sampler.on_created(on_created)
        self.notes: tuple[str, ...] = ()
        """What could not be sampled or verified, and why."""
        self.unverified = ""
        """Why no write was verified; empty if writes were."""

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

    def hurry(self) -> None:
        """Wait for no sample any more: the target is silent."""
        self._sampler.final_wait_s = 0.0

    def sampled(self) -> tuple[Created, ...]:
        """The resources that sampling created."""
        return tuple(self._sampler.created)

    def latest_lags(self) -> Mapping[str, float]:
        """The lag of the last sampled create to each sink, in milliseconds."""
        return self._sampler.latest()

    def lags(self, result: LoadResult) -> Mapping[int, Mapping[str, float]]:
        """The lags by second of the run."""
        return self._sampler.by_second(result.t0_s)

    def _sent(self) -> SentWrites | None:
        """What the copies are compared with; None where the profile gives bytes that are no JSON."""
        subjects = [principal.subject or "" for principal in self._principals.all()]
        try:
            return SentWrites(
                self._plan.bodies,
                self._plan.profile.target,
                subjects=subjects,
                shown=self._sampler.shown_fields,
                shown_of=self._plan.contract.shown,
                wire_format=self._plan.contract.wire_format,
            )
        except ValueError:
            if self._plan.contract.raw is None:
                raise
            return None

    def _read_back(self, result: LoadResult) -> ReadBack:
        def make(ids: ResourceIds, comparison: CopyComparison | None) -> ReadBackSink:
            return ReadBackSink(
                self._connection,
                result.to_read,
                tuple(self._principals.all()),
                ids=ids,
                comparison=comparison,
                deadlines=self._plan.profile.deadlines,
                unnamed=result.to_read.beyond,
                is_sample=self._plan.read_back_ratio < 1 or bool(result.to_read.beyond),
            )

        return make

    async def verify(self, result: LoadResult, on_progress: Callable[[Progress], None]) -> Verification | None:
        """Look for every create of the load in every declared sink, or else through the API. None: it is impossible.

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
            sent=self._sent(),
            read_back=self._read_back(result) if self._plan.read_back_ratio else None,
            on_progress=on_sinks,
        )
        self.notes = tuple(f"while sampling, {problem}" for problem in self._sampler.problems)
        reason = self._reconciliation.impossible_reason or result.writes.not_searchable
        if verification is None:
            self.unverified = reason
            return None
        if reason:
            self.notes = (*self.notes, f"no store was searched: {reason}")
        own_reads = {
            "own_writes_read": self._sampler.own_writes_read,
            "own_writes_missed": self._sampler.own_writes_missed,
        }
        if verification.is_read_back and verification.sinks[0].error:
            own_reads = {}  # nothing can be read, as the error says
        others = (*self._sampler.created, *self._connection.context.created)
        return verification.model_copy(
            update={
                "lags": self._sampler.lags(),
                **own_reads,
                "left_behind": verification.left_behind + len(others),
            }
        )
