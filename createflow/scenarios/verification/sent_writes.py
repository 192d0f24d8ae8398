"""What the copies of each write must show. It is made again from the number of the write, so nothing is kept for it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from createflow.scenarios.load.plan.request_forms import representation_of
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.contract import FieldNames
from createflow.scenarios.target.representation import WireFormat
from createflow.schemas.profile_target import Target

_NUMBER = 918_273_645_546
"""Stands for the number of an arrival, to find the fields that have it; the last part of a UUID has it too."""
_POINTERS = ("/", "@")
"""A field whose name begins so is elsewhere than in the representation, and so in no copy of it."""


class SentWrites:
    """The representations that a load sent.

    An update of a load sends the body of the create again, so each write has one state from its create on.

    Args:
        bodies: the templates that the load processes used.
        target: the section of the profile.
        subjects: of the principals, in the order in which arrivals use them; one is empty if it is not known.
        shown: the fields that replies to creates show; ``None`` if that is not known.
        wire_format: reads the templates; made of the target unless given.
        shown_of: takes a representation, and leaves out what no copy shows.
    """

    def __init__(
        self,
        bodies: Sequence[str],
        target: Target,
        *,
        subjects: Sequence[str] = (),
        shown: frozenset[str] | None = None,
        shown_of: Callable[[Any], Any] = lambda body: body,
        wire_format: WireFormat | None = None,
    ) -> None:
        fields = FieldNames(target)
        read = wire_format or WireFormat(target)
        self._makers = [_maker(shown_of(representation_of(template, _NUMBER, read))) for template in bodies]
        self._subjects = subjects
        self.shown = shown or frozenset[str]()
        self.id_field = _key(fields, "id")
        self.name_field = fields.name
        self.created_at_field = _key(fields, "created_at") if target.fields.created_at_format == "rfc3339" else ""
        self._created_by_field = _key(fields, "created_by")
        self.longest_bytes = max((len(body.encode()) for body in bodies), default=0)

    def state(self, k: int) -> dict[str, Any]:
        """What every copy of arrival ``k`` must show of what was sent, and of who sent it."""
        sent: dict[str, Any] = dict(self._makers[k % len(self._makers)](k))
        actor = self.actor(k)
        if self._created_by_field and actor is not None:
            sent[self._created_by_field] = actor
        return sent

    def actor(self, k: int) -> str | None:
        """The subject that sent arrival ``k``, if it is known."""
        return self._subjects[k % len(self._subjects)] or None if self._subjects else None


def _maker(template: Any) -> Callable[[int], Any]:
    """Make a JSON value with the number of an arrival where the template has ``_NUMBER``, and share all else."""
    if template == _NUMBER:
        return lambda k: k
    if isinstance(template, str) and _has_number(template):
        return lambda k: template.replace(str(_NUMBER), str(k)).replace(f"{_NUMBER:012x}", f"{k:012x}")
    if isinstance(template, list) and _has_number(template):
        makers = [_maker(value) for value in template]
        return lambda k: [make(k) for make in makers]
    if isinstance(template, dict) and _has_number(template):
        different = {name: _maker(value) for name, value in template.items() if _has_number(value)}
        # In the order of the template: the names of the others keep their places.
        return lambda k: type(template)({**template, **{name: make(k) for name, make in different.items()}})
    return lambda _: template


def _has_number(value: Any) -> bool:
    text = json.dumps(value)
    return str(_NUMBER) in text or f"{_NUMBER:012x}" in text


def _key(fields: FieldNames, name: str) -> str:
    """The key of a field in the representation; empty when the target does not show it there."""
    try:
        place: str = getattr(fields, name)
    except NotDeclared:
        return ""
    return "" if place.startswith(_POINTERS) else place
