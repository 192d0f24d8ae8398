"""Seeds a defect: swaps exactly one stage for its broken twin."""

from collections.abc import Callable, Sequence

from createflow.reference_server.job import Stage
from createflow.reference_server.outbox import OutboxRow, event_of
from createflow.reference_server.reads import Reader
from createflow.reference_server.stages.data.index_update import IndexUpdate
from createflow.schemas.fault import Fault


def seed(stages: Sequence[Stage], fault: Fault | None) -> tuple[Stage, ...]:
    """The same stages, with the twin in place of one of them when the defect lives here."""
    return tuple(stages)


def seed_reader(reader: Reader, fault: Fault | None) -> Reader:
    """The same reader, or its twin when the defect is one of reading."""
    return reader


def seed_events(fault: Fault | None) -> Callable[[OutboxRow], bytes]:
    """What makes an event of a row."""
    return event_of


def seed_index(update: IndexUpdate, fault: Fault | None) -> IndexUpdate:
    """The same step 15, or its twin."""
    return update
