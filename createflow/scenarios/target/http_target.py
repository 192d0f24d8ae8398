"""The target as one check sees it: with a writer and a record of exchanges of its own."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.http_client import HttpConnection, NoReply
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.refusals import Refusals
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.run_context import Created
from createflow.schemas.profile import Deadlines, Limits
from createflow.schemas.report import Exchange

_KEPT_EXCHANGES = 6
_IDEMPOTENCY_KEY = "idempotency-key"
"""The name that checks use, whatever the target's own name is."""


class HttpTarget:
    """Fills the role Target."""

    def __init__(self, connection: HttpConnection, contract: Contract, writer: Principal) -> None:
        self._connection = connection
        self.contract = contract
        self._refusals = Refusals(contract.errors)
        self.writer = writer
        self._context = connection.context
        self.deadlines: Deadlines = self._context.deadlines
        self.limits: Limits | None = self._context.limits
        self.exchanges: list[Exchange] = []
        """The last exchanges, for the report."""

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
        who = (self.writer if who is None else who).current()
        bucket = who.subject or who.token or ""
        if paced:
            await self._context.pace.wait(bucket)
        reply = await self._connection.send(method, url, who, headers or {}, content)
        if not paced and reply.accepted:
            self._context.pace.count_unpaced(bucket)
        self.exchanges = [*self.exchanges[1 - _KEPT_EXCHANGES :], reply.exchange]
        reply = replace(reply, refusals=self._refusals)
        return self._with_representation(reply, url, is_read=True) if method == "GET" and reply.accepted else reply

    async def create(
        self,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
        paced: bool = True,
    ) -> Reply:
        """Send a body to the create path; without one, a new valid representation."""
        creates = method is None or method == self.contract.method
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if _IDEMPOTENCY_KEY in given:
            key = given.pop(_IDEMPOTENCY_KEY)
            given[self._context.target.idempotency_header.lower()] = key
        reply = await self.send(
            method or self.contract.method,
            self._create_path(),
            who=who,
            headers={"content-type": self.contract.media_type, **given},
            content=self._content(body),
            paced=paced,
        )
        if not creates or not reply.accepted:
            return reply
        reply = self._with_location(reply)
        if "location" in reply.headers or self._id_in(reply) is not None:
            url = self.url_of(reply)
            self._context.created.append(Created(url, who or self.writer, self._id_in(reply) or ""))
            if self._context.target.reply == "partial" and paced:
                reply = await self._with_read_fields(reply, url, who)
        return reply

    async def read(self, url: str, *, who: Principal | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send a GET."""
        return await self.send("GET", url, who=who, headers=headers)

    async def read_collection(self, *, who: Principal | None = None) -> Reply:
        """Send a GET to the create path."""
        return await self.send("GET", self._context.path(self._collection_path()), who=who)

    async def update(
        self,
        url: str,
        body: Mapping[str, Any],
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a PUT with a whole new representation."""
        reply = await self.send(
            "PUT",
            url,
            who=who,
            headers={"content-type": self.contract.media_type, **(headers or {})},
            content=self.contract.wire_format.encode(body),
        )
        return self._with_representation(reply, url, is_read=False) if reply.accepted else reply

    def url_of(self, created: Reply) -> str:
        """The URL of a created resource: the profile's ``read_path``, else its Location, else its id below the path.

        Raises:
            Inconclusive: the reply has neither a Location nor an id.
        """
        target = self._context.target
        base = self._connection.client.base_url
        resource_id = self._id_in(created)
        if target.read_path and resource_id is not None:
            return str(base.join(self._context.path(target.read_path, id=resource_id)))
        if location := created.headers.get("location"):
            return str(base.join(location))
        if resource_id is None:
            raise Inconclusive("the reply to the create has neither a Location nor an id")
        path = f"{self._collection_path().rstrip('/')}/{{id}}"
        return str(base.join(self._context.path(path, id=resource_id)))

    def _collection_path(self) -> str:
        return self._context.target.path.partition("/{new_id}")[0]

    def _create_path(self) -> str:
        return self._context.path(self._context.target.path, new_id=str(uuid.uuid4()))

    def _content(self, body: Mapping[str, Any] | bytes | None) -> bytes:
        if body is None and self.contract.raw is not None:
            return self.contract.raw
        if isinstance(body, bytes):
            return self.contract.wire_format.wrap(body)
        return self.contract.wire_format.encode(self.contract.document() if body is None else body)

    def _with_location(self, reply: Reply) -> Reply:
        """The reply with its self link as Location, where the profile configures that."""
        link = self.contract.wire_format.self_link(reply.body)
        if link is not None and "location" not in reply.headers:
            reply = replace(reply, headers={**reply.headers, "location": link})
        return self._with_representation(reply, reply.headers.get("location", ""), is_read=False)

    def _with_representation(self, reply: Reply, url: str, *, is_read: bool) -> Reply:
        return replace(
            reply, representation=self.contract.wire_format.decode(reply.body, reply.headers, url, is_read=is_read)
        )

    async def _with_read_fields(self, reply: Reply, url: str, who: Principal | None) -> Reply:
        """The reply with the fields that only a read of the new resource shows."""
        try:
            seen = await self.read(url, who=who)
        except NoReply:
            return reply
        if not seen.accepted or seen.representation is None:
            return reply
        return replace(reply, representation={**seen.representation, **(reply.representation or {})})

    def _id_in(self, reply: Reply) -> str | None:
        value = (reply.document or {}).get(self.contract.fields.id)
        return str(value) if isinstance(value, (str, int)) and value != "" else None
