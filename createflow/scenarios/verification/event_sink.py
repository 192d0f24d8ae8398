"""The event stream: one create, one event id, however often it was delivered."""

import json
from array import array

from createflow.scenarios.load.plan.write_log import Outcome, Writes
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.sink import EventReplay
from createflow.scenarios.text.json_pointer import value_at
from createflow.scenarios.verification.observed import Sightings
from createflow.schemas.profile_sinks import EventSink as Declared


class EventSink:
    """Reads on from look to look."""

    name = "events"

    def __init__(
        self, replay: EventReplay, declared: Declared, name_field: str, *, writes: Writes, deadline_s: float
    ) -> None:
        self.deadline_s = deadline_s
        self._replay = replay
        self._declared = declared
        self._name_field = name_field
        self._seen = Sightings(writes)
        # A hash of 64 bits each: the ids of a million events as texts would be what needs most memory here.
        self._ids = array("q", bytes(8 * len(writes.outcomes)))
        self._only_creates = declared.created_subject is not None or Outcome.OTHER not in writes.outcomes
        self.unasked = "" if self._only_creates else "what is there twice: no created_subject, and not all were creates"
        self._nameless = 0
        self._anonymous = 0

    async def look(self) -> Sightings:
        """Everything published since the load began.

        Raises:
            NotDeclared: the events do not carry the name that tells them apart.
        """
        async for page in self._replay.pages():
            for data, message_id in page:
                self._count(data, message_id)
        if self._nameless and not any(self._seen.counts):
            place = f"{self._declared.resource}/{self._name_field}"
            raise NotDeclared(f"the events carry no name at {place}")
        return self._seen

    async def close(self) -> None:
        """Leave the stream."""
        await self._replay.close()

    def _count(self, data: bytes, message_id: str | None) -> None:
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            event = None
        resource = value_at(event, self._declared.resource)
        name = resource.get(self._name_field) if isinstance(resource, dict) else None
        if not isinstance(name, str):
            self._nameless += 1
            return
        k = self._seen.writes.arrival_of(name)
        if k is None or k < 0:
            self._seen.saw_name(name)  # never the same event twice: a replay goes on where it stopped
            return
        event_id = value_at(event, self._declared.event_id) or message_id
        # An event without an id of its own is told apart by its place in the stream.
        self._anonymous += event_id is None
        mark = hash(self._anonymous if event_id is None else str(event_id)) or 1
        if self._ids[k] == 0 or (self._ids[k] != mark and self._only_creates):
            self._ids[k] = mark
            self._seen.saw(k)
