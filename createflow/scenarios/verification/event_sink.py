"""How the event stream is read to find the writes of a run."""

from array import array
from typing import Any

from createflow.scenarios.load.plan.write_log import Outcome, Writes
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.events.shape import EventReader
from createflow.scenarios.sinks.mapping import nearest
from createflow.scenarios.sinks.sink import EventReplay, PublishedEvent
from createflow.scenarios.verification.copy_comparison import EVENTS, CopyComparison
from createflow.scenarios.verification.observed import Observed
from createflow.schemas.profile_sinks import EventShape as EventSection


class EventSink:
    """The event stream: each create must have one event id, however often its event was delivered.

    Every read continues where the last one ended.
    """

    name = EVENTS
    things = "events"

    def __init__(
        self,
        replay: EventReplay,
        section: EventSection,
        name_field: str,
        *,
        id_field: str = "id",
        writes: Writes,
        comparison: CopyComparison | None,
        deadline_s: float,
    ) -> None:
        self.deadline_s = deadline_s
        self._replay = replay
        self._section = section
        self._reader = EventReader(section, id_field)
        self._name_field = name_field
        self._comparison = comparison
        self._observed = Observed(writes)
        if comparison is not None:
            self._observed.held |= comparison.sent.shown
        # A 64-bit hash of the event id of each arrival, because a million ids as text need much more memory.
        self._id_hashes = array("q", bytes(8 * len(writes.outcomes)))
        self._has_only_creates = self._reader.tells("created") or Outcome.OTHER not in writes.outcomes
        self.limitation = "" if self._has_only_creates else "duplicates: no created_subject, and the load also updates"
        self._without_name = 0
        self._nameless: Any = None
        self._without_id = 0

    async def read(self) -> Observed:
        """All events since the start of the load.

        Raises:
            NotDeclared: no event carries the name that identifies its arrival.
        """
        async for page in self._replay.pages():
            for event in page:
                self._add(event)
        if self._without_name and not any(self._observed.counts):
            place = self._section.fields.get(self._name_field, f"{self._section.resource}/{self._name_field}")
            near = nearest(place, self._nameless)
            raise NotDeclared(f"the events have no name at {place}" + (f"; the nearest is {near}" if near else ""))
        self._find_shared_ids()
        return self._observed

    async def close(self) -> None:
        """Close the connection to the stream."""
        await self._replay.close()

    def _find_shared_ids(self) -> None:
        """An event id that two creates have: a consumer that drops repeated ids would lose one of them."""
        if self._comparison is None or not self._has_only_creates:
            return
        owners: dict[int, int] = {}
        for k, id_hash in enumerate(self._id_hashes):
            if id_hash and (other := owners.setdefault(id_hash, k)) != k:
                self._observed.compare(k, f"has the event id of arrival {other}")

    def _add(self, event: PublishedEvent) -> None:
        read = self._reader.read(event)
        if not read.is_counted or read.kind not in {"", "created"}:
            return
        name = read.resource.get(self._name_field)
        if not isinstance(name, str):
            self._without_name += 1
            self._nameless = read.document
            return
        k = self._observed.writes.arrival_of(name)
        if k is None or k < 0:
            self._observed.add_name(name)  # a replay returns no event twice
            return
        event_id = read.id if read.has_own_id else event.message_id
        # An event without an id counts as different from every other event.
        self._without_id += event_id is None
        id_hash = hash(self._without_id if event_id is None else str(event_id)) or 1
        if self._id_hashes[k] == 0 or (self._id_hashes[k] != id_hash and self._has_only_creates):
            self._id_hashes[k] = id_hash
            self._observed.add(k)
        if self._comparison is not None:
            self._comparison.document(self._observed, k, read.resource)
            if self._section.envelope:
                is_create = self._has_only_creates
                self._comparison.envelope(
                    self._observed, k, read.envelope, within_s=self.deadline_s, is_create=is_create
                )
