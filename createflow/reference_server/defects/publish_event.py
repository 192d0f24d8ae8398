"""Defects of step 9: the event of a write."""

import orjson

from createflow.reference_server.defects.defect import Defect, ReplaceEventComposer, replace_stage
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.outbox import OutboxRow, event_of
from createflow.reference_server.stages.business.publish_event import PublishEvent
from createflow.schemas.flow import Step


class _EventLost(PublishEvent):
    async def __call__(self, job: Job) -> Job:
        return job


class _EventTwice(PublishEvent):
    async def __call__(self, job: Job) -> Job:
        return await PublishEvent.__call__(self, await PublishEvent.__call__(self, job))


def _with_wrong_actor(row: OutboxRow) -> bytes:
    event = orjson.loads(event_of(row))
    event["actor"] = event["data"]["created_by"] = "somebody-else"
    return orjson.dumps(event)


DEFECTS = (
    Defect("event_lost", Step.PUBLISH_EVENT, "A create publishes no event.", replace_stage(_EventLost)),
    Defect(
        "event_twice",
        Step.PUBLISH_EVENT,
        "A create publishes two events with different ids.",
        replace_stage(_EventTwice),
    ),
    Defect(
        "event_wrong_actor",
        Step.PUBLISH_EVENT,
        "The event names another creator than the resource does.",
        ReplaceEventComposer(_with_wrong_actor),
    ),
)
