"""Documents of a real search engine that are not as the representation is: other ids, other names, an alias."""

import uuid

import httpx
import pytest

from createflow.scenarios.sinks.elasticsearch import ElasticsearchIndex
from createflow.scenarios.sinks.mapping import WrongMapping
from createflow.schemas.profile_sinks import SearchSink
from tests.reference_server.engine_set import EngineSet
from tests.scenarios.malformed_server import malformed_server, reply

pytestmark = pytest.mark.anyio
DOCUMENT = {"key": "order-1", "order": {"title": "a"}, "n": 5}


@pytest.fixture
async def section(engines: EngineSet) -> SearchSink:
    """An index of the test's own, with one document."""
    name = f"t{uuid.uuid4().hex[:8]}"
    async with httpx.AsyncClient(base_url=engines.settings.search_url) as client:
        mapping = {"mappings": {"properties": {"key": {"type": "keyword"}}}}
        (await client.put(f"/{name}", json=mapping)).raise_for_status()
        (await client.put(f"/{name}/_doc/17?refresh=true", json=DOCUMENT)).raise_for_status()
        (
            await client.post("/_aliases", json={"actions": [{"add": {"index": name, "alias": f"{name}-a"}}]})
        ).raise_for_status()
    return SearchSink.model_validate({"url": engines.settings.search_url, "index": name})


async def test_a_document_is_found_by_another_field_than_its_own_id(section: SearchSink) -> None:
    """With its fields in their places, by the index and by an alias."""
    for name in (section.index, f"{section.index}-a"):
        changes = {"index": name, "id_keyword": "key", "fields": {"name": "/order/title"}}
        index = ElasticsearchIndex(section.model_copy(update=changes))
        try:
            assert await index.document("order-1") == {**DOCUMENT, "name": "a"}
            assert await index.document("17") is None
            assert await index.with_ids(["order-1", "order-2"]) == ["order-1"]
            assert [found.id for found in await index.documents(["order-1"], by_name=False)] == ["order-1"]
        finally:
            await index.close()


async def test_a_place_that_is_not_there_is_told(section: SearchSink) -> None:
    """With the nearest."""
    index = ElasticsearchIndex(section.model_copy(update={"resource": "/ordr"}))
    with pytest.raises(WrongMapping, match=r"sinks\.search\.resource: .* '/ordr'; the nearest is /order"):
        await index.document("17")
    await index.close()


async def test_an_alias_of_several_indices_is_searched() -> None:
    """It has no documents of its own: Elasticsearch answers 400 to whoever wants to get one."""
    found = b'{"hits": {"hits": [{"_id": "a", "_source": {"id": "a"}}]}}'

    def answer(request: bytes) -> bytes:
        return reply("200 OK", found) if b"_search" in request else reply("400 Bad Request", b"{}")

    async with malformed_server(answer) as url:
        index = ElasticsearchIndex(SearchSink.model_validate({"url": url, "index": "orders"}))
        assert await index.document("a") == {"id": "a"}
        assert await index.document("b") is None
        await index.close()
