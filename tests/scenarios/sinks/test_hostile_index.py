"""A search index that says anything is an index that cannot be read, within bounds."""

import gzip
import json

import httpx
import pytest

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
        with pytest.raises((ValueError, httpx.HTTPError, BodyRefused)):
            await index.documents(["a"], by_name=True)
        with pytest.raises((ValueError, httpx.HTTPError, BodyRefused)) as caught:
            await index.with_names(["a"])
        await index.close()
    assert str(caught.value)
    assert not isinstance(caught.value, (KeyError, TypeError, AttributeError, RecursionError, MemoryError))


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
