"""Step 15: search follows the events, versions in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import orjson

from createflow.reference_server.domain.port import Index, IndexAction
from createflow.schemas.flow import Step

_DELETED = "createflow.resource.deleted"


@dataclass(frozen=True, slots=True)
class IndexUpdate:
    """Apply events to the index. The same event twice, or late, changes nothing: the higher version stays."""

    step: ClassVar[Step] = Step.INDEX_UPDATE
    index: Index

    async def __call__(self, events: Sequence[bytes]) -> Sequence[bool]:
        """For each event whether the index has it now.

        Raises:
            UnavailableError: the index does not answer.
        """
        actions = [self.action(event) for event in events]
        wanted = [action for action in actions if action is not None]
        held = iter(await self.index.apply(wanted) if wanted else ())
        return [True if action is None else next(held) for action in actions]

    def action(self, event: bytes) -> IndexAction | None:
        """What the event means for the index; None when nothing."""
        parsed = orjson.loads(event)
        document = b"" if parsed["type"] == _DELETED else orjson.dumps(parsed["data"])
        return IndexAction(parsed["subject"], parsed["version"], document)
