"""Converts between the representation that checks use and the bytes on the wire: envelopes, fields, time formats.

Checks see one flat object whatever envelope a target uses: its own keys, and for every field that the profile finds
elsewhere a key with the profile's name of that place (``@location``, ``/data/id``).
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from createflow.scenarios.bodies.form_body import NoForm, multipart, nested_of, pairs_in, pairs_of, typed
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.received import NotJson, TooDeep, http_date, json_of
from createflow.scenarios.text.json_pointer import reference_tokens, value_at
from createflow.schemas.profile_target import BOUNDARY, Target

LOCATION = "@location"
HEADER = "@header:"
IN_A_LIST = "-"
"""Of the pointer to the representation in a request: a list of one, as ``add`` of RFC 6902 §4.1 appends to a list."""
_PLACEHOLDER = "createflow-puts-the-body-here"


class WireFormat:
    """How one target encodes a resource in requests and replies.

    Args:
        target: the ``[target]`` of the profile.
        schema: of the create body, by which a form is read back; a schema with the types of a body will do.
    """

    def __init__(self, target: Target, schema: Mapping[str, Any] | None = None) -> None:
        self._fields = target.fields
        self._envelope = target.envelope
        self._sent_at = "".join(f"/{'0' if part == IN_A_LIST else _escaped(part)}" for part in _request_parts(target))
        self._self_link = target.self_link
        self._link_within = _below(target.envelope.reply, target.self_link)
        before, after = _around(_wrapped(_PLACEHOLDER, _request_parts(target), target.envelope.request_also))
        self._before, self._after = before.encode(), after.encode()
        self._body_as = target.body_as
        self._names = target.form
        self._media_type = target.content_type
        self.schema = dict(schema or {})

    @property
    def is_json(self) -> bool:
        """Bodies are JSON, and no form."""
        return self._body_as == "json"

    def encode(self, representation: Mapping[str, Any], *, is_exact: bool = True) -> bytes:
        """The body of a create or update of this representation.

        Args:
            is_exact: refuse what a form cannot tell from something else, such as a number where a text belongs.

        Raises:
            NotDeclared: the target reads forms, and no form says this.
        """
        if self.is_json:
            return self.wrap(json.dumps(representation, ensure_ascii=False, separators=(",", ":")).encode())
        steps, also = reference_tokens(self._envelope.request), self._envelope.request_also
        try:
            whole = _wrapped(dict(representation), steps, also)
            pairs = list(pairs_of(whole, nested=self._names.nested, lists=self._names.lists))
        except NoForm as problem:
            raise self._not_in_a_form(str(problem)) from None
        content = urlencode(pairs).encode("ascii") if self._body_as == "form" else multipart(pairs, BOUNDARY)
        if is_exact and self.sent(content) != representation:
            raise self._not_in_a_form("a form has no types, and this would be read as something else")
        return content

    def says(self, representation: Mapping[str, Any]) -> bool:
        """Whether a body can say this."""
        try:
            self.encode(representation)
        except NotDeclared:
            return False
        return True

    def wrap(self, raw: bytes) -> bytes:
        """Put the envelope around bytes, which need not be valid JSON.

        Raises:
            NotDeclared: the target reads forms.
        """
        if not self.is_json:
            raise self._not_in_a_form("it is no JSON")
        return self._before + raw + self._after

    def _not_in_a_form(self, why: str) -> NotDeclared:
        return NotDeclared(f"`target.body_as` is {self._body_as}: {why}")

    def decode(self, body: bytes, headers: Mapping[str, str], url: str, *, is_read: bool) -> dict[str, Any] | None:
        """The representation in a reply; ``None`` when it has none.

        Args:
            headers: of the reply, names in lower case.
            url: of the resource, where it is known.
            is_read: the reply is to a GET.
        """
        try:
            whole = json_of(body) if body else {}
        except NotJson:
            return None
        envelope = self._envelope
        place = envelope.reply if envelope.read is None or not is_read else envelope.read
        inner = value_at(whole, place)
        if not isinstance(inner, dict):
            return None
        shown = inner if is_read else _without(inner, self._link_within)
        shown = dict(shown)
        for field in (self._fields.id, self._fields.created_at, self._fields.created_by):
            value = _found(field, whole, headers, url)
            if value is not None:
                shown[field] = value
        if self._fields.created_at in shown:
            shown[self._fields.created_at] = self._as_rfc_3339(shown[self._fields.created_at])
        return shown

    def sent(self, body: bytes) -> dict[str, Any] | None:
        """The representation in the body of a request; ``None`` when it is no JSON object in the envelope."""
        if not self.is_json:
            inside = value_at(
                nested_of(pairs_in(body, self._media_type), nested=self._names.nested), self._envelope.request
            )
            return typed(inside, self.schema) if isinstance(inside, dict) else None
        try:
            inner = value_at(json_of(body), self._sent_at)
        except TooDeep:
            # A bound for what others send. This is what a check sent, and its name is needed to find it again.
            try:
                inner = value_at(json.loads(body), self._sent_at)
            except RecursionError:
                return None
        except NotJson:
            return None
        return inner if isinstance(inner, dict) else None

    def exact(self, body: bytes, *, is_read: bool) -> Any:
        """The representation in a reply with its numbers as they are written; ``None`` when it has none.

        Why: a number that a reader rounds would look equal to one that the target has rounded.
        """
        try:
            whole = json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_int=Decimal)
        except (ValueError, RecursionError, InvalidOperation):
            return None
        envelope = self._envelope
        return value_at(whole, envelope.reply if envelope.read is None or not is_read else envelope.read)

    def self_link(self, body: bytes) -> str | None:
        """The link to the resource in a reply's body, where the profile configures one."""
        if not self._self_link:
            return None
        try:
            link = value_at(json_of(body), self._self_link)
        except NotJson:
            return None
        return link if isinstance(link, str) and link else None

    def _as_rfc_3339(self, value: Any) -> Any:
        """The time as the checks read it. A value that is not in the configured format stays as it is."""
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        moment: datetime | None
        try:
            match self._fields.created_at_format:
                case "epoch_ms" if number:
                    moment = datetime.fromtimestamp(value / 1000, UTC)
                case "epoch_s" if number:
                    moment = datetime.fromtimestamp(value, UTC)
                case "http_date" if isinstance(value, str):
                    moment = http_date(value)
                case _:
                    return value
        except (ValueError, OverflowError, OSError):
            return value
        return value if moment is None else moment.isoformat()


def last_segment(url: str) -> str:
    """The last segment of a URL's path."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return unquote(path.rstrip("/").rpartition("/")[2])


def _found(field: str, whole: Any, headers: Mapping[str, str], url: str) -> Any:
    """The value of a field that is not a key of the representation."""
    if field == LOCATION:
        return last_segment(url) or None
    if field.startswith(HEADER):
        return headers.get(field.removeprefix(HEADER).lower())
    return value_at(whole, field) if field.startswith("/") else None


def _below(place: str, pointer: str) -> list[str]:
    """The steps from the representation to the pointer; empty where it is not below."""
    return reference_tokens(pointer[len(place) :]) if pointer.startswith(f"{place}/") else []


def _without(value: dict[str, Any], path: list[str]) -> dict[str, Any]:
    """The object without the member at the path, and without what is empty then."""
    if not path or path[0] not in value:
        return value
    rest = {name: member for name, member in value.items() if name != path[0]}
    inner = value[path[0]]
    kept = _without(inner, path[1:]) if isinstance(inner, dict) and path[1:] else {}
    return {**rest, path[0]: kept} if kept else rest


def _request_parts(target: Target) -> list[str]:
    return reference_tokens(target.envelope.request)


def _escaped(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")


def _wrapped(value: Any, parts: list[str], also: Mapping[str, Any]) -> Any:
    """The value at the pointer, together with the other members of the envelope."""
    if not parts:
        return value
    if parts[0] == IN_A_LIST:
        return [_wrapped(value, parts[1:], also)]
    inner = also.get(parts[0], {})
    return {**also, parts[0]: _wrapped(value, parts[1:], inner if isinstance(inner, dict) else {})}


def _around(document: Any) -> tuple[str, str]:
    before, _, after = json.dumps(document, ensure_ascii=False, separators=(",", ":")).partition(
        json.dumps(_PLACEHOLDER)
    )
    return before, after
