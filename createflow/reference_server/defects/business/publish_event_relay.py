"""Defects of step 9 between the outbox and the stream."""

import asyncio
import contextlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from createflow.reference_server.adapters import postgres_outbox
from createflow.reference_server.adapters.postgres_outbox import PostgresOutbox
from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import (
    ChangeEventStream,
    ChangeOutbox,
    one_in,
)
from createflow.reference_server.domain.event import OutboxRow, ResourceEvent
from createflow.reference_server.domain.ports import EventStream, StreamLostError, UnavailableError
from createflow.schemas.flow import Step

_LATE_IS_HELD = "\n      AND xid < pg_snapshot_xmin(pg_current_snapshot())"
_TASKS: set[asyncio.Task[None]] = set()
_lost_in_relay = one_in(25)
_published_again = one_in(10)


@dataclass
class _OtherStream:
    """Publishes something else than it was given, and says that all was published."""

    healthy: EventStream

    async def publish(self, events: Sequence[ResourceEvent]) -> int:
        raise NotImplementedError


class _LosesInRelay(_OtherStream):
    async def publish(self, events: Sequence[ResourceEvent]) -> int:
        kept = [event for event in events if not _lost_in_relay()]
        published = await self.healthy.publish(kept) if kept else 0
        return len(events) if published == len(kept) else 0


class _PublishesAgain(_OtherStream):
    async def publish(self, events: Sequence[ResourceEvent]) -> int:
        chosen = [replace(event, id=str(uuid.uuid4())) for event in events if _published_again()]
        if chosen:
            task = asyncio.create_task(self._later(chosen))
            _TASKS.add(task)
            task.add_done_callback(_TASKS.discard)
        return await self.healthy.publish(events)

    async def _later(self, events: Sequence[ResourceEvent]) -> None:
        await asyncio.sleep(1.0)
        await self.healthy.publish(events)


class _KnowsRequests(_OtherStream):
    """Gives events of one kind and request the same id, by which the stream takes the later ones for repetitions."""

    async def publish(self, events: Sequence[ResourceEvent]) -> int:
        return await self.healthy.publish([replace(event, id=_id_of_request(event)) for event in events])


class _SkipsLate(PostgresOutbox):
    """Goes on after the newest transaction that it saw: an older one may commit later."""

    changes: ClassVar[Mapping[str, str]] = {_LATE_IS_HELD: ""}

    async def batch(self, limit: int) -> Sequence[OutboxRow]:
        sql = postgres_outbox.BATCH
        for text, replacement in self.changes.items():
            sql = sql.replace(text, replacement)
        return await self.rows(sql, limit=limit)


class _SkipsLower(_SkipsLate):
    """Goes on after the highest number that it saw: a transaction with a lower one may commit later."""

    changes: ClassVar[Mapping[str, str]] = {
        f"(xid, seq) > (%(xid)s::xid8, %(seq)s){_LATE_IS_HELD}": "seq > %(seq)s",
        "ORDER BY outbox.xid, outbox.seq": "ORDER BY seq",
    }


class _MarksEarly(_OtherStream):
    """Says that all was published before the broker has said so."""

    async def publish(self, events: Sequence[ResourceEvent]) -> int:
        task = asyncio.create_task(self._later(events))
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)
        return len(events)

    async def _later(self, events: Sequence[ResourceEvent]) -> None:
        with contextlib.suppress(UnavailableError, StreamLostError):
            await self.healthy.publish(events)


def _id_of_request(event: ResourceEvent) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{event.type} {event.request_id}"))


DEFECTS = (
    Defect(
        "relay_skips_late_commits",
        Step.PUBLISH_EVENT,
        "The relay goes on after the highest number it saw: a lower one that is committed later is not published.",
        ChangeOutbox(lambda outbox: _SkipsLower(outbox.dsn, outbox.stream)),
    ),
    Defect(
        "relay_skips_late_transactions",
        Step.PUBLISH_EVENT,
        "The relay goes on after the newest transaction it saw: an older one that is committed later is not published.",
        ChangeOutbox(lambda outbox: _SkipsLate(outbox.dsn, outbox.stream)),
    ),
    Defect(
        "relay_marks_early",
        Step.PUBLISH_EVENT,
        "The relay takes events as published before the broker has acknowledged them.",
        ChangeEventStream(_MarksEarly),
    ),
    Defect(
        "event_lost_in_relay",
        Step.PUBLISH_EVENT,
        "One event in twenty-five is taken from the outbox and not published.",
        ChangeEventStream(_LosesInRelay),
    ),
    Defect(
        "event_published_again",
        Step.PUBLISH_EVENT,
        "One event in ten is published again a second later under a new id.",
        ChangeEventStream(_PublishesAgain),
    ),
    Defect(
        "event_once_a_request_id",
        Step.PUBLISH_EVENT,
        "Of several creates or updates with one request id only the first is published.",
        ChangeEventStream(_KnowsRequests),
    ),
)
