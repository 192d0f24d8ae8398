"""What is wrong with one copy of a write, in words. ``run`` and ``bench`` judge every copy by these functions alone."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.field_equality import differences, equal, json_differences
from createflow.scenarios.sinks.sink import Row
from createflow.scenarios.target.received import rfc_3339
from createflow.scenarios.text.json_equality import OpenObject, same_json
from createflow.scenarios.text.printable import cut

CREATE_WORDS = ("create", "insert", "post", "add", "write")
"""One of them stands in the action of an audit entry about a create."""
_SHOWN_VALUE_CHARACTERS = 60
_NOTHING = object()
_DIFFERENCE = re.compile(r"\bhas (\w+)(?:/\S*)? = ")
_OTHER_VERSION = ", and the ETag of the reply"
NO_ROW = "no row"
_REQUEST = "request_id"
ACTOR = "actor"
GONE = "gone"
NOT_MISSING = "not missing"
OTHER_ID = "another id"
OLD = "old"
BEFORE_LAST_WRITE = ", as before the last write"
"""Stands behind a problem that is nothing else."""
AS_CACHED, AS_READ = ", as cached", ", as read"
"""Stand behind the difference of a copy that reads show."""
OTHER_VALUE = "reads show another "
"""And this before the name of a field that differs in one."""
_KNOWN = {
    _OTHER_VERSION: "etag",
    "has no row": NO_ROW,
    "was not found by a read after its 201": NO_ROW,
    "though it was created": NO_ROW,
    "still has a row after its delete": GONE,
    "is answered with 2": GONE,
    "is still answered with 2": GONE,
    "though it is deleted": NOT_MISSING,
    ", and ids ": OTHER_ID,
    "is still there after its delete": GONE,
    "has the request_id ": _REQUEST,
    "with the request_id ": _REQUEST,
    "whose request_id is ": _REQUEST,
    "has the actor ": ACTOR,
    "whose actor is ": ACTOR,
}
"""What a problem is about, by words in it."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who wrote what, and when; ``None`` where it is not known."""

    actor: str | None = None
    resource_id: Any = None
    request_id: str | None = None
    version: str | None = None
    """The opaque part of the ETag of the reply."""
    earliest_s: float | None = None
    """The write was not earlier: seconds since the epoch."""
    latest_s: float | None = None


def row_state_problem(state: Mapping[str, Any], row: Row, name_field: str) -> str:
    """In which fields a row differs from a state; a table need not have every field as a column."""
    shown = {name: value for name, value in state.items() if name in row or name == name_field}
    return described(differences(shown, row), shown, row)


def json_state_problem(state: Mapping[str, Any], copy: Row, name_field: str, *, whole: bool = False) -> str:
    """The same for a copy that is JSON; a store need not hold every field, unless ``whole``."""
    shown = {name: value for name, value in state.items() if whole or name in copy or name == name_field}
    return described(json_differences(shown, copy), shown, copy)


def entry_problem(entry: Row, wrote: Provenance) -> str:
    """What an audit entry of a create tells otherwise than its write.

    What the entry has no column for is not looked at.

    Raises:
        Inconclusive: its time is none.
    """
    if "actor" in entry and (
        not entry["actor"] or (wrote.actor is not None and not equal(wrote.actor, entry["actor"]))
    ):
        return f"has the actor {cut(str(entry['actor']))!r} instead of {wrote.actor}"
    if "action" in entry and not tells(str(entry["action"]).lower(), CREATE_WORDS):
        return f"has the action {cut(str(entry['action']))!r}, which does not say create"
    if "resource_id" in entry and wrote.resource_id is not None and not equal(wrote.resource_id, entry["resource_id"]):
        return f"has the resource_id {cut(str(entry['resource_id']))}"
    if "request_id" in entry and wrote.request_id and not equal(wrote.request_id, entry["request_id"]):
        return f"has the request_id {cut(str(entry['request_id']))}, and the reply says {wrote.request_id}"
    return _time_problem(entry["occurred_at"], wrote) if "occurred_at" in entry else ""


def envelope_problem(told: Mapping[str, Any], wrote: Provenance) -> str:
    """What the envelope of an event tells otherwise than its write; empty when nothing, or nothing is declared."""
    wanted = {"actor": wrote.actor, "request_id": wrote.request_id, "resource_id": wrote.resource_id}
    for name, value in wanted.items():
        if name in told and value is not None and told[name] != value:
            return f"has an event whose {name} is {cut(repr(told[name]))} instead of {cut(repr(value))}"
    if "version" in told and wrote.version is not None and str(told["version"]) != wrote.version:
        return f"has an event whose version is {cut(repr(told['version']))}{_OTHER_VERSION} is {wrote.version}"
    if "time" in told:
        moment = rfc_3339(told["time"])
        if moment is None or not _is_within(moment, wrote):
            return f"has an event at {cut(repr(told['time']))}, not at the time of the write"
    return ""


def tells(action: str, words: tuple[str, ...]) -> bool:
    """Whether an action in lower case has one of the words."""
    return any(word in action for word in words)


def _time_problem(moment: object, wrote: Provenance) -> str:
    if isinstance(moment, str):
        with suppress(ValueError):
            moment = datetime.fromisoformat(moment)
    if not isinstance(moment, datetime):
        raise Inconclusive(f"occurred_at is no time: {cut(repr(moment))}")
    within = _is_within(moment.replace(tzinfo=moment.tzinfo or UTC), wrote)
    return "" if within else f"has an entry at {moment}, not at the time of the request"


def _is_within(moment: datetime, wrote: Provenance) -> bool:
    stamp = moment.timestamp()
    is_early = wrote.earliest_s is not None and stamp < wrote.earliest_s
    return not is_early and (wrote.latest_s is None or stamp <= wrote.latest_s)


def described(wrong: Sequence[str], shown: Mapping[str, Any], copy: Row) -> str:
    """The first fields in which a copy differs, with what it has and what it should have.

    Inside an object or a list, the first place in it that differs.
    """
    parts = []
    for name in wrong[:2]:
        place, wanted, kept = _place(name, shown[name], copy.get(name, _NOTHING))
        parts.append(f"has {cut(place, _SHOWN_VALUE_CHARACTERS)} = {_shown(kept)} instead of {_shown(wanted)}")
    return " and ".join(parts)


def about_of(problem: str) -> frozenset[str]:
    """What a problem is about: the fields that differ, or what ``harness.about`` knows; nothing for all else."""
    known = {text: name for text, name in _KNOWN.items() if text in problem}
    if problem.endswith(BEFORE_LAST_WRITE):
        return frozenset({OLD})
    if problem.endswith((AS_CACHED, AS_READ)):
        return frozenset(f"{OTHER_VALUE}{name}" for name in _DIFFERENCE.findall(problem))
    return frozenset(_DIFFERENCE.findall(problem)) | frozenset(known.values())


def _place(place: str, wanted: Any, kept: Any) -> tuple[str, Any, Any]:
    """The innermost place in which two JSON values differ, as a path, and what each has there."""
    while True:
        if isinstance(wanted, dict) and isinstance(kept, dict):
            keys = wanted if isinstance(wanted, OpenObject) else {**wanted, **kept}
            inner = [(key, wanted.get(key, _NOTHING), kept.get(key, _NOTHING)) for key in keys]
        elif isinstance(wanted, list) and isinstance(kept, list) and len(wanted) == len(kept):
            inner = [(str(number), one, other) for number, (one, other) in enumerate(zip(wanted, kept, strict=True))]
        else:
            inner = []
        wrong = next((one for one in inner if not same_json(*one[1:])), None)
        if wrong is None:
            return place, wanted, kept
        place, wanted, kept = f"{place}/{wrong[0]}", wrong[1], wrong[2]


def _shown(value: Any) -> str:
    return "nothing" if value is _NOTHING else cut(repr(value), _SHOWN_VALUE_CHARACTERS)
