"""Defects of step 15: the search index."""

import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import ReplaceIndexUpdate, changed_values, one_in
from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.ports import IndexAction, UnavailableError
from createflow.reference_server.stages.data.index_update import IndexUpdate
from createflow.schemas.flow import Step


class _IndexSkipped(IndexUpdate):
    def action_for(self, event: ResourceEvent) -> IndexAction | None:
        return None if event.type == "created" else IndexUpdate.action_for(self, event)


class _IndexKeepsOld(IndexUpdate):
    def action_for(self, event: ResourceEvent) -> IndexAction | None:
        return None if event.type == "updated" else IndexUpdate.action_for(self, event)


class _IndexKeepsDeleted(IndexUpdate):
    def action_for(self, event: ResourceEvent) -> IndexAction | None:
        return None if event.type == "deleted" else IndexUpdate.action_for(self, event)


class _IndexKeepsChanged(IndexUpdate):
    def action_for(self, event: ResourceEvent) -> IndexAction | None:
        is_kept = event.type == "deleted" and event.version > _NEW_AND_DELETED
        return None if is_kept else IndexUpdate.action_for(self, event)


class _IndexSkipsOneInTen(IndexUpdate):
    def action_for(self, event: ResourceEvent) -> IndexAction | None:
        return None if event.type == "created" and _skipped() else IndexUpdate.action_for(self, event)


class _IndexEdited(IndexUpdate):
    """Indexes the document after ``edit``."""

    def action_for(self, event: ResourceEvent) -> IndexAction | None:
        action = IndexUpdate.action_for(self, event)
        if action is None or not action.document:
            return action
        document = orjson.loads(action.document)
        self.edit(document, event)
        return replace(action, document=orjson.dumps(document))

    def edit(self, document: dict[str, Any], event: ResourceEvent) -> None:
        raise NotImplementedError


class _IndexDropsMetadata(_IndexEdited):
    def edit(self, document: dict[str, Any], event: ResourceEvent) -> None:
        if event.type == "updated":
            del document["metadata"]


class _IndexCutsText(_IndexEdited):
    def edit(self, document: dict[str, Any], event: ResourceEvent) -> None:  # noqa: ARG002 - the healthy signature
        document["description"] = document["description"][:64]


class _IndexRoundsFractions(_IndexEdited):
    def edit(self, document: dict[str, Any], event: ResourceEvent) -> None:  # noqa: ARG002 - the healthy signature
        def six_digits(value: Any) -> Any:
            return round(value, 6) if isinstance(value, float) else value

        document["metadata"] = changed_values(document["metadata"], six_digits)


class _IndexLowerCase(_IndexEdited):
    def edit(self, document: dict[str, Any], event: ResourceEvent) -> None:  # noqa: ARG002 - the healthy signature
        document["name"] = document["name"].lower()


class _IndexDropsEmpty(_IndexEdited):
    def edit(self, document: dict[str, Any], event: ResourceEvent) -> None:  # noqa: ARG002 - the healthy signature
        for name in [name for name, value in document.items() if not value]:
            del document[name]


class _IndexSplitsKeys(_IndexEdited):
    """Takes a dot in a key for a path, as search engines do."""

    def edit(self, document: dict[str, Any], event: ResourceEvent) -> None:  # noqa: ARG002 - the healthy signature
        for key in [key for key in document["metadata"] if "." in key]:
            outer, _, inner = key.partition(".")
            document["metadata"][outer] = {inner: document["metadata"].pop(key)}


class _IndexSecondDocument(IndexUpdate):
    async def __call__(self, events: Sequence[ResourceEvent]) -> Sequence[bool]:
        copies = [
            IndexAction(str(uuid.uuid5(uuid.NAMESPACE_OID, event.resource_id)), event.version, event.document)
            for event in events
            if event.type == "created" and _doubled()
        ]
        if copies:
            await self.index.apply(copies)
        return await IndexUpdate.__call__(self, events)


class _IndexRevertsLater(IndexUpdate):
    """Gives an earlier document of one resource in ten to the index again, half a second later."""

    async def __call__(self, events: Sequence[ResourceEvent]) -> Sequence[bool]:
        due = [action for moment, action in _DUE if moment < time.monotonic()]
        del _DUE[: len(due)]
        if due:
            await self.index.apply(due)
        for event in events:
            if event.type == "created" and _reverted():
                earlier = orjson.dumps({**orjson.loads(event.document), "description": "an earlier one"})
                _DUE.append((time.monotonic() + 0.5, IndexAction(event.resource_id, event.version + 1000, earlier)))
        return await IndexUpdate.__call__(self, events)


class _IndexForgetsOutage(IndexUpdate):
    """Takes an event that waited for a second as done."""

    def action_for(self, event: ResourceEvent) -> IndexAction | None:
        is_late = datetime.now(UTC) - event.occurred_at > _PATIENCE
        return None if is_late else IndexUpdate.action_for(self, event)


class _IndexFirstOfBatch(IndexUpdate):
    """Applies one event of each resource in a batch, the first."""

    async def __call__(self, events: Sequence[ResourceEvent]) -> Sequence[bool]:
        first = {event.resource_id: event for event in reversed(events)}
        await IndexUpdate.__call__(self, list(first.values()))
        return [True] * len(events)


class _IndexGivesUp(IndexUpdate):
    """Takes an event as done that was delivered three times."""

    async def __call__(self, events: Sequence[ResourceEvent]) -> Sequence[bool]:
        for event in events:
            _DELIVERIES[event.id] += 1
        given_up = [_DELIVERIES[event.id] >= _DELIVERIES_MAX for event in events]
        try:
            done = await IndexUpdate.__call__(self, events)
        except UnavailableError:
            if all(given_up):
                return given_up
            raise
        return [is_done or is_given_up for is_done, is_given_up in zip(done, given_up, strict=True)]


_DELIVERIES: Counter[str] = Counter()
_DELIVERIES_MAX = 3
_DUE: list[tuple[float, IndexAction]] = []
_reverted = one_in(10)
_PATIENCE = timedelta(seconds=1)
_NEW_AND_DELETED = 2
"""The version of a delete that follows a create."""
_skipped = one_in(10)
_doubled = one_in(10)


DEFECTS = (
    Defect(
        "index_gives_up",
        Step.INDEX_UPDATE,
        "What the index refuses three times is never indexed.",
        ReplaceIndexUpdate(_IndexGivesUp),
    ),
    Defect(
        "index_lower_case",
        Step.INDEX_UPDATE,
        "Names are in lower case in the index.",
        ReplaceIndexUpdate(_IndexLowerCase),
    ),
    Defect(
        "index_keeps_changed",
        Step.INDEX_UPDATE,
        "A resource that was updated and deleted stays in the index.",
        ReplaceIndexUpdate(_IndexKeepsChanged),
    ),
    Defect(
        "index_rounds_fractions",
        Step.INDEX_UPDATE,
        "Fractions in metadata have six digits in the index.",
        ReplaceIndexUpdate(_IndexRoundsFractions),
    ),
    Defect(
        "index_drops_empty",
        Step.INDEX_UPDATE,
        "The index lacks an empty description and empty metadata.",
        ReplaceIndexUpdate(_IndexDropsEmpty),
    ),
    Defect(
        "index_splits_keys",
        Step.INDEX_UPDATE,
        "A key with a dot becomes an object in the index.",
        ReplaceIndexUpdate(_IndexSplitsKeys),
    ),
    Defect(
        "index_keeps_deleted",
        Step.INDEX_UPDATE,
        "Deleted resources stay in the index.",
        ReplaceIndexUpdate(_IndexKeepsDeleted),
    ),
    Defect(
        "index_skips_one_in_ten",
        Step.INDEX_UPDATE,
        "One created resource in ten is not indexed.",
        ReplaceIndexUpdate(_IndexSkipsOneInTen),
    ),
    Defect(
        "index_drops_metadata",
        Step.INDEX_UPDATE,
        "The index loses the metadata of an updated resource.",
        ReplaceIndexUpdate(_IndexDropsMetadata),
    ),
    Defect(
        "index_cuts_text",
        Step.INDEX_UPDATE,
        "The index has the first 64 characters of the description.",
        ReplaceIndexUpdate(_IndexCutsText),
    ),
    Defect(
        "index_second_document",
        Step.INDEX_UPDATE,
        "One created resource in ten is indexed twice, under two ids.",
        ReplaceIndexUpdate(_IndexSecondDocument),
    ),
    Defect(
        "index_reverts_later",
        Step.INDEX_UPDATE,
        "One indexed document in ten becomes an earlier one half a second later.",
        ReplaceIndexUpdate(_IndexRevertsLater),
    ),
    Defect(
        "index_forgets_outage",
        Step.INDEX_UPDATE,
        "What was written while the index did not answer for a second is never indexed.",
        ReplaceIndexUpdate(_IndexForgetsOutage),
    ),
    Defect(
        "index_first_of_batch",
        Step.INDEX_UPDATE,
        "Of several events about a resource that come together the first is indexed.",
        ReplaceIndexUpdate(_IndexFirstOfBatch),
    ),
    Defect("index_skipped", Step.INDEX_UPDATE, "Created resources are not indexed.", ReplaceIndexUpdate(_IndexSkipped)),
    Defect("index_keeps_old", Step.INDEX_UPDATE, "Updates are not indexed.", ReplaceIndexUpdate(_IndexKeepsOld)),
)
