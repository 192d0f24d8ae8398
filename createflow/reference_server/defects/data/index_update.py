"""Defects of step 15: the search index."""

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import ReplaceIndexUpdate
from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.ports import IndexAction
from createflow.reference_server.stages.data.index_update import IndexUpdate
from createflow.schemas.flow import Step


class _IndexSkipped(IndexUpdate):
    def action_for(self, event: ResourceEvent) -> IndexAction | None:
        return None if event.type == "created" else IndexUpdate.action_for(self, event)


class _IndexKeepsOld(IndexUpdate):
    def action_for(self, event: ResourceEvent) -> IndexAction | None:
        return None if event.type == "updated" else IndexUpdate.action_for(self, event)


DEFECTS = (
    Defect("index_skipped", Step.INDEX_UPDATE, "Created resources are not indexed.", ReplaceIndexUpdate(_IndexSkipped)),
    Defect("index_keeps_old", Step.INDEX_UPDATE, "Updates are not indexed.", ReplaceIndexUpdate(_IndexKeepsOld)),
)
