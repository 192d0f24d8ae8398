"""Step 9: add the event to the unit of work. The outbox relay publishes it after the commit. It refuses nothing."""

from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.unit_of_work import EVENT_TYPES, EventDraft
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class PublishEvent:
    """Adds one event to the unit, so that there is an event exactly when there is a write."""

    step: ClassVar[Step] = Step.PUBLISH_EVENT

    async def __call__(self, job: Job) -> Job:
        """Add the event of a create, an update or a delete."""
        if job.unit is not None and job.op in {"create", "update", "delete"}:
            job.unit.events.append(EventDraft(EVENT_TYPES[job.op], job.principal.subject))
        return job
