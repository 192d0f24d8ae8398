"""The target as one check sees it: its own writer, its own record of what was said."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from createflow.scenarios.contract import Contract
from createflow.scenarios.expect import Inconclusive
from createflow.scenarios.principal import Principal
from createflow.scenarios.probes.http_connection import Created, HttpConnection
from createflow.scenarios.reply import Reply
from createflow.schemas.profile import Deadlines, Limits
from createflow.schemas.report import Exchange

_KEPT_EXCHANGES = 6


class HttpTarget:
    """Fills the role Target."""

    def __init__(self, connection: HttpConnection, contract: Contract, writer: Principal) -> None:
        self._connection = connection
        self.contract = contract
        self.writer = writer
        self.deadlines: Deadlines = connection.profile.deadlines
        self.limits: Limits | None = connection.profile.limits
        self.exchanges: list[Exchange] = []
        """The last few, for the report."""

    async def send(
        self,
        method: str,
        url: str,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        paced: bool = True,
    ) -> Reply:
        """Send one request. ``url`` is absolute or a path."""
        who = self.writer if who is None else who
        if paced:
            await self._connection.pace.wait(who.subject or "")
        reply = await self._connection.send(method, url, who, headers or {}, content)
        self.exchanges = [*self.exchanges[1 - _KEPT_EXCHANGES :], reply.exchange]
        return reply

    async def create(
        self,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        paced: bool = True,
    ) -> Reply:
        """POST a body to the create path; without one, a fresh valid document."""
        content = body if isinstance(body, bytes) else _json(self.contract.document() if body is None else body)
        reply = await self.send(
            method,
            self._connection.profile.target.path,
            who=who,
            headers={"content-type": "application/json", **(headers or {})},
            content=content,
            paced=paced,
        )
        if method == "POST" and reply.accepted and ("location" in reply.headers or self._id_in(reply) is not None):
            self._connection.created.append(Created(self.url_of(reply), who or self.writer))
        return reply

    async def read(self, url: str, *, who: Principal | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """GET."""
        return await self.send("GET", url, who=who, headers=headers)

    async def update(
        self,
        url: str,
        body: Mapping[str, Any],
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """PUT a whole new body."""
        return await self.send(
            "PUT",
            url,
            who=who,
            headers={"content-type": "application/json", **(headers or {})},
            content=_json(body),
        )

    def url_of(self, created: Reply) -> str:
        """The reply's Location, or else its id below the path."""
        if location := created.headers.get("location"):
            return str(self._connection.client.base_url.join(location))
        resource_id = self._id_in(created)
        if resource_id is None:
            raise Inconclusive("the reply to the create has neither a Location nor an id")
        path = self._connection.profile.target.path.rstrip("/")
        return str(self._connection.client.base_url.join(f"{path}/{quote(resource_id, safe='')}"))

    def _id_in(self, reply: Reply) -> str | None:
        value = (reply.document or {}).get(self.contract.fields.id)
        return str(value) if isinstance(value, (str, int)) and value != "" else None


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
