"""Compares one copy of a write with what was sent, and with what the primary's row tells of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from createflow.scenarios.sinks.copy_problem import (
    Provenance,
    entry_problem,
    envelope_problem,
    json_state_problem,
    row_state_problem,
)
from createflow.scenarios.sinks.field_equality import equal
from createflow.scenarios.sinks.sink import Row
from createflow.scenarios.text.printable import cut
from createflow.scenarios.verification.observed import Observed, ResourceIds
from createflow.scenarios.verification.sent_writes import SentWrites

AUDIT = "audit"
EVENTS = "events"
"""The names of the sinks that tell the request of a write."""
_SKEW_S = 5.0
"""The clocks of a target may differ this much from each other."""
_SHOWN_CHARACTERS = 60


class CopyComparison:
    """Notes in ``Observed`` how copies compare. The words and the equality are those of the checks."""

    def __init__(self, sent: SentWrites, ids: ResourceIds) -> None:
        self.sent = sent
        self._ids = ids

    def row(self, observed: Observed, k: int, row: Row) -> None:
        """Compare a row. Fields that it has no column for are not looked at."""
        problem = row_state_problem(self.sent.state(k), row, self.sent.name_field)
        observed.compare(k, problem or self._made_problem(k, row))

    def document(self, observed: Observed, k: int, document: Row) -> None:
        """Compare a copy that is JSON: an event's resource, an indexed document."""
        state = self.sent.state(k)
        lacking = () if document.keys() >= state.keys() else [name for name in state if name not in document]
        if len(observed.held) < len(state):
            observed.held.update(name for name in state if name in document)
        problem = json_state_problem(state, document, self.sent.name_field)
        observed.compare(k, problem or self._made_problem(k, document), lacking)

    def representation(self, observed: Observed, k: int, shown: Row) -> None:
        """Compare what a read shows. A field that it does not show is wrong only where other reads show it."""
        state = self.sent.state(k)
        common = [name for name in state if name in shown]
        if not common:
            return
        observed.held.update(common)
        problem = json_state_problem(state, shown, "")
        lacking = [name for name in state if name not in shown]
        observed.compare(k, problem or self._made_problem(k, shown), lacking)

    def entry(self, observed: Observed, k: int, entry: Row, *, within_s: float) -> None:
        """Compare an audit entry of a create: who, what, when, and in which request."""
        problem = entry_problem(entry, self._provenance(k, within_s))
        observed.compare(k, problem or self._request_problem(k, entry.get("request_id"), AUDIT))

    def envelope(
        self, observed: Observed, k: int, told: Mapping[str, Any], *, within_s: float, is_create: bool
    ) -> None:
        """Compare what an event tells beside its resource. That of an update has a time and a request of its own."""
        shown = dict(told)
        if not is_create:
            shown.pop("time", None)
            shown.pop("request_id", None)
        resource_id = str(shown.pop("resource_id", self._ids.of_arrival[k]))
        problem = envelope_problem(shown, self._provenance(k, within_s))
        if not problem and not self._ids.is_resource_of(k, resource_id):
            problem = f"has an event whose resource_id is {cut(resource_id)!r}"
        problem = problem or self._request_problem(k, shown.get("request_id"), EVENTS)
        observed.compare(k, problem)

    def _provenance(self, k: int, within_s: float) -> Provenance:
        # A queue may stand between the row and what tells of it, and it has this long.
        created_at = self._ids.created_at(k)
        moment = created_at.timestamp() if created_at is not None else None
        return Provenance(
            actor=self.sent.actor(k),
            earliest_s=None if moment is None else moment - _SKEW_S,
            latest_s=None if moment is None else moment + within_s + _SKEW_S,
        )

    def _made_problem(self, k: int, copy: Row) -> str:
        """What is wrong with the fields that the target itself made, compared with the primary's row."""
        known = self._ids.of_arrival[k]
        shown = str(copy[self.sent.id_field]) if self.sent.id_field in copy else known
        if shown != known:
            # The second copy of a create that was carried out twice has an id and a time of its own.
            return (
                ""
                if self._ids.is_resource_of(k, str(shown))
                else f"has the id {cut(str(shown))!r} instead of {known!r}"
            )
        created_at = self._ids.created_at(k)
        place = self.sent.created_at_field
        if created_at is None or place not in copy:
            return ""
        value = copy[place]
        is_same = value == created_at if isinstance(value, datetime) else equal(value, created_at)
        return (
            ""
            if is_same
            else f"has {place} = {cut(repr(value), _SHOWN_CHARACTERS)} instead of {created_at.isoformat()!r}"
        )

    def _request_problem(self, k: int, request_id: object, sink: str) -> str:
        if not isinstance(request_id, str) or self._ids.is_request_of(k, request_id, sink):
            return ""
        return f"has the request_id {cut(request_id, _SHOWN_CHARACTERS)!r}, and another one as well"


def compare_requests(ids: ResourceIds, entries: Observed) -> None:
    """Note the audit entries that tell another request than the event of the same write."""
    for k in ids.with_other_requests(AUDIT, EVENTS):
        entries.compare(k, "has another request_id than the event of it")
