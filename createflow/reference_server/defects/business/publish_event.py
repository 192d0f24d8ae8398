"""Defects of step 9: the event of a write."""

from dataclasses import replace

import orjson

from createflow.reference_server.adapters.nats_codec import encode_event
from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import ReplaceEventEncoder, replace_stage
from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.job import Job
from createflow.reference_server.stages.business.publish_event import PublishEvent
from createflow.schemas.flow import Step


class _EventLost(PublishEvent):
    async def __call__(self, job: Job) -> Job:
        return job


class _EventTwice(PublishEvent):
    async def __call__(self, job: Job) -> Job:
        return await PublishEvent.__call__(self, await PublishEvent.__call__(self, job))


def _with_wrong_actor(event: ResourceEvent) -> bytes:
    document = {**orjson.loads(event.document), "created_by": "somebody-else"}
    return encode_event(replace(event, actor="somebody-else", document=orjson.dumps(document)))


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
        ReplaceEventEncoder(_with_wrong_actor),
    ),
)
