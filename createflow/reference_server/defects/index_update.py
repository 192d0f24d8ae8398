"""Step 15, broken."""

from createflow.reference_server.domain.port import IndexAction
from createflow.reference_server.stages.data.index_update import IndexUpdate
from createflow.schemas.fault import Fault


class IndexSkipped(IndexUpdate):
    """Does not index what is new."""

    def action(self, event: bytes) -> IndexAction | None:
        """Nothing for a create."""
        return None if b"createflow.resource.created" in event else IndexUpdate.action(self, event)


class IndexKeepsOld(IndexUpdate):
    """Does not index what has changed."""

    def action(self, event: bytes) -> IndexAction | None:
        """Nothing for an update."""
        return None if b"createflow.resource.updated" in event else IndexUpdate.action(self, event)


TWINS: dict[Fault, type[IndexUpdate]] = {
    Fault.INDEX_SKIPPED: IndexSkipped,
    Fault.INDEX_KEEPS_OLD: IndexKeepsOld,
}
