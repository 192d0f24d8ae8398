"""How the search index is read to find the writes of a run."""

from collections.abc import Iterator

from createflow.scenarios.sinks.sink import IndexedDocument
from createflow.scenarios.sinks.sink import SearchIndex as Index
from createflow.scenarios.text.printable import cut
from createflow.scenarios.verification.copy_comparison import CopyComparison
from createflow.scenarios.verification.observed import Observed, ResourceIds
from createflow.scenarios.verification.write_sinks import batched, pending

_BATCH_BYTES = 4 * 1024 * 1024
"""So many bytes of documents are asked for at once, at most: a reply of the index may have four times as many."""
_DOCUMENT_BYTES = 1_000
"""What an index adds to a document."""
_SHOWN_CHARACTERS = 80


class IndexSink:
    """The search index. Each arrival, also a refused one, is searched for until it is found as it was sent.

    The search is by name, or by id if the profile names no keyword field. By id, duplicates and unexpected documents
    cannot be found.
    """

    name = "search"
    things = "documents"

    def __init__(
        self, index: Index, *, by_name: bool, comparison: CopyComparison | None, ids: ResourceIds, deadline_s: float
    ) -> None:
        self.deadline_s = deadline_s
        self._index = index
        self._by_name = by_name
        self._limitations = [] if by_name else ["duplicates and unexpected documents: no name_keyword"]
        self._ids = ids
        self._comparison = comparison
        self._observed = Observed(ids.writes)
        longest_bytes = _DOCUMENT_BYTES + 2 * (comparison.sent.longest_bytes if comparison is not None else 0)
        self._batch_size = max(1, min(index.max_batch, _BATCH_BYTES // longest_bytes))

    @property
    def limitation(self) -> str:
        """What cannot be checked, and why."""
        return "; ".join(self._limitations)

    async def read(self) -> Observed:
        """The documents that were not found before, or were not right."""
        observed = self._observed
        if not self._by_name:
            observed.unsearchable = self._ids.unknown()
        batches = batched(pending(self._keys(), observed), self._batch_size)
        for arrivals in map(dict, batches):
            for found in await self._index.documents(list(arrivals), by_name=self._by_name):
                k = observed.add_name(found.name) if self._by_name else arrivals.get(found.id)
                if k is None or k < 0:
                    continue
                if not self._by_name and not observed.counts[k]:
                    observed.add(k)
                self._compare(k, found)
        return observed

    async def close(self) -> None:
        """Close the connections."""
        await self._index.close()

    def _keys(self) -> Iterator[tuple[str, int]]:
        """What each arrival is searched by."""
        if self._by_name:
            return ((self._ids.writes.name_of(k), k) for k in range(len(self._observed.counts)))
        return self._ids.of_arrivals()

    def _compare(self, k: int, found: IndexedDocument) -> None:
        if self._comparison is None:
            return
        if found.source is None:
            self._limitations[1 - self._by_name :] = ["the values of the documents: the index does not keep them"]
        else:
            self._comparison.document(self._observed, k, found.source)
            if found.id and not self._ids.is_resource_of(k, found.id):
                self._observed.compare(k, f"is the document of {cut(found.id, _SHOWN_CHARACTERS)!r}")
