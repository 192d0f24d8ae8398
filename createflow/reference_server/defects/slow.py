"""What makes the reference slow, and breaks no promise: ``createflow bench`` says where the time goes."""

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import ClassVar

from createflow.reference_server.defects.defect import Defect, Stages
from createflow.reference_server.defects.seeds import ChangeStages, recast, replace_stage, trigger
from createflow.reference_server.domain.job import Job, Stage
from createflow.reference_server.stages.api.https_request import HttpsRequest
from createflow.reference_server.stages.business.business_logic import BusinessLogic
from createflow.reference_server.stages.data.connection_pool import ConnectionPool
from createflow.reference_server.stages.data.write_primary import WritePrimary
from createflow.schemas.flow import Step

_ONE_IN = 200
_SLEEP_S = 0.15
_PAUSE_EVERY_S = 1.0
_USED_S = 0.004
"""How long each write uses the only connection, or holds the lock."""
_requests = itertools.count(1)
_only = asyncio.Lock()


class _SleepsOneInMany(BusinessLogic):
    async def __call__(self, job: Job) -> Job:
        if not next(_requests) % _ONE_IN:
            await asyncio.sleep(_SLEEP_S)
        return await BusinessLogic.__call__(self, job)


class _Pauses(HttpsRequest):
    next_s: ClassVar[float] = 0.0

    async def __call__(self, job: Job) -> Job:
        if time.monotonic() > _Pauses.next_s:
            _Pauses.next_s = time.monotonic() + _PAUSE_EVERY_S
            time.sleep(_SLEEP_S)  # noqa: ASYNC251 - like a garbage collection, it stops the whole process
        return await HttpsRequest.__call__(self, job)


class _PoolOfOne(ConnectionPool):
    async def __call__(self, job: Job) -> Job:
        await _only.acquire()
        try:
            return await ConnectionPool.__call__(self, job)
        except BaseException:
            _only.release()
            raise


class _GivesBack(WritePrimary):
    """The step after that of the pool, so that nothing comes between them."""

    async def __call__(self, job: Job) -> Job:
        try:
            await asyncio.sleep(_USED_S)
            return await WritePrimary.__call__(self, job)
        finally:
            _only.release()


def _with_a_pool_of_one(healthy: Stages) -> Stages:
    mutants: dict[Step, Callable[..., Stage]] = {Step.CONNECTION_POOL: _PoolOfOne, Step.WRITE_PRIMARY: _GivesBack}
    return tuple(recast(stage, mutants[stage.step]) if stage.step in mutants else stage for stage in healthy)


SLOW: dict[str, Defect] = {
    defect.name: defect
    for defect in (
        Defect(
            "pauses_each_second",
            Step.HTTPS_REQUEST,
            "The gateway stops for 150 ms each second, as for a garbage collection.",
            replace_stage(_Pauses),
        ),
        Defect(
            "sleeps_one_in_many",
            Step.BUSINESS_LOGIC,
            "One request in 200 takes 150 ms longer.",
            replace_stage(_SleepsOneInMany),
        ),
        Defect(
            "pool_of_one",
            Step.CONNECTION_POOL,
            "There is one connection, and each write uses it for 4 ms.",
            ChangeStages("service", _with_a_pool_of_one),
        ),
        Defect(
            "lock_around_writes",
            Step.WRITE_PRIMARY,
            "All writes of all services wait for one lock, which each holds for 4 ms.",
            trigger(
                "lock_around_writes",
                "BEFORE INSERT ON resources",
                f"PERFORM pg_advisory_xact_lock(4711); PERFORM pg_sleep({_USED_S}); RETURN NEW;",
            ),
        ),
    )
}
"""By name. No check finds them, because nothing is wrong but the time."""
