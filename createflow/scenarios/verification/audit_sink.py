"""The audit trail: entries about the rows of the run, and entries by its subjects about rows that are not there."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from createflow.scenarios.load.plan.write_log import Writes
from createflow.scenarios.sinks.sink import PagedRows
from createflow.scenarios.verification.batches import handfuls
from createflow.scenarios.verification.observed import Sightings
from createflow.scenarios.verification.sink import Identities
from createflow.schemas.profile_sinks import SqlSink

_IDS_AT_ONCE = 5_000


class Rows(Protocol):
    """The primary, as far as it is asked here."""

    async def by_id(self, resource_id: str) -> list[dict[str, Any]]:
        """The rows of a resource."""

    async def close(self) -> None:
        """Leave."""


class AuditSink:
    """Asks about each resource until it has an entry."""

    name = "audit"

    def __init__(
        self,
        rows: PagedRows,
        sink: SqlSink,
        *,
        writes: Writes,
        identities: Identities,
        since: datetime,
        deadline_s: float,
        primary: Rows,
        actors: Sequence[str] = (),
    ) -> None:
        """Put the questions together.

        Args:
            rows: the trail, to be read in pages.
            sink: its queries.
            writes: the ledger.
            identities: which resource each arrival became.
            since: nothing older is the run's.
            deadline_s: how long an entry may be missing.
            primary: says whether a resource is there.
            actors: subjects that are the run's alone: what they did, the run did.
        """
        self.deadline_s = deadline_s
        self._rows = rows
        self._by_ids = sink.by_ids or ""
        self._by_actors = sink.by_actors if actors else None
        no_query = "no by_actors query" if sink.by_actors is None else "the run has no subjects of its own"
        self.unasked = "" if self._by_actors else f"entries about creates that never were: {no_query}"
        self._values = {"actors": list(actors), "since": since}
        self._identities = identities
        self._primary = primary
        self._seen = Sightings(writes)

    async def look(self) -> Sightings:
        """What was not there before."""
        seen = self._seen
        seen.blind = self._identities.nameless()
        pending = handfuls(((one, k) for one, k in self._identities.known() if not seen.counts[k]), _IDS_AT_ONCE)
        arrivals: dict[str, int] = {}

        def asked() -> Iterator[list[str]]:
            """The ids of each handful, with their arrivals at hand while the answer is read."""
            for piece in pending:
                arrivals.clear()
                arrivals.update(piece)
                yield list(arrivals)

        async for page in self._rows.pages_by_ids(self._by_ids, asked()):
            for resource_id, *_ in page:
                if (k := arrivals.get(str(resource_id))) is not None:
                    seen.saw(k)
        if self._by_actors is not None:
            await self._look_for_strangers(self._rows.pages(self._by_actors, self._values))
        return seen

    async def close(self) -> None:
        """Leave the primary."""
        await self._primary.close()

    async def _look_for_strangers(self, pages: AsyncIterator[list[tuple[Any, ...]]]) -> None:
        ours = {one for one, _ in self._identities.everything()}
        self._seen.strangers = 0
        self._seen.stranger_words.clear()
        async for page in pages:
            for resource_id, *_ in page:
                # What was committed since the primary was read has its row by now.
                if str(resource_id) not in ours and not await self._primary.by_id(str(resource_id)):
                    self._seen.saw_stranger(
                        f"an entry about resource {str(resource_id)[:80]}, which the primary does not have"
                    )
