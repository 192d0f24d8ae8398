"""How tables are read to find the writes of a run: the primary, its replicas, and the audit trail."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

from createflow.scenarios.sinks.copy_problem import CREATE_WORDS, tells
from createflow.scenarios.sinks.sink import Page, PagedRows, Rows
from createflow.scenarios.verification.cache_sample import pick_sample
from createflow.scenarios.verification.copy_comparison import AUDIT, CopyComparison
from createflow.scenarios.verification.observed import Observed, ResourceIds, list_arrivals
from createflow.scenarios.verification.write_sinks import batched, pending
from createflow.schemas.profile_sinks import AnyAudit

_IDS_PER_QUERY = 5_000
_ID_AND_NAME = 2
_SHOWN_CHARACTERS = 80


class SampledRows(PagedRows, Rows, Protocol):
    """A table that is read in pages, and single rows of it where the pages do not have the values."""


class RowSink:
    """The primary or a replica: one query, read in pages, for the common start of the names.

    Every read sees the whole table again, because a row may also disappear.
    """

    things = "rows"

    def __init__(
        self,
        name: str,
        rows: SampledRows,
        query: str,
        *,
        comparison: CopyComparison | None,
        since: datetime,
        deadline_s: float,
        ids: ResourceIds,
        gives_ids: bool = False,
        by_creators: str | None = None,
        creators: Sequence[str] = (),
    ) -> None:
        """Prepare the queries.

        Args:
            name: the name in the report.
            rows: the table.
            query: the profile's ``by_run``.
            comparison: with what was sent; ``None`` to compare nothing.
            since: start of the run, on the clock of the database.
            deadline_s: how long a row may be missing.
            ids: the resource of each arrival.
            gives_ids: fill ``ids`` from the rows; only for the primary.
            by_creators: the profile's query, to find rows that nobody asked for.
            creators: subjects that only this run uses, and only to create what is searched for.
        """
        self.name = name
        self.deadline_s = deadline_s
        self.limitation = ""
        self._rows = rows
        self._query = query
        self._values = {"prefix": ids.writes.prefix, "since": since}
        self._comparison = comparison
        self._ids = ids
        self._gives_ids = gives_ids
        self._by_creators = by_creators if creators else None
        self._creators = {"creators": list(creators), "since": since}

    async def read(self) -> Observed:
        """All rows of the run."""
        observed = Observed(self._ids.writes)
        has_values = False
        async for columns, rows in self._rows.pages(self._query, self._values):
            has_values = len(columns) > _ID_AND_NAME
            time_column = self._time_column(columns)
            for row in rows:
                k = observed.add_name(str(row[1]))
                if k is not None and self._gives_ids:
                    self._ids.add(str(row[0]), k, row[time_column] if time_column is not None else None)
                if k is not None and k >= 0 and has_values and self._comparison is not None:
                    self._comparison.row(observed, k, self._named(columns, row))
        if self._gives_ids:
            self._ids.is_complete = True
        if not has_values and self._comparison is not None:
            await self._compare_sample(observed, self._comparison)
        if self._by_creators is not None:
            await self._find_unexpected(observed, self._by_creators)
        return observed

    async def close(self) -> None:
        """Close the connection of the sample."""
        await self._rows.close()

    async def _find_unexpected(self, observed: Observed, query: str) -> None:
        """Rows that the run's own subjects created, under names that are not those of its creates."""
        writes = self._ids.writes
        name_field = self._comparison.sent.name_field if self._comparison is not None else ""
        async for columns, rows in self._rows.pages(query, self._creators):
            if name_field not in columns:
                return
            name_column = columns.index(name_field)
            for row in rows:
                name = str(row[name_column])
                if not name.startswith(writes.prefix) and name != writes.preflight:
                    observed.add_unexpected(f"{name[:_SHOWN_CHARACTERS]!r}, which no create of the run asked for")

    def _time_column(self, columns: tuple[str, ...]) -> int | None:
        place = self._comparison.sent.created_at_field if self._comparison is not None else ""
        return columns.index(place) if place in columns else None

    def _named(self, columns: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
        """The row by the names of the representation. Id and name come first, however the columns are called."""
        named = dict(zip(columns, row, strict=True))
        if self._comparison is not None:
            named[self._comparison.sent.name_field] = row[1]
            if self._comparison.sent.id_field:
                named[self._comparison.sent.id_field] = row[0]
        return named

    async def _compare_sample(self, observed: Observed, comparison: CopyComparison) -> None:
        known = [
            k for k in list_arrivals(observed.present, len(observed.counts)) if self._ids.of_arrival[k] is not None
        ]
        sample = pick_sample(known)
        for k in sample:
            for row in await self._rows.by_id(str(self._ids.of_arrival[k])):
                comparison.row(observed, k, row)
        if sample:
            self.limitation = f"the values of all rows but {len(sample)}: by_run returns only id and name"


class AuditSink:
    """The audit trail: entries about the resources of the run, and entries by its principals about unknown resources.

    A resource is looked up until it has a right entry.
    """

    name = AUDIT
    things = "audit entries"

    def __init__(
        self,
        rows: SampledRows,
        section: AnyAudit,
        *,
        comparison: CopyComparison | None,
        ids: ResourceIds,
        since: datetime,
        deadline_s: float,
        primary: Rows,
        actors: Sequence[str] = (),
    ) -> None:
        """Prepare the queries.

        Args:
            rows: the audit table.
            section: its queries.
            comparison: with what was sent; ``None`` to compare nothing.
            ids: the resource of each arrival.
            since: start of the run, on the clock of the database.
            deadline_s: how long an entry may be missing.
            primary: to check whether a resource exists.
            actors: subjects that only this run uses, so every entry by them is from this run.
        """
        self.deadline_s = deadline_s
        self._rows = rows
        self._by_ids = section.by_ids or ""
        self._by_actors = section.by_actors if actors else None
        reason = "no by_actors query" if section.by_actors is None else "the run has no subjects of its own"
        self._limitations = [] if self._by_actors else [f"entries about creates that never happened: {reason}"]
        self._comparison = comparison
        self._values = {"actors": list(actors), "since": since}
        self._ids = ids
        self._primary = primary
        self._observed = Observed(ids.writes)

    @property
    def limitation(self) -> str:
        """What cannot be checked, and why."""
        return "; ".join(self._limitations)

    async def read(self) -> Observed:
        """The entries that were not found before, or were not right."""
        observed = self._observed
        observed.unsearchable = self._ids.unknown()
        batches = batched(pending(self._ids.of_arrivals(), observed), _IDS_PER_QUERY)
        arrivals: dict[str, int] = {}
        has_values = True

        def id_batches() -> Iterator[list[str]]:
            """The ids of each batch; ``arrivals`` holds those of the current one while its rows are read."""
            for batch in batches:
                arrivals.clear()
                arrivals.update(batch)
                yield list(arrivals)

        async for columns, rows in self._rows.pages_by_ids(self._by_ids, id_batches()):
            has_values = len(columns) > 1
            for row in rows:
                k = arrivals.get(str(row[0]))
                if k is None:
                    continue
                observed.add(k)
                if has_values and self._comparison is not None:
                    self._comparison.entry(observed, k, dict(zip(columns, row, strict=True)), within_s=self.deadline_s)
        if not has_values and self._comparison is not None:
            await self._compare_sample(self._comparison)
        if self._by_actors is not None:
            await self._find_unexpected(self._rows.pages(self._by_actors, self._values))
        return observed

    async def close(self) -> None:
        """Close the connections of single rows."""
        await self._primary.close()
        await self._rows.close()

    async def _compare_sample(self, comparison: CopyComparison) -> None:
        observed = self._observed
        sample = pick_sample(list_arrivals(observed.present & ~observed.unsearchable, len(observed.counts)))
        for k in sample:
            for entry in await self._rows.by_id(str(self._ids.of_arrival[k])):
                if tells(str(entry.get("action", CREATE_WORDS[0])).lower(), CREATE_WORDS):
                    comparison.entry(observed, k, entry, within_s=self.deadline_s)
        self._limitations[1:] = [f"who and when of all entries but {len(sample)}: by_ids returns only the resource"]

    async def _find_unexpected(self, pages: AsyncIterator[Page]) -> None:
        known = {resource_id for resource_id, _ in self._ids.all()}
        self._observed.unexpected = 0
        self._observed.unexpected_examples.clear()
        async for _, rows in pages:
            for resource_id, *_ in rows:
                # A create that was committed after the primary was read has its row by now.
                if str(resource_id) not in known and not await self._primary.by_id(str(resource_id)):
                    self._observed.add_unexpected(
                        f"an entry about resource {resource_id!s:.{_SHOWN_CHARACTERS}}, which the primary does not have"
                    )
