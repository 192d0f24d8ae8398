"""Read-only looks into an Elasticsearch or OpenSearch index."""

from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from createflow.schemas.profile import SearchSink

_TIMEOUT_S = 5.0


class ElasticIndex:
    """Fills the role SearchIndex."""

    def __init__(self, sink: SearchSink) -> None:
        url = sink.url.get_secret_value()
        self._index = sink.index
        self.address = urlsplit(url).netloc.rpartition("@")[2]
        self._client = httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S, trust_env=False)

    async def open(self) -> Self:
        """See that it answers."""
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
        """What a search for the text in a field finds, ten at most."""
        query = {"query": {"match": {field: text}}, "size": 10}
        response = await self._client.post(f"/{self._index}/_search", json=query)
        if response.status_code == httpx.codes.NOT_FOUND:
            return []
        response.raise_for_status()
        return [hit["_source"] for hit in response.json()["hits"]["hits"]]
