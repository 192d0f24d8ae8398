"""Step 15: apply events to the search index. It runs in the worker, after the commit, and refuses nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.ports import Index, IndexAction
from createflow.schemas.flow import Step


@dataclass(frozen=True, slots=True)
class IndexUpdate:
    """Applies events to the index. The higher version stays, so a repeated or late event changes nothing."""

    step: ClassVar[Step] = Step.INDEX_UPDATE
    index: Index

    async def __call__(self, events: Sequence[ResourceEvent]) -> Sequence[bool]:
        """Apply events, and say of each whether the index has it now.

        Raises:
            UnavailableError: the index does not answer.
        """
        actions = [self.action_for(event) for event in events]
        wanted = [action for action in actions if action is not None]
        applied = iter(await self.index.apply(wanted) if wanted else ())
        return [True if action is None else next(applied) for action in actions]

    def action_for(self, event: ResourceEvent) -> IndexAction | None:
        """Return what the event changes in the index; None for nothing."""
        return IndexAction(event.resource_id, event.version, event.document_after)
