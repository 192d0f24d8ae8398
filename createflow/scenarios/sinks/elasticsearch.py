"""Elasticsearch and OpenSearch: the search index, read-only."""

import asyncio
from collections.abc import Sequence
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.mapping import mapper_of
from createflow.scenarios.sinks.sink import IndexedDocument, Row
from createflow.scenarios.target.bounded_body import CODINGS, whole_body
from createflow.scenarios.target.received import NotJson, json_of
from createflow.schemas.profile_sinks import SearchSink

_TIMEOUT_S = 5.0
_BATCH_TIMEOUT_S = 30.0
_AT_ONCE = 16
_MAX_REPLY_BYTES = 16 * 1024 * 1024
_HEADERS = {"accept-encoding": ", ".join(CODINGS)}
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
        self._id_keyword = section.id_keyword or ""
        self._searches = bool(self._id_keyword)
        """Documents cannot be got by their ids, so they are searched."""
        self._mapper = mapper_of("sinks.search", section.resource, section.fields)
        self.address = urlsplit(url).netloc.rpartition("@")[2]
        self._wanted: list[tuple[str, asyncio.Future[dict[str, Any] | None]]] = []
        self._readings: set[asyncio.Task[None]] = set()
        self._reads_many = True
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=_TIMEOUT_S,
            trust_env=False,
            headers=_HEADERS,
            event_hooks={"response": [_forget_location]},
            # httpcore asks each of them at each request whether it is still open.
            limits=httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE),
        )

    async def open(self) -> Self:
        """Send one request, so that a wrong address is found before the first check."""
        await self._sent("GET", "/", timeout_s=_TIMEOUT_S)
        return self

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def document(self, resource_id: str) -> dict[str, Any] | None:
        """The indexed document of a resource. Those that are asked for at the same time are read in one request."""
        wanted: asyncio.Future[dict[str, Any] | None] = asyncio.get_running_loop().create_future()
        self._wanted.append((resource_id, wanted))
        if len(self._wanted) == 1:
            reading = asyncio.create_task(self._read_wanted())
            self._readings.add(reading)
            reading.add_done_callback(self._readings.discard)
        return await wanted

    async def _read_wanted(self) -> None:
        await asyncio.sleep(0)  # all tasks that can run now have asked then
        batch, self._wanted = self._wanted, []
        try:
            found = await self._by_ids([resource_id for resource_id, _ in batch])
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            for _, wanted in batch:
                if not wanted.done():
                    wanted.set_exception(error)
            return
        for (_, wanted), document in zip(batch, found, strict=True):
            if not wanted.done():
                wanted.set_result(document)

    async def _by_ids(self, ids: Sequence[str]) -> list[dict[str, Any] | None]:
        """The documents, in one request where the engine allows that."""
        if self._searches:
            return await self._searched(ids)
        if len(ids) > 1 and self._reads_many:
            try:
                return await self._many(ids)
            except (httpx.HTTPStatusError, Inconclusive):
                self._reads_many = False
        try:
            return [await self._one(resource_id) for resource_id in ids]
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.BAD_REQUEST:
                raise
            self._searches = True  # an alias of several indices has no documents of its own
            return await self._searched(ids)

    async def _searched(self, ids: Sequence[str]) -> list[dict[str, Any] | None]:
        found = {document.id: document.source for document in await self.documents(ids, by_name=False)}
        return [found.get(resource_id) for resource_id in ids]

    async def _one(self, resource_id: str) -> dict[str, Any] | None:
        found = await self._sent("GET", f"/{self._index}/_doc/{quote(resource_id, safe='')}", timeout_s=_TIMEOUT_S)
        return self._row((found or {}).get("_source"))

    async def _many(self, ids: Sequence[str]) -> list[dict[str, Any] | None]:
        found = await self._sent("POST", f"/{self._index}/_mget", timeout_s=_TIMEOUT_S, json={"ids": list(ids)})
        documents = (found or {}).get("docs")
        entries = documents if isinstance(documents, list) else []
        shown = [entry for entry in entries if isinstance(entry, dict) and "error" not in entry]
        if [str(entry.get("_id")) for entry in shown] != list(ids):
            raise Inconclusive("the reply of the search index does not have each document that was asked for")
        sources = [entry.get("_source") if entry.get("found") is True else None for entry in shown]
        return [self._row(source) for source in sources]

    async def found(self, field: str, text: str) -> list[dict[str, Any]]:
        """The documents that a search for the text in a field finds, ten at most."""
        hits = await self._search({"query": {"match": {field: text}}, "size": 10}, timeout_s=_TIMEOUT_S)
        return [row for hit in hits if (row := self._row(hit.get("_source"))) is not None]

    async def with_names(self, names: Sequence[str]) -> list[str]:
        """The name of each document that has one of these names, once for each document."""
        field = self._name_keyword
        if not field:
            raise NotDeclared("the search index has no name_keyword")
        hits = await self._filter({"terms": {field: list(names)}}, docvalue_fields=[field])
        shown = [hit.get("fields") for hit in hits]
        names_by_hit = [fields.get(field) for fields in shown if isinstance(fields, dict)]
        return [str(name) for found in names_by_hit if isinstance(found, list) for name in found]

    async def with_ids(self, ids: Sequence[str]) -> list[str]:
        """Those of the ids that have a document."""
        more = {"docvalue_fields": [self._id_keyword]} if self._id_keyword else {}
        return [self._id_of(hit) for hit in await self._filter(self._with_ids(ids), **more)]

    async def documents(self, names_or_ids: Sequence[str], *, by_name: bool) -> list[IndexedDocument]:
        """Every document with one of these names or ids."""
        field = self._name_keyword
        if by_name and not field:
            raise NotDeclared("the search index has no name_keyword")
        condition = {"terms": {field: list(names_or_ids)}} if by_name else self._with_ids(names_or_ids)
        wanted = [one for one in (field if by_name else "", self._id_keyword) if one]
        more = {"docvalue_fields": wanted} if wanted else {}
        found = []
        for hit in await self._filter(condition, _source=True, **more):
            name = _value_of(hit, field) if by_name else ""
            found.append(IndexedDocument(self._id_of(hit), name, self._row(hit.get("_source"))))
        return found

    def _with_ids(self, ids: Sequence[str]) -> dict[str, Any]:
        return {"terms": {self._id_keyword: list(ids)}} if self._id_keyword else {"ids": {"values": list(ids)}}

    def _id_of(self, hit: dict[str, Any]) -> str:
        return _value_of(hit, self._id_keyword) if self._id_keyword else str(hit.get("_id"))

    def _row(self, source: Any) -> Row | None:
        if not isinstance(source, dict):
            return None
        return source if self._mapper is None else self._mapper.row_of(source)

    async def _filter(self, condition: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        # A filter computes no scores.
        query = {"query": {"bool": {"filter": [condition]}}, "size": _MAX_HITS, "_source": False, **more}
        return await self._search({**query, "track_total_hits": False}, timeout_s=_BATCH_TIMEOUT_S)

    async def _search(self, query: dict[str, Any], *, timeout_s: float) -> list[dict[str, Any]]:
        found = await self._sent("POST", f"/{self._index}/_search", timeout_s=timeout_s, json=query)
        if found is None:
            return []
        inner = found.get("hits")
        hits = inner.get("hits") if isinstance(inner, dict) else None
        if not isinstance(hits, list) or not all(isinstance(hit, dict) for hit in hits):
            raise Inconclusive("the reply of the search index is no result of a search")
        return hits

    async def _sent(self, method: str, path: str, *, timeout_s: float, **more: Any) -> dict[str, Any] | None:
        """The reply to one request, read within bounds of size and time; ``None`` for 404."""
        async with asyncio.timeout(timeout_s), self._client.stream(method, path, timeout=timeout_s, **more) as response:
            if response.status_code == httpx.codes.NOT_FOUND and path != "/":
                return None
            response.raise_for_status()
            body = await whole_body(response, _MAX_REPLY_BYTES)
        try:
            found = json_of(body)
        except NotJson as error:
            raise Inconclusive(f"the reply of the search index cannot be read: {error}") from None
        if not isinstance(found, dict):
            raise Inconclusive("the reply of the search index is no JSON object")
        return found


def _value_of(hit: dict[str, Any], field: str) -> str:
    fields = hit.get("fields")
    values = fields.get(field) if isinstance(fields, dict) else None
    return str(values[0]) if isinstance(values, list) and values else ""


async def _forget_location(response: httpx.Response) -> None:
    """Nothing is followed; httpx would make the next request of it all the same, and fail where it is no URL."""
    response.headers.pop("location", None)
