"""Step 9: the event becomes part of the unit; the relay publishes it after the commit."""

from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.unit_of_work import EVENT_TYPES, EventDraft
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class PublishEvent:
    """Put one event into the unit: an event exists exactly when its write does."""

    step: ClassVar[Step] = Step.PUBLISH_EVENT

    async def __call__(self, job: Job) -> Job:
        """Add the event."""
        if job.unit is not None and job.op in {"create", "update", "delete"}:
            job.unit.events.append(EventDraft(EVENT_TYPES[job.op], job.principal.subject))
        return job
