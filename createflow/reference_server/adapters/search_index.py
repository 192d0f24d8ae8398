"""The search index over HTTP: any server with Elasticsearch's bulk and search APIs."""

import secrets
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from createflow.reference_server.domain.ports import IndexAction, UnavailableError

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 5.0
PROBE_ID = "createflow-ready"
"""Of a document that no search by a name finds, and that is removed at once."""
_MAPPING = {
    "settings": {"index": {"refresh_interval": "1s", "number_of_replicas": 0}},
    "mappings": {
        # Fields that nobody searches are stored, not indexed: an index costs each write a tenth of a millisecond.
        "dynamic": False,
        "properties": {
            "name": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
            "metadata": {"type": "object", "enabled": False},
        },
    },
}


class SearchIndex:
    """Documents by resource id; the external version of each is the resource's version.

    Args:
        url: of the engine.
        index: its name.
        trust: for https, instead of the authorities of this machine.
    """

    def __init__(self, url: str, index: str, trust: ssl.SSLContext | None = None) -> None:
        self._trust = trust
        self._url = url.rstrip("/")
        self._index = index
        self._session: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.aclose()

    async def ensure(self) -> bool:
        """Create the index with its mapping if it does not exist; returns whether it was created."""
        status, _ = await self._call("HEAD", f"/{self._index}")
        if status == 404:
            status, answer = await self._call("PUT", f"/{self._index}", orjson.dumps(_MAPPING))
            if status >= 400 and b"already_exists" not in answer:
                raise UnavailableError(f"index not created: {status}")
            return True
        if status >= 400:
            raise UnavailableError(f"index not found: {status}")
        return False

    async def apply(self, actions: Sequence[IndexAction]) -> Sequence[bool]:
        """Apply actions in one bulk request. A version conflict means that the index has a newer version already."""
        lines: list[bytes] = []
        for action in actions:
            target = {"_id": action.resource_id, "version": action.version, "version_type": "external"}
            if action.document:
                lines += [orjson.dumps({"index": target}), action.document]
            else:
                lines.append(orjson.dumps({"delete": target}))
        status, answer = await self._call("POST", f"/{self._index}/_bulk", b"\n".join(lines) + b"\n", ndjson=True)
        if status >= 400:
            raise UnavailableError(f"bulk: {status}")
        items = orjson.loads(answer)["items"]
        if len(items) != len(actions):
            raise UnavailableError(f"bulk: {len(items)} answers to {len(actions)} actions")
        return [_is_done(*next(iter(item.items()))) for item in items]

    async def stores(self) -> bool:
        """Whether a document can be written and read now: in the index, or in one of its own while that is not there.

        An engine whose disk is full, or whose index is closed or read-only, still shows its root page.

        Raises:
            UnavailableError: the engine does not answer.
        """
        token = secrets.token_hex(8)
        status, _ = await self._call("HEAD", f"/{self._index}")
        index = f"{self._index}-ready" if status == 404 else self._index
        document = f"/{index}/_doc/{PROBE_ID}"
        status, _ = await self._call("PUT", document, orjson.dumps({"token": token}))
        if status >= 400:
            return False
        _, answer = await self._call("GET", document)
        status, _ = await self._call("DELETE", document if index == self._index else f"/{index}")
        return status < 400 and token.encode() in answer

    async def block(self, *, blocked: bool) -> None:
        """Let the index be read only, as an engine does whose disk is nearly full, or end that.

        Raises:
            UnavailableError: the engine does not do so.
        """
        settings = orjson.dumps({"index.blocks.write": blocked})
        status, _ = await self._call("PUT", f"/{self._index}/_settings", settings)
        if status >= 400:
            raise UnavailableError(f"settings: {status}")

    async def search(self, query: str) -> list[Any]:
        """Return documents whose name matches, best first."""
        body = {
            "query": {
                "bool": {
                    "should": [{"term": {"name.keyword": query}}, {"match": {"name": query}}],
                    "minimum_should_match": 1,
                }
            },
            "size": 20,
        }
        status, answer = await self._call("POST", f"/{self._index}/_search", orjson.dumps(body))
        if status >= 400:
            raise UnavailableError(f"search: {status}")
        return [hit["_source"] for hit in orjson.loads(answer)["hits"]["hits"]]

    async def _call(self, method: str, path: str, body: bytes = b"", *, ndjson: bool = False) -> tuple[int, bytes]:
        # Imported here: the import takes a tenth of a second, which would delay the start-up.
        import httpx

        if self._session is None:
            # For plain HTTP there is nothing to verify, and to load the authorities of the machine takes 0.1 s.
            verify = self._trust or self._url.startswith("https:")
            self._session = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, verify=verify)
        kind = "application/x-ndjson" if ndjson else "application/json"
        headers = {"content-type": kind} if body else {}
        try:
            reply = await self._session.request(method, self._url + path, content=body, headers=headers)
        except (TimeoutError, httpx.HTTPError) as error:
            raise UnavailableError(str(error)) from error
        return reply.status_code, reply.content


def _is_done(action: str, answer: dict[str, Any]) -> bool:
    """Whether the index has the document now.

    To delete what was never indexed is answered 404: that is done. A 404 to anything else means that there is no index.
    """
    status = answer["status"]
    return status in {200, 201, 409} or (status == 404 and action == "delete" and "error" not in answer)
