"""A search index that says anything is an index that cannot be read, within bounds."""

import asyncio
import gzip
import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.elasticsearch import ElasticsearchIndex
from createflow.scenarios.target.bounded_body import BodyRefused
from createflow.schemas.profile_sinks import SearchSink
from tests.scenarios.malformed_server import malformed_server, reply

pytestmark = pytest.mark.anyio
BOMB = gzip.compress(bytes(60_000_000), 9, mtime=0)
REPLIES = {
    "no JSON": reply("200 OK", b"<html>"),
    "a list": reply("200 OK", b"[]"),
    "not a number": reply("200 OK", b'{"hits": {"hits": [NaN]}}'),
    "deep": reply("200 OK", b'{"hits":' * 50_000 + b"1" + b"}" * 50_000),
    "no hits": reply("200 OK", b"{}"),
    "hits that are a number": reply("200 OK", b'{"hits": 5}'),
    "hits that are texts": reply("200 OK", b'{"hits": {"hits": ["x"]}}'),
    "a bomb": reply("200 OK", BOMB, headers="content-encoding: gzip\r\n"),
    "17 MB": reply("200 OK", json.dumps({"x": "y" * 17_000_000}).encode()),
    "a redirect": reply("307 Temporary Redirect", b"", headers="location: http://127.0.0.1:9/\r\n"),
    "an error": reply("500 Oh", b"{}"),
}


@pytest.mark.parametrize("case", REPLIES)
async def test_an_index_that_says_anything_is_not_read(case: str) -> None:
    """An error that verification and checks report as a sink that does not answer."""
    async with malformed_server(lambda _: REPLIES[case]) as url:
        index = ElasticsearchIndex(SearchSink.model_validate({"url": url, "index": "things", "name_keyword": "name"}))
        with pytest.raises((Inconclusive, httpx.HTTPError, BodyRefused)):
            await index.documents(["a"], by_name=True)
        with pytest.raises((Inconclusive, httpx.HTTPError, BodyRefused)) as caught:
            await index.with_names(["a"])
        await index.close()
    assert str(caught.value)


@pytest.mark.parametrize("hit", [{}, {"fields": 1}, {"fields": {"name": 1}}, {"_source": []}])
async def test_a_hit_without_what_was_asked_for_is_none(hit: dict[str, object]) -> None:
    """It names nothing that was looked for."""
    text = json.dumps({"hits": {"hits": [hit]}}).encode()
    async with malformed_server(lambda _: reply("200 OK", text)) as url:
        index = ElasticsearchIndex(SearchSink.model_validate({"url": url, "index": "things", "name_keyword": "name"}))
        assert await index.with_names(["a"]) == []
        assert await index.found("name", "a") == []
        assert await index.document("a") is None
        await index.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["_id", "name", "hits"]), inner),
    max_leaves=5,
)
HITS = st.lists(st.dictionaries(st.sampled_from(["_id", "_source", "fields"]), JSON, max_size=3), max_size=3)


def test_any_json_of_an_index_is_a_result_or_a_doubt() -> None:
    """By every way of asking."""
    bodies: list[bytes] = []

    async def ask(url: str) -> None:
        index = ElasticsearchIndex(SearchSink.model_validate({"url": url, "index": "i", "name_keyword": "name"}))
        asking = (index.document("1"), index.found("name", "a"), index.with_names(["a"]), index.with_ids(["a"]))
        for one in (*asking, index.documents(["a"], by_name=True), index.documents(["a"], by_name=False)):
            try:
                found = await one
                assert found is None or isinstance(found, (list, dict))
            except Inconclusive as doubt:
                assert "search index" in str(doubt)  # noqa: PT017 - it need not be raised
        await index.close()

    with asyncio.Runner() as runner:
        server = malformed_server(lambda _: reply("200 OK", bodies[-1]))
        url = runner.run(server.__aenter__())

        @settings(max_examples=15, deadline=None)
        @given(JSON | HITS.map(lambda hits: {"hits": {"hits": hits}}))
        def look(document: object) -> None:
            bodies.append(json.dumps(document).encode())
            runner.run(ask(url))

        look()
        runner.run(server.__aexit__(None, None, None))


@pytest.mark.parametrize("reads_many", [True, False])
async def test_documents_asked_for_at_once_are_read_together_where_the_index_allows_it(reads_many: bool) -> None:  # noqa: FBT001 - a parameter
    """Each task gets its own; an index that refuses such requests is asked one by one."""
    asked: list[str] = []

    def answer(request: bytes) -> bytes:
        line = request.split(b"\r\n", 1)[0].decode()
        asked.append(line)
        if "_mget" in line and not reads_many:
            return reply("403 Forbidden", b"{}")
        if "_mget" in line:
            ids = json.loads(request.rpartition(b"\r\n\r\n")[2])["ids"]
            found = [{"_id": one, "found": one != "b", "_source": {"name": one}} for one in ids]
            return reply("200 OK", json.dumps({"docs": found}).encode())
        one = line.split()[1].rpartition("/")[2]
        if one == "b":
            return reply("404 Not Found", b"{}")
        return reply("200 OK", json.dumps({"_id": one, "_source": {"name": one}}).encode())

    async with malformed_server(answer) as url:
        index = ElasticsearchIndex(SearchSink.model_validate({"url": url, "index": "things"}))
        assert await index.document("a") == {"name": "a"}
        for _ in range(2):
            found = await asyncio.gather(*(index.document(one) for one in "abc"))
            assert found == [{"name": "a"}, None, {"name": "c"}]
        await index.close()
    assert asked[0].startswith("GET /things/_doc/a")
    assert sum("_mget" in line for line in asked) == (2 if reads_many else 1)
    assert len(asked) == (3 if reads_many else 8)
