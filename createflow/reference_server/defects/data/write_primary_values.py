"""Defects of step 12: values that the row does not keep whole."""

from dataclasses import replace
from typing import Any

import orjson

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import replace_stage
from createflow.reference_server.domain.job import Job
from createflow.reference_server.domain.unit_of_work import DeleteRow
from createflow.reference_server.stages.data.write_primary import WritePrimary
from createflow.schemas.flow import Step

_ITEMS_MAX = 1_000


class _ChangesMetadata(WritePrimary):
    """Stores each list and each key in metadata, at every depth, as it makes them."""

    def items(self, items: list[Any]) -> list[Any]:
        return items

    def key(self, key: str) -> str:
        return key

    async def __call__(self, job: Job) -> Job:
        if job.unit is not None and not isinstance(job.unit.change, DeleteRow):
            changed = self._changed(orjson.loads(job.unit.change.metadata))
            job.unit.change = replace(job.unit.change, metadata=orjson.dumps(changed).decode())
        return await WritePrimary.__call__(self, job)

    def _changed(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._changed(item) for item in self.items(value)]
        if isinstance(value, dict):
            return {self.key(key): self._changed(item) for key, item in value.items()}
        return value


class _CutsLongLists(_ChangesMetadata):
    def items(self, items: list[Any]) -> list[Any]:
        return items[:_ITEMS_MAX]


class _DropsRepeatedItems(_ChangesMetadata):
    def items(self, items: list[Any]) -> list[Any]:
        return list({orjson.dumps(item): item for item in items}.values())


class _TrimsKeys(_ChangesMetadata):
    def key(self, key: str) -> str:
        return key.strip()


DEFECTS = (
    Defect(
        "cuts_long_lists",
        Step.WRITE_PRIMARY,
        "Lists in metadata are stored up to their 1,000th item.",
        replace_stage(_CutsLongLists),
    ),
    Defect(
        "drops_repeated_items",
        Step.WRITE_PRIMARY,
        "An item that a list has twice is stored once.",
        replace_stage(_DropsRepeatedItems),
    ),
    Defect(
        "trims_keys",
        Step.WRITE_PRIMARY,
        "Keys in metadata are stored without the spaces at their ends.",
        replace_stage(_TrimsKeys),
    ),
)
