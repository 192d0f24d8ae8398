"""Whether what a load wrote arrived: sampled while it runs, and every write looked for after it."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from createflow.scenarios.load.fleet.progress import Progress, progress_of, verifying
from createflow.scenarios.load.fleet.run import Look, Measured
from createflow.scenarios.load.plan.plan import LoadPlan
from createflow.scenarios.load.plan.principals import Principals
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.verification.cleanup import clean_up
from createflow.scenarios.verification.reconciliation import Reconciliation
from createflow.scenarios.verification.sampler import Sampler
from createflow.scenarios.verification.search_rounds import SinkProgress
from createflow.schemas.load_finding import Verification

_CLEAN_UP_S = 600.0


class Proof:
    """Opened before the load, given after it."""

    def __init__(self, plan: LoadPlan, principals: Principals, connection: HttpConnection) -> None:
        self._plan = plan
        self._principals = principals
        self._connection = connection
        self._reconciliation = Reconciliation(plan.profile, connection.mask, plan.run_id)
        self._sampler = Sampler(plan.profile, principals.beside, run_id=plan.run_id, mask=connection.mask)
        self.notes: tuple[str, ...] = ()
        """What could not be looked for or asked, in words."""

    async def __aenter__(self) -> Self:
        """Note where the sinks stand, and begin to sample."""
        await self._reconciliation.__aenter__()
        await self._sampler.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything that was opened."""
        await self._sampler.__aexit__(kind, error, trace)
        await self._reconciliation.__aexit__(kind, error, trace)

    def latest_lags(self) -> Mapping[str, float]:
        """How long the last sampled create took to each sink, in milliseconds."""
        return self._sampler.latest()

    def lags(self, measured: Measured) -> Mapping[int, Mapping[str, float]]:
        """The same by second of the run."""
        return self._sampler.by_second(measured.t0_s)

    async def given(self, measured: Measured, show: Callable[[Progress], None]) -> Verification | None:
        """Look for every create of the load; ``None`` when there is nothing to look in.

        Args:
            measured: what the load came to.
            show: shown how far the search is.
        """
        await self._sampler.stop()
        last = progress_of(Look(measured.series, self._plan.schedule.duration_s, 0), self._plan, {})

        def on_progress(sinks: tuple[SinkProgress, ...]) -> None:
            waiting = tuple(f"{sink.sink}: {sink.found} of {sink.wanted}" for sink in sinks if not sink.done)
            if last is not None:
                show(verifying(last, waiting))

        on_progress(())
        verification = await self._reconciliation.verify(
            measured.writes,
            actors=self._principals.subjects(),
            on_progress=on_progress,
        )
        self.notes = tuple(f"while sampling, {trouble}" for trouble in self._sampler.troubles)
        if verification is None:
            why = self._reconciliation.impossible or measured.writes.unmarked
            self.notes = (*self.notes, f"no write was looked for: {why}")
            return None
        beside = (*self._sampler.created, *self._connection.created)
        left = verification.left_behind + len(beside)
        if self._plan.asked.clean_up and self._plan.profile.target.cleanup:
            left -= await clean_up(
                self._plan.profile,
                self._connection.mask,
                self._plan.run_id,
                created=self._reconciliation.created(),
                writers=self._principals.all(),
                sampled=beside,
                within_s=_CLEAN_UP_S,
            )
        return verification.model_copy(
            update={
                "lags": self._sampler.lags(),
                "own_writes_read": self._sampler.own_writes_read,
                "own_writes_missed": self._sampler.own_writes_missed,
                "left_behind": max(0, left),
            }
        )
