"""What a store of documents is to the checks: rows, an audit trail, a cache, a search index."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Self

from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.copy_problem import CREATE_WORDS, tells
from createflow.scenarios.sinks.documents.source import MAX_BATCH, DocumentSource
from createflow.scenarios.sinks.mapping import Mapper, missing_place
from createflow.scenarios.sinks.sink import IndexedDocument, Page, Row
from createflow.scenarios.sinks.unsearchable import FoundByIds
from createflow.scenarios.text.json_pointer import has_value_at, value_at
from createflow.schemas.profile_sinks import MappedSink

_KEY_COLUMNS = ("the document's id", "the document's marker")
"""Before the fields. No representation has such names."""


class Documents:
    """The documents of a source, each with the id of its resource and its row."""

    def __init__(self, key: str, source: DocumentSource, section: MappedSink, *, by_one_id: bool, audits: bool) -> None:
        """Map the documents of a source.

        Args:
            key: of the section, for messages.
            source: of the documents.
            section: with their mapping.
            by_one_id: the source is asked for one id at a time, so that what comes is about it.
            audits: the documents are entries of an audit trail.
        """
        self.source = source
        self._is_told_apart = not by_one_id or section.id is not None
        default = section.fields.get("resource_id", "/resource_id") if audits else f"{section.resource}/id"
        fields = {**section.fields}
        if audits and section.id is not None:
            fields.setdefault("resource_id", section.id)
        self._mapper = Mapper(
            key,
            id_pointer=section.id if section.id is not None else default,
            resource=section.resource,
            fields=fields,
        )
        self._key = key
        self._marker = section.marker if section.marker is not None else f"{section.resource}/name"

    async def of(self, resource_id: str) -> list[Row]:
        """The rows of one resource."""
        found = await self.source.by_ids([resource_id])
        return [
            self._mapper.row_of(one)
            for one in found
            if not self._is_told_apart or self._mapper.id_of(one) == resource_id
        ]

    async def of_each(self, ids: Sequence[str]) -> list[tuple[str, Row]]:
        """Id and row of each document of these resources."""
        if not self._is_told_apart:
            found = await asyncio.gather(*(self.of(one) for one in ids))
            return [(one, row) for one, rows in zip(ids, found, strict=True) for row in rows]
        wanted = set(ids)
        named = [(self._mapper.id_of(one), one) for one in await self.source.by_ids(ids)]
        return [(one_id, self._mapper.row_of(one)) for one_id, one in named if one_id is not None and one_id in wanted]

    def rows(self, documents: Iterable[Any]) -> list[Row]:
        """Rows of any documents."""
        return [self._mapper.row_of(one) for one in documents]

    def marked(self, documents: Iterable[Any]) -> list[tuple[str, str, Row]]:
        """Id, marker and row of each document that has both."""
        found = []
        for one in documents:
            if not has_value_at(one, self._marker):
                raise missing_place(f"{self._key}.marker", self._marker, one)
            found.append((self._mapper.id_of(one) or "", str(value_at(one, self._marker)), self._mapper.row_of(one)))
        return found


class _OfDocuments:
    """Base of the roles below: they read the documents of one source."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    @property
    def address(self) -> str:
        """Where it is read."""
        return self._documents.source.address

    async def open(self) -> Self:
        """Ask once, so that a wrong address is found before the first check."""
        await self._documents.source.open()
        return self

    async def close(self) -> None:
        """Close the connections."""
        await self._documents.source.close()


class DocumentTable(_OfDocuments, FoundByIds):
    """Fills Table: the primary, a replica, or an audit trail."""

    def __init__(self, name: str, documents: Documents, *, has_changes: bool = False) -> None:
        super().__init__(documents)
        self.name = name
        self.has_changes = has_changes

    async def by_id(self, resource_id: str) -> list[Row]:
        """The rows of a resource."""
        return await self._documents.of(resource_id)

    async def by_name(self, name: str) -> list[Row]:
        """The rows with this name."""
        return self._documents.rows(await self._documents.source.by_name(name))

    async def pages(self, query: Any, values: Mapping[str, Any]) -> AsyncIterator[Page]:
        """The rows of a load."""
        del query
        since: datetime = values["since"]
        found = await self._documents.source.by_prefix(str(values["prefix"]), since.isoformat())
        rows = [({_KEY_COLUMNS[0]: one_id, _KEY_COLUMNS[1]: name} | row) for one_id, name, row in self._marked(found)]
        for page in _pages(rows):
            yield page

    def _marked(self, documents: list[Any]) -> list[tuple[str, str, Row]]:
        return self._documents.marked(documents)

    async def pages_by_ids(self, query: Any, ids: Iterable[Sequence[str]]) -> AsyncIterator[Page]:
        """The entries about creates of these resources: id, and the fields."""
        del query
        for batch in ids:
            found: list[Row] = []
            for start in range(0, len(batch), MAX_BATCH):
                named = await self._documents.of_each(batch[start : start + MAX_BATCH])
                found += [{_KEY_COLUMNS[0]: one_id} | row for one_id, row in named if _is_create(row)]
            for page in _pages(found):
                yield page


class DocumentCache(_OfDocuments):
    """Fills Cache."""

    async def value(self, resource_id: str) -> Row | None:
        """The cached representation."""
        return next(iter(await self._documents.of(resource_id)), None)

    async def keys_holding(self, text: str) -> list[str]:
        """Nothing is found by what it holds."""
        del text
        raise NotDeclared("the cache cannot be searched: it is read by ids")


class DocumentIndex(_OfDocuments):
    """Fills SearchIndex, as far as ids go."""

    max_batch = MAX_BATCH

    async def document(self, resource_id: str) -> Row | None:
        """The indexed document of a resource."""
        return next(iter(await self._documents.of(resource_id)), None)

    async def found(self, field: str, text: str) -> list[Row]:
        """No search."""
        del field, text
        raise NotDeclared("the search index is read by ids, and not searched")

    async def with_names(self, names: Sequence[str]) -> list[str]:
        """No search."""
        return [row["name"] for row in await self.found("name", "".join(names))]

    async def with_ids(self, ids: Sequence[str]) -> list[str]:
        """Those of the ids that have a document."""
        return [one for one, _ in await self._documents.of_each(ids)]

    async def documents(self, names_or_ids: Sequence[str], *, by_name: bool) -> list[IndexedDocument]:
        """Every document with one of these ids."""
        if by_name:
            await self.with_names(names_or_ids)
        return [IndexedDocument(one, "", row) for one, row in await self._documents.of_each(names_or_ids)]


def _names(row: Row) -> tuple[str, ...]:
    return tuple(row)


def _is_create(row: Row) -> bool:
    return "action" not in row or tells(str(row["action"]).lower(), CREATE_WORDS)


def _pages(rows: list[Row]) -> Iterator[Page]:
    """Pages with the same columns each: a document need not have what another has."""
    columns: tuple[str, ...]
    for columns, group in groupby(rows, key=_names):
        yield Page(columns, [tuple(row.values()) for row in group])
