"""What a search index holds of a whole load run, asked for in handfuls of names or ids.

A range over all names of a run in one sorted sweep would be one query less, and costs an index far more: every page
sorts the whole range again.
"""

from collections.abc import Sequence
from typing import Any

import httpx

from createflow.schemas.profile import SearchSink

PAGE = 1_000
"""So many names or ids are asked for at once, at the most."""
_MOST_HITS = 10_000
"""Elasticsearch and OpenSearch give no more. Ten documents to a name are enough to see that they are too many."""
_TIMEOUT_S = 30.0


class IndexPages:
    """Searches only: what it finds, others can find."""

    def __init__(self, sink: SearchSink) -> None:
        self._sink = sink
        self._client = httpx.AsyncClient(base_url=sink.url.get_secret_value(), timeout=_TIMEOUT_S, trust_env=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def with_names(self, names: Sequence[str]) -> list[str]:
        """The name of each document that carries one of these, once for each document."""
        field = self._sink.name_keyword or ""
        hits = await self._hits({"terms": {field: list(names)}}, docvalue_fields=[field])
        return [str(name) for hit in hits for name in hit["fields"][field]]

    async def with_ids(self, ids: Sequence[str]) -> list[str]:
        """Those of the ids that have a document."""
        return [str(hit["_id"]) for hit in await self._hits({"ids": {"values": list(ids)}})]

    async def _hits(self, wanted: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        # As a filter: a score for each would be worked out for nothing.
        query = {"query": {"bool": {"filter": [wanted]}}, "size": _MOST_HITS, "_source": False, **more}
        response = await self._client.post(f"/{self._sink.index}/_search", json={**query, "track_total_hits": False})
        if response.status_code == httpx.codes.NOT_FOUND:
            return []
        response.raise_for_status()
        hits: list[dict[str, Any]] = response.json()["hits"]["hits"]
        return hits
