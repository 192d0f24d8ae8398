"""Defects of step 9 where a write makes its event."""

import re
import struct
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import orjson

from createflow.reference_server.adapters.nats_codec import encode_event
from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import (
    ReplaceEventEncoder,
    changed_values,
    replace_stage,
    trigger,
    turn,
)
from createflow.reference_server.domain.event import ResourceEvent
from createflow.reference_server.domain.job import Job
from createflow.reference_server.stages.business.publish_event import PublishEvent
from createflow.schemas.flow import Step

_CAMEL = re.compile("(?<=[a-z])([A-Z])")
_LARGEST_SINGLE = 3e38
_EVENT = "BEFORE INSERT ON outbox"


class _EventLost(PublishEvent):
    async def __call__(self, job: Job) -> Job:
        return job


class _EventTwice(PublishEvent):
    async def __call__(self, job: Job) -> Job:
        return await PublishEvent.__call__(self, await PublishEvent.__call__(self, job))


class _EventLostOnUpdate(PublishEvent):
    op: ClassVar[str] = "update"

    async def __call__(self, job: Job) -> Job:
        return job if job.op == self.op else await PublishEvent.__call__(self, job)


class _EqualUpdateUntold(PublishEvent):
    async def __call__(self, job: Job) -> Job:
        before = orjson.loads(job.current.document) if job.current is not None else {}
        if job.op == "update" and job.body.items() <= before.items():
            return job
        return await PublishEvent.__call__(self, job)


class _EventLostOnDelete(_EventLostOnUpdate):
    op = "delete"


class _EventTwiceOnDelete(PublishEvent):
    async def __call__(self, job: Job) -> Job:
        job = await PublishEvent.__call__(self, job)
        return await PublishEvent.__call__(self, job) if job.op == "delete" else job


def _with_old_subject(event: ResourceEvent) -> bytes:
    other = event.resource_id if event.type == "created" else str(uuid.uuid5(uuid.NAMESPACE_OID, event.resource_id))
    return encode_event(replace(event, resource_id=other))


def _with_single_precision(event: ResourceEvent) -> bytes:
    def single(value: Any) -> Any:
        fits = isinstance(value, float) and abs(value) < _LARGEST_SINGLE
        return struct.unpack("f", struct.pack("f", value))[0] if fits else value

    document = orjson.loads(event.document)
    document["metadata"] = changed_values(document["metadata"], single)
    return encode_event(replace(event, document=orjson.dumps(document)))


def _without_emoji(event: ResourceEvent) -> bytes:
    document = orjson.loads(event.document)
    document["name"] = "".join(letter for letter in document["name"] if letter <= "\uffff")
    return encode_event(replace(event, document=orjson.dumps(document)))


def _without_empty(event: ResourceEvent) -> bytes:
    document = {name: value for name, value in orjson.loads(event.document).items() if value}
    return encode_event(replace(event, document=orjson.dumps(document)))


def _with_snake_keys(event: ResourceEvent) -> bytes:
    def snake(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {_CAMEL.sub(r"_\1", key).lower(): snake(item) for key, item in value.items()}

    document = orjson.loads(event.document)
    document["metadata"] = snake(document["metadata"])
    return encode_event(replace(event, document=orjson.dumps(document)))


def _with_text_metadata(event: ResourceEvent) -> bytes:
    document = orjson.loads(event.document)
    document["metadata"] = {name: str(value) for name, value in document["metadata"].items()}
    return encode_event(replace(event, document=orjson.dumps(document)))


def _with_cut_description(event: ResourceEvent) -> bytes:
    document = orjson.loads(event.document)
    document["description"] = document["description"][:64]
    return encode_event(replace(event, document=orjson.dumps(document)))


def _without_request(event: ResourceEvent) -> bytes:
    return encode_event(replace(event, request_id=""))


def _an_hour_late(event: ResourceEvent) -> bytes:
    return encode_event(replace(event, occurred_at=event.occurred_at + timedelta(hours=1)))


def _with_wrong_actor(event: ResourceEvent) -> bytes:
    document = {**orjson.loads(event.document), "created_by": "somebody-else"}
    return encode_event(replace(event, actor="somebody-else", document=orjson.dumps(document)))


DEFECTS = (
    Defect(
        "event_actor_of_group",
        Step.PUBLISH_EVENT,
        "Of creates that are written together each event has the actor of the first.",
        trigger(
            "event_actor_of_group",
            _EVENT,
            "NEW.actor := coalesce((SELECT actor FROM outbox WHERE xid = pg_current_xact_id() ORDER BY seq LIMIT 1),"
            " NEW.actor); RETURN NEW;",
        ),
    ),
    Defect(
        "event_drops_empty",
        Step.PUBLISH_EVENT,
        "The event lacks an empty description and empty metadata.",
        ReplaceEventEncoder(_without_empty),
    ),
    Defect(
        "event_snake_keys",
        Step.PUBLISH_EVENT,
        "Keys of metadata in camelCase are in snake_case in the event.",
        ReplaceEventEncoder(_with_snake_keys),
    ),
    Defect(
        "event_without_emoji",
        Step.PUBLISH_EVENT,
        "The event lacks the characters beyond the basic plane.",
        ReplaceEventEncoder(_without_emoji),
    ),
    Defect(
        "event_time_of_create",
        Step.PUBLISH_EVENT,
        "The event of an update or delete has the time of the create.",
        trigger(
            "event_time_of_create",
            _EVENT,
            "NEW.occurred_at := (SELECT min(occurred_at) FROM (SELECT occurred_at FROM outbox WHERE"
            " resource_id = NEW.resource_id UNION ALL SELECT NEW.occurred_at)); RETURN NEW;",
        ),
    ),
    Defect(
        "events_coalesced",
        Step.PUBLISH_EVENT,
        "Of two updates of a resource within a second the second publishes no event.",
        trigger(
            "events_coalesced",
            _EVENT,
            "IF NEW.type = 'updated' AND EXISTS (SELECT FROM outbox WHERE resource_id = NEW.resource_id AND"
            " type = 'updated' AND occurred_at > now() - interval '1 s') THEN RETURN NULL; END IF; RETURN NEW;",
        ),
    ),
    Defect(
        "event_lost_of_changed",
        Step.PUBLISH_EVENT,
        "The delete of a resource that was updated publishes no event.",
        trigger(
            "event_lost_of_changed",
            _EVENT,
            "IF NEW.type = 'deleted' AND NEW.version > 2 THEN RETURN NULL; END IF; RETURN NEW;",
        ),
    ),
    Defect(
        "event_numbers_of_32_bits",
        Step.PUBLISH_EVENT,
        "Fractions in metadata have single precision in the event.",
        ReplaceEventEncoder(_with_single_precision),
    ),
    Defect(
        "equal_update_untold",
        Step.PUBLISH_EVENT,
        "An update that changes no value publishes no event.",
        replace_stage(_EqualUpdateUntold),
    ),
    Defect(
        "event_lost_on_update", Step.PUBLISH_EVENT, "An update publishes no event.", replace_stage(_EventLostOnUpdate)
    ),
    Defect(
        "event_lost_on_delete", Step.PUBLISH_EVENT, "A delete publishes no event.", replace_stage(_EventLostOnDelete)
    ),
    Defect(
        "event_twice_on_delete",
        Step.PUBLISH_EVENT,
        "A delete publishes two events with different ids.",
        replace_stage(_EventTwiceOnDelete),
    ),
    Defect(
        "event_wrong_subject",
        Step.PUBLISH_EVENT,
        "The events of updates and deletes name a resource that does not exist.",
        ReplaceEventEncoder(_with_old_subject),
    ),
    Defect(
        "event_values_as_text",
        Step.PUBLISH_EVENT,
        "The values of metadata are texts in the event.",
        ReplaceEventEncoder(_with_text_metadata),
    ),
    Defect(
        "event_cuts_text",
        Step.PUBLISH_EVENT,
        "The event has the first 64 characters of the description.",
        ReplaceEventEncoder(_with_cut_description),
    ),
    Defect(
        "event_without_request",
        Step.PUBLISH_EVENT,
        "The event has no request id.",
        ReplaceEventEncoder(_without_request),
    ),
    Defect(
        "event_wrong_time",
        Step.PUBLISH_EVENT,
        "The event has a time that is an hour late.",
        ReplaceEventEncoder(_an_hour_late),
    ),
    Defect(
        "event_update_as_create",
        Step.PUBLISH_EVENT,
        "An update is published as a create.",
        trigger(
            "event_update_as_create",
            _EVENT,
            "IF NEW.type = 'updated' THEN NEW.type := 'created'; END IF; RETURN NEW;",
        ),
    ),
    Defect(
        "event_lost_one_in_fifty",
        Step.PUBLISH_EVENT,
        "One event in fifty is not written to the outbox.",
        trigger(
            "event_lost_one_in_fifty",
            _EVENT,
            f"IF {turn('event_lost_one_in_fifty', 50)} THEN RETURN NULL; END IF; RETURN NEW;",
        ),
    ),
    Defect(
        "event_of_nothing",
        Step.PUBLISH_EVENT,
        "One write in ten publishes an event about a resource that does not exist as well.",
        trigger(
            "event_of_nothing",
            "AFTER INSERT ON outbox",
            f"IF pg_trigger_depth() = 1 AND {turn('event_of_nothing', 10)} THEN"
            " INSERT INTO outbox (stream, type, resource_id, version, actor, request_id, data)"
            " SELECT NEW.stream, 'created', id, 1, NEW.actor, NEW.request_id, replace(NEW.data, NEW.resource_id::text,"
            " id::text) FROM (SELECT uuidv7() AS id) AS other; END IF; RETURN NULL;",
        ),
    ),
    Defect(
        "event_wrong_version",
        Step.PUBLISH_EVENT,
        "The event of an update has the version before it.",
        trigger(
            "event_wrong_version",
            _EVENT,
            "IF NEW.type = 'updated' THEN NEW.version := NEW.version - 1; END IF; RETURN NEW;",
        ),
    ),
    Defect("event_lost", Step.PUBLISH_EVENT, "A create publishes no event.", replace_stage(_EventLost)),
    Defect(
        "event_twice",
        Step.PUBLISH_EVENT,
        "A create publishes two events with different ids.",
        replace_stage(_EventTwice),
    ),
    Defect(
        "event_wrong_actor",
        Step.PUBLISH_EVENT,
        "The event names another creator than the resource does.",
        ReplaceEventEncoder(_with_wrong_actor),
    ),
)
