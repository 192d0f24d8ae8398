"""The target as one check sees it: with a writer and a record of exchanges of its own."""

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from createflow.scenarios.outcome import Inconclusive, Prevented
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.gate import OriginRefused
from createflow.scenarios.target.http_client import HttpConnection, NoConnection, NoReply
from createflow.scenarios.target.location import (
    LocationElsewhere,
    LocationMalformed,
    names_one_resource,
    names_resource,
    shown_location,
    usable_id,
)
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.raw_http import RawCreate
from createflow.scenarios.target.reply import Refusals, Reply
from createflow.scenarios.target.representation import LOCATION
from createflow.scenarios.target.run_context import Created, Together
from createflow.scenarios.target.traffic.traffic import bucket_of
from createflow.scenarios.target.write_record import Change, Changed, State, Written
from createflow.schemas.profile import Deadlines, Limits
from createflow.schemas.report import Exchange

LOCATION_IS_GIVEN = "response.location_is_given"
LOCATION_IS_OURS = "response.location_is_ours"
BODY_HAS_THE_FIELDS = "response.body_has_the_fields"
CREATE_IS_201 = "response.create_is_201"
READS_MATCH_WRITES = "response.reads_match_writes_at_the_end"
"""The checks that report a create that is redirected or limited, an accepted create that is not found, a Location or an
id that cannot be used; others are skipped by that cause."""
_KEPT_EXCHANGES = 6
_CHANGES = {"PUT": Change.UPDATE, "PATCH": Change.UPDATE, "DELETE": Change.DELETE}
_WITHOUT_EFFECT = frozenset({500, 503, *range(400, 500)} - {408})
"""A request that was answered so has no effect. After another refusal it may have one: a gateway that lost sight of
the request answers 502 or 504, and a server that no longer waited for all of it 408."""
_TRIES_OF_A_BUSY_TARGET = 5
_READ_AGAIN_S = 0.05
_NO_ANSWER_YET = frozenset({304, 408, 429, 502, 503, 504})
_IDEMPOTENCY_KEY = "idempotency-key"
"""The name that checks use, whatever the target's own name is."""


class HttpTarget:
    """Fills the role Target.

    Args:
        connection: sends the requests.
        contract: what the target promises.
        writer: sends what nobody else is named for.
        check_id: of the check that asks.
        is_patient: a request that the target is too busy for is sent again, when the target says so: 503 with a
            Retry-After of a few seconds (RFC 9110 §15.6.4). Not for a check that makes the target so.
    """

    def __init__(
        self,
        connection: HttpConnection,
        contract: Contract,
        writer: Principal,
        *,
        check_id: str = "",
        is_patient: bool = False,
    ) -> None:
        self._connection = connection
        self.contract = contract
        self._refusals = Refusals(contract.errors)
        self.writer = writer
        self._check_id = check_id
        self._is_patient = is_patient
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
        is_collection: bool = False,
        hold: Together | None = None,
    ) -> Reply:
        """Send one request. ``url`` is absolute or a path."""
        who = (self.writer if who is None else who).current()
        bucket = bucket_of(who)
        if paced:
            await self._context.pace.wait(bucket)
        changes = method in _CHANGES and self._context.writes.at(self._absolute(url)) is not None
        try:
            reply = await self._connection.send(
                method, url, who, headers or {}, content, is_collection=is_collection, is_paced=paced, hold=hold
            )
            for _ in range(_TRIES_OF_A_BUSY_TARGET if self._is_patient else 0):
                wait_s = reply.busy_for_s
                if wait_s is None:
                    break
                await asyncio.sleep(wait_s)
                reply = await self._connection.send(
                    method, url, who, headers or {}, content, is_collection=is_collection, is_paced=paced
                )
        except OriginRefused as refusal:
            raise Prevented(LOCATION_IS_OURS, str(refusal)) from None
        except NoReply as error:
            if changes and not isinstance(error, NoConnection):
                self._note_change(method, url, content, None, who)
            raise
        if not paced and reply.accepted:
            self._context.pace.count_unpaced(bucket)
        self.exchanges = [*self.exchanges[1 - _KEPT_EXCHANGES :], reply.exchange]
        reply = replace(reply, refusals=self._refusals)
        if reply.accepted and (changes or method == "GET"):
            reply = self._with_representation(reply, url, is_read=method == "GET")
        if changes:
            self._note_change(method, url, content, reply, who)
        return reply

    async def create(
        self,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
        paced: bool = True,
        hold: Together | None = None,
    ) -> Reply:
        """Send a body to the create path; without one, a new valid representation."""
        creates = method is None or method == self.contract.method
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if _IDEMPOTENCY_KEY in given:
            key = given.pop(_IDEMPOTENCY_KEY)
            given[self._context.target.idempotency_header.lower()] = key
        content = self._content(body)
        try:
            reply = await self.send(
                method or self.contract.method,
                self._create_path(),
                who=who,
                headers={"content-type": self.contract.media_type, **given},
                content=content,
                paced=paced,
                hold=hold,
            )
        except NoReply as error:
            if not isinstance(error, NoConnection):
                name = self._name_in(content)
                self._context.writes.not_answered(content, name, who or self.writer)
            if body is None and hold is None and creates and error.may_be_closing:
                # Another body: nobody knows whether the first one was carried out.
                self._context.traffic.resent += 1
                fresh = self._content(None)
                return await self.create(fresh, who=who, headers=headers, method=method, paced=paced)
            raise
        if not reply.accepted:
            self._note_refusal(content, reply, who or self.writer)
            if self._check_id != CREATE_IS_201:
                self._require_own_answer(reply)
            return reply
        if not creates:
            return reply
        reply = self._with_location(reply)
        self._remember(reply, who or self.writer, content)
        if self._context.target.reply == "partial" and paced:
            try:
                url = self.url_of(reply)
            except (Inconclusive, Prevented):
                return reply  # the checks that need the resource say why
            reply = await self._with_read_fields(reply, url, who)
        return reply

    async def read(
        self,
        url: str,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        may_be_lost: bool = False,
        paced: bool = True,
    ) -> Reply:
        """Send a GET; again, while it does not show the last write and ``deadlines.read_s`` allows that.

        Raises:
            Prevented: the sender's own resource is not found, though its create was accepted, unless ``may_be_lost``;
                or the reply to its read is no representation of it.
        """
        reply = await self.send("GET", url, who=who, headers=headers, paced=paced)
        written = self._context.writes.at(self._absolute(url))
        while (
            written is not None
            and not _shows(reply, written.states())
            and time.time() < written.last_write_at + self.deadlines.read_s
        ):
            await asyncio.sleep(_READ_AGAIN_S)
            reply = await self.send("GET", url, who=who, headers=headers, paced=paced)
        if written is not None and None not in written.states() and (who or self.writer).subject == written.who.subject:
            is_lost = reply.status in {404, 410}
            self._context.writes.read(written, is_lost=is_lost)
            if is_lost and not may_be_lost:
                raise Prevented(READS_MATCH_WRITES, f"an accepted create is not found: {reply.status} at {url}")
        if written is not None and headers is None and self._check_id not in {"", READS_MATCH_WRITES}:
            self._require_representation(reply, url, written, who or self.writer)
        return reply

    def _require_representation(self, reply: Reply, url: str, written: Written, who: Principal) -> None:
        """Require that the creator's read shows the resource, or that it is not there.

        Raises:
            Prevented: it shows something else, or may not be read; of a deleted one, where others cannot be read
                either.
        """
        # A check may send another token of the same subject, which has to be refused.
        is_own = who.token == written.who.token or who.renew is not None
        is_creator = is_own and who.subject == written.who.subject
        if reply.status in _NO_ANSWER_YET or not is_creator:
            return
        shown = reply.document if reply.accepted else None
        if shown is not None and self.contract.fields.name in shown:
            return
        if None not in written.states() and reply.status not in {404, 410}:
            self._context.writes.unreadable += 1
        elif reply.status in {404, 410} or not self._context.writes.unreadable:
            return
        why = f"answered with {reply.status}" if not reply.accepted else "without the representation"
        raise Prevented(READS_MATCH_WRITES, f"the read of an accepted create is {why}: {url}")

    async def read_collection(self, *, who: Principal | None = None) -> Reply:
        """Send a GET to the create path."""
        return await self.send("GET", self._context.path(self._collection_path()), who=who, is_collection=True)

    async def update(
        self,
        url: str,
        body: Mapping[str, Any] | bytes,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        hold: Together | None = None,
    ) -> Reply:
        """Send a PUT with a whole new representation, or with bytes in its place."""
        given = {"content-type": self.contract.media_type, **(headers or {})}
        reply = await self._change("PUT", url, who, given, content=self._content(body), hold=hold)
        return self._with_representation(reply, url, is_read=False) if reply.accepted else reply

    async def delete(
        self, url: str, *, who: Principal | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a DELETE."""
        return await self._change("DELETE", url, who, headers or {})

    async def _change(
        self,
        method: str,
        url: str,
        who: Principal | None,
        headers: Mapping[str, str],
        *,
        content: bytes | None = None,
        hold: Together | None = None,
    ) -> Reply:
        """Send an update or delete that names any version, if it names none and the target wants one (RFC 6585 §3)."""
        is_plain = not {"if-match", "if-none-match"} & {name.lower() for name in headers}
        any_version = {**headers, "if-match": "*"}
        sent = any_version if is_plain and self._context.names_versions else headers
        reply = await self.send(method, url, who=who, headers=sent, content=content, hold=hold)
        if reply.status != 428 or not is_plain or sent is any_version:
            return reply
        self._context.names_versions = True
        return await self.send(method, url, who=who, headers=any_version, content=content, hold=hold)

    def url_of(self, created: Reply) -> str:
        """The URL of a created resource at ``base_url``.

        It is the profile's ``read_path``, else the path and query of its Location, else its id below the path.

        Raises:
            Prevented: the Location or the id cannot be used, as another check reports.
            Inconclusive: the reply has neither a Location nor an id.
        """
        resource_id = self._id_in(created)
        if self._context.target.read_path and resource_id is not None:
            return self._own_url(self._context.path(self._context.target.read_path, id=resource_id))
        if location := created.headers.get("location"):
            try:
                return self._own_url(self.contract.origins.path_of(location, created.exchange.url))
            except LocationMalformed as problem:
                raise Prevented(LOCATION_IS_GIVEN, str(problem)) from None
            except LocationElsewhere as problem:
                reason = f"{problem}; target.location_origins can declare it"
                raise Prevented(LOCATION_IS_OURS, reason) from None
        if resource_id is None:
            raise Inconclusive("the reply to the create has neither a Location nor an id")
        return self._url_of_id(resource_id)

    def note_raw_create(self, raw: RawCreate) -> None:
        """Enter a create that was sent in raw bytes into the ledger, as if ``create`` had sent it."""
        if raw.reply is None:
            self._context.writes.not_answered(raw.content, self._name_in(raw.content), raw.who)
            return
        reply = Reply(
            raw.reply.status, dict(raw.reply.headers), raw.reply.body, raw.exchange, raw.sent_at, raw.received_at
        )
        if reply.accepted:
            self._remember(self._with_location(reply), raw.who, raw.content)
        else:
            self._note_refusal(raw.content, reply, raw.who)

    def _require_own_answer(self, reply: Reply) -> None:
        """Raise Prevented when a create was redirected, or met a limit that the profile does not declare."""
        if 300 <= reply.status < 400:
            place = shown_location(reply.headers.get("location", "nowhere"))
            raise Prevented(CREATE_IS_201, f"creates are answered with {reply.status} to {place}; see target.path")
        if reply.status == 429 and self.limits is None:
            raise Prevented(CREATE_IS_201, "creates are limited (429), and the profile declares no [limits]")

    def _absolute(self, url: str) -> str:
        return self._own_url(url) if url.startswith("/") else url

    def _note_change(self, method: str, url: str, content: bytes | None, reply: Reply | None, who: Principal) -> None:
        """Keep what an update or delete did, for the looks at the end."""
        if reply is not None and reply.status in _WITHOUT_EFFECT:
            self._note_refusal(content or b"", reply, who)
            return
        answer = reply if reply is not None and reply.accepted else None
        sent = self.contract.wire_format.sent(content or b"")
        now = time.time()
        sent_at, received_at = (answer.sent_at, answer.received_at) if answer is not None else (now, now)
        changed = Changed(_CHANGES[method], sent, answer, sent_at, received_at, who.subject)
        self._context.writes.changed(self._absolute(url), changed, content or b"")

    def _note_refusal(self, content: bytes, reply: Reply, who: Principal) -> None:
        if reply.status in _WITHOUT_EFFECT:
            self._context.writes.refused(content, self._name_in(content), reply, self._check_id, who)
        else:
            self._context.writes.not_answered(content, self._name_in(content), who)

    def _name_in(self, content: bytes) -> str | None:
        name = (self.contract.wire_format.sent(content) or {}).get(self.contract.fields.name)
        return name if isinstance(name, str) else None

    def _remember(self, reply: Reply, who: Principal, content: bytes) -> None:
        """Keep what an accepted create says was created, for the clean-up and the looks at the end."""
        resource_id, location = self._id_in(reply), reply.headers.get("location", "")
        if resource_id is not None:
            try:
                url = self.url_of(reply)
            except Prevented:
                url = ""
            written = Written(
                id=resource_id,
                url=url,
                who=who,
                sent=self.contract.wire_format.sent(content),
                shown=reply.document or {},
                reply=reply,
                check_id=self._check_id,
            )
            self._context.writes.created(written, content)
        else:
            self._context.writes.nameless.append(reply)
        if not location and resource_id is None:
            self._context.writes.not_answered(content, self._name_in(content), who)
            return
        created = Created(location or str(resource_id), who, resource_id or "")
        self._context.created.append(created)
        self._locate(created, reply)
        self._context.on_created(created)

    def _locate(self, created: Created, reply: Reply) -> None:
        """Find the URL at which a created resource can be deleted, or the reason why it is kept."""
        location = reply.headers.get("location", "")
        if reply.status != 201:
            # A 200 may be about a resource that was there before (RFC 9110 §9.3.4).
            created.kept_because = f"the create was answered {reply.status}, not 201"
            return
        try:
            created.url = self.url_of(reply)
        except Prevented as problem:
            self._guess(created, str(problem))
            return
        if location and not self._context.target.read_path and not self._names(created):
            self._guess(created, f"the Location {shown_location(location)} does not name the resource")

    def _names(self, created: Created) -> bool:
        """Whether the URL of a Location names one resource, and that of the id where the reply shows one."""
        path = created.url.removeprefix(str(self.contract.origins.own))
        has_id = created.id != "" and self.contract.fields.id != LOCATION
        collection = self._context.path(self._collection_path())
        return names_one_resource(path, collection) and (not has_id or names_resource(path, created.id))

    def _guess(self, created: Created, problem: str) -> None:
        """Give a resource whose Location cannot be used the URL of its id, if it has one."""
        if created.id and self.contract.fields.id != LOCATION:
            created.url, created.is_guessed = self._url_of_id(created.id), True
        else:
            created.kept_because = problem

    def _url_of_id(self, resource_id: str) -> str:
        path = f"{self._collection_path().rstrip('/')}/{{id}}"
        return self._own_url(self._context.path(path, id=resource_id))

    def _own_url(self, path: str) -> str:
        return f"{self._context.target.base_url.rstrip('/')}{path}"

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
        return usable_id((reply.document or {}).get(self.contract.fields.id))


def _shows(reply: Reply, states: Sequence[State]) -> bool:
    """Whether a read shows one of the states, or is no answer about them."""
    if reply.status in {404, 410}:
        return None in states
    shown = reply.document or {}
    known = [state for state in states if state is not None]
    return not reply.accepted or any(all(shown.get(k, v) == v for k, v in state.items()) for state in known)
