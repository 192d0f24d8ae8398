"""Resources as APIs of several kinds show them: what is sent, and what a service adds to it.

Each has objects and lists inside, and the service adds members to some of them, as it may: ids of items, prices, links.
"""

import copy
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """One kind of resource."""

    path: str
    sent: Json
    """Schema of the body of a create."""
    added: Json
    """Schemas of the properties that replies show besides, or instead of those of the same name."""
    made: Callable[[Json, str], Json]
    """What the service shows of a body, given an id."""
    wrapped: str = ""
    """The member of a reply that holds the resource."""

    def shown(self) -> Json:
        """Schema of a reply."""
        inner = {**self.sent, "properties": {**self.sent["properties"], **self.added}}
        return inner if not self.wrapped else _closed({self.wrapped: inner, "success": {"type": "boolean"}})


def _closed(properties: Json, *required: str) -> Json:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": list(required or properties),
    }


def _text(longest: int) -> Json:
    return {"type": "string", "minLength": 1, "maxLength": longest}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_numbers = count(1)
_TIME = {"type": "string", "format": "date-time"}


def _order(body: Json, resource_id: str) -> Json:
    body["customer"]["id"] = resource_id[::-1]
    for number, line in enumerate(body["lines"], 1):
        line |= {"position": number, "unit_price": 9.99, "note": line.get("note")}
    return {"currency": "EUR", **body, "id": resource_id, "created_at": _now(), "status": "open"}


def _person(body: Json, resource_id: str) -> Json:
    if body.get("address"):
        body["address"]["geo"] = {"lat": 1.5, "lon": -2.25}
    return {"address": None, "preferences": {}, **body, "id": resource_id, "created_at": _now()}


def _cluster(body: Json, resource_id: str) -> Json:
    body["metadata"] |= {"uid": resource_id, "creationTimestamp": _now(), "generation": 1}
    return body | {"status": {"phase": "Pending"}}


def _patient(body: Json, resource_id: str) -> Json:
    return body | {"id": resource_id, "meta": {"versionId": "1", "lastUpdated": _now()}}


_LINE = _closed({"sku": _text(40), "quantity": {"type": "integer", "minimum": 1, "maximum": 1000}, "note": _text(80)},
                "sku", "quantity")  # fmt: skip
_ADDRESS = _closed({"street": _text(100), "city": _text(60)})
_HUMAN_NAME = _closed({"family": _text(60), "given": {"type": "array", "items": _text(60), "maxItems": 4}}, "family")

SHAPES = {
    "order": Shape(
        "/orders",
        _closed(
            {
                "reference": _text(60),
                "customer": _closed({"email": {"type": "string", "format": "email", "maxLength": 120}}),
                "lines": {"type": "array", "minItems": 1, "maxItems": 20, "items": _LINE},
                "currency": {"enum": ["EUR", "USD"], "default": "EUR"},
            },
            "customer",
            "lines",
        ),
        {"id": {"type": "string"}, "created_at": _TIME, "status": {"type": "string"}},
        _order,
    ),
    "person": Shape(
        "/v1/people",
        _closed(
            {
                "first_name": _text(50),
                "last_name": _text(50),
                "address": {"anyOf": [_ADDRESS, {"type": "null"}]},
                "preferences": {"type": "object", "additionalProperties": {"type": "boolean"}},
            },
            "first_name",
            "last_name",
        ),
        {"id": {"type": "string", "format": "uuid"}, "created_at": _TIME},
        _person,
        wrapped="data",
    ),
    "cluster": Shape(
        "/clusters",
        _closed(
            {
                "metadata": _closed({"name": _text(63)}),
                "spec": _closed({"replicas": {"type": "integer", "minimum": 0, "maximum": 10}}),
            }
        ),
        {
            "metadata": _closed({"uid": {"type": "string"}, "name": _text(63), "creationTimestamp": _TIME}),
            "status": {"type": "object"},
        },
        _cluster,
    ),
    "patient": Shape(
        "/Patient",
        _closed(
            {
                "resourceType": {"const": "Patient"},
                "name": {"type": "array", "minItems": 1, "maxItems": 5, "items": _HUMAN_NAME},
                "birthDate": {"type": "string", "format": "date"},
            },
            "resourceType",
            "name",
        ),
        {"id": {"type": "string"}, "meta": {"type": "object", "properties": {"lastUpdated": _TIME}}},
        _patient,
    ),
}


def new_id() -> str:
    """An id that no other resource has."""
    return str(uuid.UUID(int=next(_numbers), version=4))


def shown_of(shape: Shape, body: Json, resource_id: str) -> Json:
    """What the service shows of a body that was sent, with what it adds."""
    inner = shape.made(copy.deepcopy(body), resource_id)
    return {shape.wrapped: inner, "success": True} if shape.wrapped else inner
