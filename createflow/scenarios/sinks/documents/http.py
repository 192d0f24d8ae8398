"""``kind = "http"``: a GET with the id, with a credential of its own that goes to one origin only."""

import asyncio
import base64
import os
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.documents.command import NOBODY
from createflow.scenarios.sinks.documents.source import MAX_DOCUMENT_BYTES, not_declared
from createflow.scenarios.sinks.failure import SinkFailed
from createflow.scenarios.sinks.mapping import missing_place
from createflow.scenarios.target.bounded_body import CODINGS, BodyRefused, whole_body
from createflow.scenarios.target.gate import FAILURES, Gate, GatedTransport, ReceivedTooMuch, limited
from createflow.scenarios.target.received import NotJson, json_of
from createflow.scenarios.target.tls import trusted_context
from createflow.scenarios.text.json_pointer import has_value_at, value_at
from createflow.schemas.error import UserError
from createflow.schemas.profile_sinks import HttpSink

_AT_ONCE = 8
_NOT_THERE = (404, 410)


class HttpSource:
    """Fills DocumentSource.

    Raises:
        UserError: the URL has no ``{id}`` or no origin, or the variable of the credential is not set.
    """

    def __init__(self, name: str, key: str, section: HttpSink, environment: Mapping[str, str] = os.environ) -> None:
        self._name = name
        self._key = key
        self._section = section
        self._url = section.url.get_secret_value()
        if "{id}" not in self._url:
            raise UserError(f"{key}.url has no {{id}}", hint="https://store.example.com/orders/{id}")
        self._gate = Gate.to(self._url, key=f"{key}.url")
        transport = GatedTransport(self._gate, trusted_context(section.ca_file))
        self._client = httpx.AsyncClient(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=section.timeout_s,
            headers={
                "accept": "application/json",
                "accept-encoding": ", ".join(CODINGS),
                **self._credential(environment),
            },
        )
        self._slots = asyncio.Semaphore(_AT_ONCE)

    @property
    def address(self) -> str:
        """Host and port."""
        return urlsplit(self._url).netloc.rpartition("@")[2]

    async def open(self) -> None:
        """Ask for an id that is not there. A store may refuse the id itself."""
        response, _ = await self._got(NOBODY)
        if response in {401, 403} or response >= 500:
            raise self._refused(response)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def by_ids(self, ids: Sequence[str]) -> list[Any]:
        """The documents of these resources."""
        found = await asyncio.gather(*(self._one(one) for one in ids))
        return [document for documents in found for document in documents]

    async def by_name(self, name: str) -> list[Any]:
        """Nothing is found by its name."""
        del name
        raise not_declared(self._name, "search by names: it is read by ids")

    async def by_prefix(self, prefix: str, since: str) -> list[Any]:
        """Nothing is found by its name."""
        return await self.by_name(prefix + since)

    async def _one(self, resource_id: str) -> list[Any]:
        async with self._slots:
            status, body = await self._got(resource_id)
        if status in _NOT_THERE:
            return []
        if not 200 <= status < 300:
            raise self._refused(status)
        try:
            document = json_of(body) if body else None
        except NotJson as error:
            raise Inconclusive(f"{self._name}: the reply to a GET is no JSON: {error}") from None
        place = self._section.documents
        if document is not None and not has_value_at(document, place):
            raise missing_place(f"{self._key}.documents", place, document)
        found = value_at(document, place)
        return found if isinstance(found, list) else [] if found is None else [found]

    async def _got(self, resource_id: str) -> tuple[int, bytes]:
        url = self._url.replace("{id}", quote(resource_id, safe=""))
        within_s = self._section.timeout_s
        try:
            with limited(MAX_DOCUMENT_BYTES):
                async with asyncio.timeout(within_s), self._client.stream("GET", url) as reply:
                    return reply.status_code, await whole_body(reply, MAX_DOCUMENT_BYTES)
        except TimeoutError:
            raise SinkFailed(f"no whole reply within {within_s:g} s; see {self._key}.timeout_s") from None
        except BodyRefused as error:
            raise Inconclusive(f"{self._name}: {error}") from None
        except ReceivedTooMuch as error:
            raise Inconclusive(f"{self._name}: the reply has {error}") from None
        except FAILURES as error:
            raise SinkFailed(f"{str(error) or type(error).__name__}; check {self._key}.url") from None

    def _refused(self, status: int) -> SinkFailed:
        keys = "credential_env, header, scheme" if status in {401, 403} else "url"
        return SinkFailed(f"it answers a GET with {status}; check {keys} of {self._key}")

    def _credential(self, environment: Mapping[str, str]) -> dict[str, str]:
        variable = self._section.credential_env
        if variable is None:
            return {}
        if not environment.get(variable):
            raise UserError(
                f"{self._key}.credential_env: the environment variable {variable} is not set",
                hint=f"export {variable}=...",
            )
        value, scheme = environment[variable], self._section.scheme
        if not value.isascii() or not value.isprintable():
            raise UserError(f"{self._key}.credential_env: the value of {variable} fits in no header")
        if scheme.lower() == "basic":
            value = base64.b64encode(value.encode()).decode()
        return {self._section.header: f"{scheme} {value}".strip()}
