"""The search index, asked about every arrival by its name, or by its id where the profile names no keyword field."""

from createflow.scenarios.load.plan.write_log import Writes
from createflow.scenarios.sinks.registry import search_index
from createflow.scenarios.verification.batches import handfuls
from createflow.scenarios.verification.observed import Sightings
from createflow.scenarios.verification.sink import Identities
from createflow.schemas.profile_sinks import SearchSink as Declared


class SearchSink:
    """Asks about each arrival until it is found, the refused ones included.

    By id it finds nothing twice, and nothing that the primary does not have: only names tell that.
    """

    name = "search"

    def __init__(self, declared: Declared, *, writes: Writes, identities: Identities, deadline_s: float) -> None:
        self.deadline_s = deadline_s
        self._index = search_index(declared)
        self._by_name = declared.name_keyword is not None
        self.unasked = "" if self._by_name else "what is there twice or should not be: no name_keyword"
        self._writes = writes
        self._identities = identities
        self._seen = Sightings(writes)

    async def look(self) -> Sightings:
        """What was not found before."""
        await (self._look_for_names() if self._by_name else self._look_for_ids())
        return self._seen

    async def close(self) -> None:
        """Close the connections."""
        await self._index.close()

    async def _look_for_names(self) -> None:
        seen = self._seen
        pending = (self._writes.name_of(k) for k, count in enumerate(seen.counts) if not count)
        for names in handfuls(pending, self._index.max_batch):
            for name in await self._index.with_names(names):
                seen.saw_name(name)

    async def _look_for_ids(self) -> None:
        seen = self._seen
        seen.blind = self._identities.nameless()
        pending = ((one, k) for one, k in self._identities.known() if not seen.counts[k])
        for piece in handfuls(pending, self._index.max_batch):
            arrivals = dict(piece)
            for resource_id in await self._index.with_ids(list(arrivals)):
                if (k := arrivals.get(resource_id)) is not None and not seen.counts[k]:
                    seen.saw(k)
