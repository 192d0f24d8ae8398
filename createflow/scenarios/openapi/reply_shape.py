"""What a document says about the replies to a create: where its fields are, and how it refuses."""

import re
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from createflow.scenarios.openapi.body_schema import body_of, translated
from createflow.scenarios.openapi.references import Document, Resolver, target_of
from createflow.scenarios.openapi.union import merged
from createflow.scenarios.openapi.values import as_object, types_of

_IDS = ("id", "uuid", "_id", "uid", "guid")
_CREATED_AT = (
    "created_at", "createdat", "created", "created_on", "createdon", "date_created", "datecreated", "creation_date",
    "creationdate", "create_time", "createtime", "creation_time", "creation_timestamp", "creationtimestamp",
    "inserted_at", "insertedat", "timestamp",
)  # fmt: skip
_CREATED_BY = (
    "created_by",
    "createdby",
    "creator",
    "author",
    "owner",
    "created_by_id",
    "owner_id",
    "ownerid",
    "user_id",
)
_TIMES = frozenset({"date-time", "date", "int64", "int32", "unix-time"})
_EPOCH_MS_BITS = "int64"
_LEVELS = 12
"""Of a reply that are looked at: a few envelopes and the fields in them."""


@dataclass(frozen=True, slots=True)
class ReplyShape:
    """The shape of a create's replies, as far as the document says it."""

    is_known: bool = False
    """The document has a schema of the accepted create's reply."""
    envelope: str = ""
    """JSON Pointer to the representation."""
    id: str = ""
    created_at: str = ""
    created_at_format: str = "rfc3339"
    created_by: str = ""
    has_location: bool = False
    read_path: str = ""
    """Where the created resource is read, if the document has such a path."""
    update: bool = False
    delete: bool = False
    validation: tuple[int, ...] = ()
    """The documented statuses of a refused body."""
    error_media_type: str = ""
    media_type: str = ""
    """Of the reply to an accepted create, where it is JSON of a kind."""


def reply_shape(
    document: Document,
    path: str,
    operation: Mapping[str, Any],
    paths: Mapping[str, Any],
    *,
    sent: Mapping[str, Any] | None,
) -> ReplyShape:
    """What the document says of the replies of this create, and of the resource's own path.

    Args:
        sent: the schema of what is created. A PUT replaces a resource if it takes all of that.
    """
    replies = {str(status): as_object(target_of(document, one)) for status, one in _replies(operation).items()}
    accepted = _accepted(replies)
    headers = {name.lower() for name in as_object(accepted.get("headers"))}
    schema = _json_schema(document, accepted)
    names = as_object((sent or {}).get("properties")).keys()
    envelope, inner = _unwrapped(schema, names)
    outer, above = envelope, as_object(inner.get("properties"))
    envelope, inner = _with_sent(envelope, inner, names)
    properties = as_object(inner.get("properties"))
    own_id = _id(properties, path) or (f"{outer}/{_id(above, path)}" if envelope != outer and _id(above, path) else "")
    told: Mapping[str, Any] = properties
    place = ""
    if not own_id and names & properties.keys():
        place, told = _object_with_id(properties)
        own_id = f"{envelope}{place}/{_escaped(_id(told, path))}" if place else ""
    created_at = _property(told, _CREATED_AT, _is_time)
    created_by = _property(told, _CREATED_BY, lambda one: "string" in types_of(one))

    def pointer(name: str) -> str:
        return f"{envelope}{place}/{_escaped(name)}" if place and name else name

    own = _own_path(path, paths)
    item = as_object(target_of(document, paths.get(own)))
    refusals = [one for status, one in replies.items() if status[:1] in {"4", "5"} or status == "default"]
    kinds = [kind for one in refusals for kind in as_object(one.get("content"))]
    return ReplyShape(
        is_known=bool(properties),
        envelope=envelope,
        id=own_id,
        created_at=pointer(created_at),
        created_at_format=_time_format(as_object(told.get(created_at))),
        created_by=pointer(created_by),
        has_location="location" in headers,
        read_path=re.sub(r"\{[^{}]*\}$", "{id}", own) if "get" in item else "",
        update=sent is not None and _takes(document, as_object(item.get("put")), sent),
        delete="delete" in item,
        validation=tuple(status for status in (400, 422) if str(status) in replies),
        media_type=_json_kind(accepted),
        error_media_type=next((kind for kind in kinds if "problem+json" in kind), next(iter(kinds), "")),
    )


def shows_id(document: Document, path: str, operation: Mapping[str, Any]) -> bool:
    """Whether the reply to an accepted create has an id, as that to a login or a search has not."""
    replies = {str(status): as_object(target_of(document, one)) for status, one in _replies(operation).items()}
    _, inner = _unwrapped(_json_schema(document, _accepted(replies)))
    return bool(_id(as_object(inner.get("properties")), path))


def _accepted(replies: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    return next((replies[status] for status in ("201", "200", "202", "2XX", "default") if status in replies), {})


def _json_kind(reply: Mapping[str, Any]) -> str:
    return next((name for name in as_object(reply.get("content")) if "json" in name.lower()), "")


def _replies(operation: Mapping[str, Any]) -> dict[str, Any]:
    return as_object(operation.get("responses"))


def _takes(document: Document, operation: dict[str, Any], sent: Mapping[str, Any]) -> bool:
    schema = body_of(document, operation).schema if operation else None
    return schema is not None and as_object(sent.get("properties")).keys() <= as_object(schema.get("properties")).keys()


def _json_schema(document: Document, reply: Mapping[str, Any]) -> dict[str, Any]:
    content = as_object(reply.get("content"))
    kind = next((name for name in content if "json" in name or name == "*/*"), "")
    found = as_object(as_object(content.get(kind)).get("schema"))
    return merged(as_object(translated(Resolver(document, keeps_below=_LEVELS).resolved(found)))) if found else {}


def _unwrapped(schema: dict[str, Any], sent: Collection[str] = ()) -> tuple[str, dict[str, Any]]:
    """Where the representation is: what shows the names that were sent or an id, or the one object in it that does."""
    if types_of(schema) == ["array"]:
        place, inner = _unwrapped(merged(as_object(schema.get("items"))), sent)
        return f"/0{place}", inner
    properties = as_object(schema.get("properties"))
    if any(name in properties for name in (*_IDS, *sent)):
        return "", schema
    place, _ = _object_with_id(properties)
    return (place, merged(as_object(properties[_unescaped(place)]))) if place else ("", schema)


def _object_with_id(properties: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The pointer to the first object inside that has an id, and its properties; an empty one where none has."""
    for name, one in properties.items():
        inner = as_object(merged(as_object(one)).get("properties"))
        if any(own in inner for own in _IDS):
            return f"/{_escaped(name)}", inner
    return "", properties


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _unescaped(pointer: str) -> str:
    return pointer[1:].replace("~1", "/").replace("~0", "~")


def _with_sent(envelope: str, schema: dict[str, Any], names: AbstractSet[str]) -> tuple[str, dict[str, Any]]:
    """One object deeper, where what was sent is there: JSON:API has the id beside the attributes."""
    properties = as_object(schema.get("properties"))
    if not names or names & properties.keys():
        return envelope, schema
    for name, one in properties.items():
        inner = merged(as_object(one))
        if names & as_object(inner.get("properties")).keys():
            return f"{envelope}/{_escaped(name)}", inner
    return envelope, schema


def _id(properties: Mapping[str, Any], path: str) -> str:
    known = _property(properties, _IDS, lambda _: True)
    if known:
        return known
    noun = path.rstrip("/").rpartition("/")[2].lower().replace("-", "").replace("_", "")
    for name in properties:
        stem = re.sub(r"(_?id|Id|ID|_?uuid|Uuid)$", "", name)
        if stem != name and noun.startswith(stem.lower().replace("_", "")):
            return name
    return ""


def _property(properties: Mapping[str, Any], names: tuple[str, ...], fits: Any) -> str:
    by_words = {name.lower().replace("-", "_"): name for name in reversed([*properties])}
    for word in names:
        name = by_words.get(word)
        if name is not None and isinstance(properties[name], dict) and fits(properties[name]):
            return name
    return ""


def _is_time(schema: dict[str, Any]) -> bool:
    return schema.get("format") in _TIMES or bool({"integer", "number"} & set(map(str, types_of(schema))))


def _time_format(schema: dict[str, Any]) -> str:
    """Numbers are taken for milliseconds where they have 64 bits, else for seconds."""
    if not {"integer", "number"} & set(map(str, types_of(schema))):
        return "rfc3339"
    return "epoch_ms" if schema.get("format") == _EPOCH_MS_BITS else "epoch_s"


def _own_path(path: str, paths: Mapping[str, Any]) -> str:
    """The path of one resource: that of the collection with one variable behind it."""
    own = re.compile(rf"{re.escape(path.rstrip('/'))}/\{{[^{{}}/]+\}}/?")
    return next((name for name in paths if own.fullmatch(name)), "")
