"""The gate follows nothing, and a redirect is an ordinary reply whatever its Location is."""

import httpx
import pytest

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.elasticsearch import ElasticsearchIndex
from createflow.scenarios.target.gate import Gate, GatedTransport
from createflow.scenarios.target.tls import trusted_context
from createflow.schemas.profile_sinks import SearchSink
from tests.scenarios.malformed_server import malformed_server, reply

pytestmark = pytest.mark.anyio
PLACES = (
    "http:\\\\127.0.0.1:9\\x",
    "http:x",
    "http://[",
    "http://[::1",
    "http://a:99999999/",
    "http://a:-1/",
    "http://\u00e4.\u00df/",
    "http:///x",
    "//",
    "///x",
    "?",
    "\x7f",
    "a:b:c",
    "%",
    "mailto:a@b",
    "x" * 70_000,
)
"""Some of them make httpx fail when it prepares the next request, which it does even if none is to be sent."""


async def test_a_redirect_to_nowhere_is_a_reply() -> None:
    """Of every client that passes the gate, and of the client of the search index."""
    places = iter(PLACES * 2)

    def habit(_: bytes) -> bytes:
        return reply("307 Temporary Redirect", b"", headers=f"location: {next(places)}\r\n")

    async with malformed_server(habit) as url:
        transport = GatedTransport(Gate.to(url, key="target.base_url"), trusted_context(None))
        async with httpx.AsyncClient(transport=transport, follow_redirects=False) as client:
            for _ in PLACES:
                assert (await client.post(url, content=b"{}")).status_code == 307
        index = ElasticsearchIndex(SearchSink.model_validate({"url": url, "index": "things", "name_keyword": "name"}))
        for _ in PLACES:
            with pytest.raises((Inconclusive, httpx.HTTPStatusError)):
                await index.with_names(["a"])
        await index.close()
    assert next(places, None) is None
