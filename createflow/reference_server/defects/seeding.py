"""Seeds a defect: swaps a healthy stage for its broken twin."""

from collections.abc import Callable, Sequence

from createflow.reference_server.defects import (
    audit_log,
    auth_check,
    business_logic,
    connection_pool,
    https_request,
    index_update,
    invalidate_cache,
    publish_event,
    rate_limit,
    replicate,
    response,
    service_router,
    transaction,
    validation,
    write_primary,
)
from createflow.reference_server.defects.twin import Swap, recast
from createflow.reference_server.domain.job import Stage
from createflow.reference_server.domain.outbox import OutboxRow
from createflow.reference_server.domain.reads import Reader
from createflow.reference_server.stages.data.index_update import IndexUpdate
from createflow.schemas.fault import Fault

SWAPS: dict[Fault, Swap] = {
    **https_request.SWAPS,
    **auth_check.SWAPS,
    **rate_limit.SWAPS,
    **validation.SWAPS,
    **service_router.SWAPS,
    **business_logic.SWAPS,
    **transaction.SWAPS,
    **publish_event.SWAPS,
    **audit_log.SWAPS,
    **connection_pool.SWAPS,
    **write_primary.SWAPS,
    **replicate.SWAPS,
    **invalidate_cache.SWAPS,
    **response.SWAPS,
}
IN_WORKER = frozenset({Fault.EVENT_WRONG_ACTOR, *index_update.TWINS})
"""Defects of what runs after the reply."""


def seed(stages: Sequence[Stage], fault: Fault) -> tuple[Stage, ...]:
    """The same stages with the broken twin in place; the same when the defect lives in another process."""
    change = SWAPS.get(fault)
    return change(stages) if change else tuple(stages)


def seed_reader(reader: Reader, fault: Fault) -> Reader:
    """The reader, or its twin."""
    if fault is not Fault.READS_OLD_VERSION:
        return reader
    return replicate.OldReader(reader.floors, reader.cache, reader.replicas, reader.primary)


def seed_events(compose: Callable[[OutboxRow], bytes], fault: Fault) -> Callable[[OutboxRow], bytes]:
    """What makes an event of a row, or its twin."""
    return publish_event.wrong_actor if fault is Fault.EVENT_WRONG_ACTOR else compose


def seed_index(update: IndexUpdate, fault: Fault) -> IndexUpdate:
    """Step 15, or its twin."""
    twin = index_update.TWINS.get(fault)
    return recast(update, twin) if twin else update
