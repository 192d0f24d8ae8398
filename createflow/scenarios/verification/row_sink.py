"""The primary and its replicas: one query, read in pages, by the names' common beginning."""

from datetime import datetime

from createflow.scenarios.load.plan.write_log import Writes
from createflow.scenarios.sinks.sink import PagedRows
from createflow.scenarios.verification.observed import Sightings
from createflow.scenarios.verification.sink import Identities


class RowSink:
    """Every look sees the table afresh, since a row may also go."""

    unasked = ""

    def __init__(
        self,
        name: str,
        rows: PagedRows,
        query: str,
        *,
        writes: Writes,
        since: datetime,
        deadline_s: float,
        identities: Identities | None = None,
    ) -> None:
        self.name = name
        self.deadline_s = deadline_s
        self._rows = rows
        self._query = query
        self._values = {"prefix": writes.prefix, "since": since}
        self._writes = writes
        self._identities = identities

    async def look(self) -> Sightings:
        """The whole run."""
        seen = Sightings(self._writes)
        async for page in self._rows.pages(self._query, self._values):
            for resource_id, name, *_ in page:
                k = seen.saw_name(str(name))
                if k is not None and self._identities is not None:
                    self._identities.learn(str(resource_id), k)
        if self._identities is not None:
            self._identities.complete = True
        return seen

    async def close(self) -> None:
        """Nothing is held between looks."""
