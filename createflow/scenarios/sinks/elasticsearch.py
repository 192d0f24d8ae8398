"""Elasticsearch and OpenSearch: the search index, read-only."""

from collections.abc import Sequence
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from createflow.scenarios.outcome import NotDeclared
from createflow.schemas.profile_sinks import SearchSink

_TIMEOUT_S = 5.0
_BATCH_TIMEOUT_S = 30.0
_MAX_HITS = 10_000
"""Elasticsearch and OpenSearch return no more. Ten documents for one name are enough to see that there are too many."""


class ElasticsearchIndex:
    """Fills SearchIndex. It only searches: what it finds, others can find.

    Batches of names are searched as they are. A range over all names of a run in one sorted sweep would need fewer
    queries, but costs the index far more: every page sorts the whole range again.
    """

    max_batch = 1_000

    def __init__(self, section: SearchSink) -> None:
        url = section.url.get_secret_value()
        self._index = section.index
        self._name_keyword = section.name_keyword or ""
        self.address = urlsplit(url).netloc.rpartition("@")[2]
        self._client = httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S, trust_env=False)

    async def open(self) -> Self:
        """Send one request, so that a wrong address is found before the first check."""
        (await self._client.get("/")).raise_for_status()
        return self

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def document(self, resource_id: str) -> dict[str, Any] | None:
        """The indexed document of a resource."""
        response = await self._client.get(f"/{self._index}/_doc/{quote(resource_id, safe='')}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        response.raise_for_status()
        source: dict[str, Any] | None = response.json().get("_source")
        return source

    async def found(self, field: str, text: str) -> list[dict[str, Any]]:
        """The documents that a search for the text in a field finds, ten at most."""
        hits = await self._search({"query": {"match": {field: text}}, "size": 10}, timeout_s=_TIMEOUT_S)
        return [hit["_source"] for hit in hits]

    async def with_names(self, names: Sequence[str]) -> list[str]:
        """The name of each document that has one of these names, once for each document."""
        field = self._name_keyword
        if not field:
            raise NotDeclared("the search index has no name_keyword")
        hits = await self._filter({"terms": {field: list(names)}}, docvalue_fields=[field])
        return [str(name) for hit in hits for name in hit["fields"][field]]

    async def with_ids(self, ids: Sequence[str]) -> list[str]:
        """Those of the ids that have a document."""
        return [str(hit["_id"]) for hit in await self._filter({"ids": {"values": list(ids)}})]

    async def _filter(self, condition: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        # A filter computes no scores.
        query = {"query": {"bool": {"filter": [condition]}}, "size": _MAX_HITS, "_source": False, **more}
        return await self._search({**query, "track_total_hits": False}, timeout_s=_BATCH_TIMEOUT_S)

    async def _search(self, query: dict[str, Any], *, timeout_s: float) -> list[dict[str, Any]]:
        response = await self._client.post(f"/{self._index}/_search", json=query, timeout=timeout_s)
        if response.status_code == httpx.codes.NOT_FOUND:
            return []
        response.raise_for_status()
        hits: list[dict[str, Any]] = response.json()["hits"]["hits"]
        return hits
