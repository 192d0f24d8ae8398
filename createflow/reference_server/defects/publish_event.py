"""Step 9, broken."""

import orjson

from createflow.reference_server.defects.twin import Swap, twin_of
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.outbox import OutboxRow, event_of
from createflow.reference_server.stages.business.publish_event import PublishEvent
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step


class EventLost(PublishEvent):
    """Tells nobody."""

    async def __call__(self, job: Job) -> Job:
        """Leave the unit as it is."""
        return job


class EventTwice(PublishEvent):
    """Tells everybody twice."""

    async def __call__(self, job: Job) -> Job:
        """Two rows, two event ids."""
        return await PublishEvent.__call__(self, await PublishEvent.__call__(self, job))


def wrong_actor(row: OutboxRow) -> bytes:
    """An event that tells of another creator than the resource does."""
    event = orjson.loads(event_of(row))
    event["actor"] = event["data"]["created_by"] = "somebody-else"
    return orjson.dumps(event)


SWAPS: dict[Fault, Swap] = {
    Fault.EVENT_LOST: twin_of(Step.PUBLISH_EVENT, EventLost),
    Fault.EVENT_TWICE: twin_of(Step.PUBLISH_EVENT, EventTwice),
}
