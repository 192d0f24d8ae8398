"""The target as one check sees it: with a writer and a record of exchanges of its own."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from createflow.scenarios.outcome import Expectation, Inconclusive, Prevented
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.gate import OriginRefused
from createflow.scenarios.target.http_client import HttpConnection, NoConnection, NoReply
from createflow.scenarios.target.ledger.addresses import LOCATION_IS_OURS, Addresses
from createflow.scenarios.target.ledger.bookkeeping import CHANGES, Bookkeeping
from createflow.scenarios.target.ledger.reading import (
    READS_MATCH_WRITES,
    is_of_last_write,
    require_representation,
    shows,
)
from createflow.scenarios.target.lifecycle.accepted import NeverDone, as_created, end_of
from createflow.scenarios.target.lifecycle.patience import Patience
from createflow.scenarios.target.location import redirect_text, shown_location
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.raw_http import RawCreate
from createflow.scenarios.target.reply import Refusals, Reply
from createflow.scenarios.target.run_context import Together
from createflow.scenarios.target.traffic.waiting import waits
from createflow.schemas.profile import Deadlines, Limits
from createflow.schemas.profile_target import Accepted
from createflow.schemas.report import Exchange

CREATE_IS_201 = "response.create_is_201"
"""The check that reports a create that is redirected or limited; others are skipped by that cause."""
LOCATION_ANSWERS = "response.location_answers_the_same"
"""The check that reports where a resource is redirected."""
_KEPT_EXCHANGES = 6
_READ_AGAIN_S = 0.05
_IDEMPOTENCY_KEY = "idempotency-key"
"""The name that checks use, whatever the target's own name is."""


class HttpTarget:
    """Fills the role Target.

    Args:
        connection: sends the requests.
        contract: what the target promises.
        writer: sends what nobody else is named for.
        check_id: of the check that asks.
        is_patient, keeps_limit: see ``Patience``.
    """

    def __init__(
        self,
        connection: HttpConnection,
        contract: Contract,
        writer: Principal,
        *,
        check_id: str = "",
        is_patient: bool = True,
        keeps_limit: bool = True,
    ) -> None:
        self._connection = connection
        self.contract = contract
        self._refusals = Refusals(contract.errors, is_promised=contract.is_promised)
        self.writer = writer
        self._check_id = check_id
        self._context = connection.context
        self._addresses = Addresses(contract, self._context)
        self._books = Bookkeeping(contract, self._context, self._addresses, check_id)
        self._patience = Patience(self._context, contract, is_patient=is_patient, keeps_limit=keeps_limit)
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
        """Send one request. ``url`` is absolute or a path.

        Raises:
            Inconclusive: the target stayed too busy for it, which it may be where it promises to say so.
        """
        who = (self.writer if who is None else who).current()
        bucket = who.identity
        changes = method in CHANGES and self._context.writes.at(self._addresses.absolute(url)) is not None

        async def once(together: Together | None = None) -> Reply:
            await self._may_be_sent(bucket, together, paced=paced, has_content=bool(content))
            return await self._connection.send(
                method, url, who, headers or {}, content, is_collection=is_collection, is_paced=paced, hold=together
            )

        try:
            reply = await once(hold)
            if paced:
                reply = await self._patience.until_answered(reply, once, who)
        except OriginRefused as refusal:
            raise Prevented(LOCATION_IS_OURS, str(refusal)) from None
        except (NoReply, asyncio.CancelledError) as error:
            # Where the time of a check is up, what it had sent may be carried out all the same.
            if changes and not isinstance(error, NoConnection):
                self._books.note_change(method, url, content, None, who)
            raise
        if not paced and reply.accepted:
            self._context.pace.count_unpaced(bucket)
        self.exchanges = [*self.exchanges[1 - _KEPT_EXCHANGES :], reply.exchange]
        reply = replace(reply, refusals=self._refusals)
        self._require_its_place(method, url, reply)
        if reply.accepted and (changes or method == "GET"):
            reply = self._with_representation(reply, url, is_read=method == "GET")
        if changes:
            self._books.note_change(method, url, content, reply, who)
        return reply

    async def _may_be_sent(self, bucket: str, together: Together | None, *, paced: bool, has_content: bool) -> None:
        """Return when a request may begin: within the declared limit, and with the others of its race."""
        with waits():
            if paced:
                await self._context.pace.wait(bucket)
            if together is not None:
                await together.assembled()
        if together is not None and not has_content:  # there is no last byte to be held back
            await together.wait()

    def puts_off(self, reply: Reply) -> bool:
        """Whether a reply says when to try again, as the profile promises, and is no answer yet."""
        return self._patience.puts_off(reply)

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
            given[self._context.target.idempotency_header.lower()] = self.contract.written_key(key)
        content = self._content(body)
        try:
            reply = await self.send(
                method or self.contract.method,
                self._addresses.create_path(),
                who=who,
                headers={"content-type": self.contract.media_type, **given},
                content=content,
                paced=paced,
                hold=hold,
            )
        except (NoReply, asyncio.CancelledError) as error:
            self._context.traffic.lost_creates += creates and isinstance(error, NoReply)
            if not isinstance(error, NoConnection):
                self._books.note_unanswered(content, who or self.writer)
            is_ordinary = body is None and hold is None and creates
            if not is_ordinary or not isinstance(error, NoReply) or not error.may_be_closing:
                raise
            # With another body: nobody knows whether the first one was carried out.
            self._context.traffic.resent += 1
            return await self.create(self._content(None), who=who, headers=headers, method=method, paced=paced)
        self._context.traffic.answered_creates += creates
        if not reply.accepted:
            self._books.note_refusal(content, reply, who or self.writer)
            if self._check_id != CREATE_IS_201:
                self._require_own_answer(reply)
            return reply
        return await self._created(reply, who, content, paced=paced) if creates else reply

    async def _created(self, reply: Reply, who: Principal | None, content: bytes, *, paced: bool) -> Reply:
        """The reply to an accepted create, with the resource; entered into the ledger."""
        if reply.status == self._context.target.created_status:
            reply = replace(reply, status=201)
        if reply.status == 202 and self._context.target.accepted is not None:
            return await self._carried_out(reply, self._context.target.accepted, who, content)
        reply = self._with_location(reply)
        self._books.note_created(reply, who or self.writer, content)
        if self._context.target.reply == "partial" and paced:
            try:
                url = self.url_of(reply)
            except (Inconclusive, Prevented):
                return reply  # the checks that need the resource say why
            reply = await self._with_read_fields(reply, url, who)
        return reply

    async def _carried_out(self, first: Reply, accepted: Accepted, who: Principal | None, content: bytes) -> Reply:
        """What became of a create that was answered 202, as the reply of one that is carried out at once.

        Raises:
            Prevented: nobody knows, as another check reports.
        """
        # The token of the create may end meanwhile.
        reader = self.writer if who is not None and who.identity == self.writer.identity else who

        async def read(path: str) -> Reply:
            return await self.send("GET", self._addresses.own_url(path), who=reader)

        def path_of(url: str) -> str:
            return self.contract.origins.path_of(url, first.exchange.url)

        try:
            ended = await end_of(accepted, first, read, path_of=path_of, within_s=self.deadlines.accepted_s)
        except (NeverDone, asyncio.CancelledError) as problem:
            self._books.note_unanswered(content, who or self.writer)
            if isinstance(problem, NeverDone) and self._check_id == CREATE_IS_201:
                raise Expectation("a create that is carried out", str(problem), exchanges=[first.exchange]) from None
            if isinstance(problem, NeverDone):
                raise Prevented(CREATE_IS_201, str(problem)) from None
            raise
        if not ended.is_done:
            refused = replace(
                first, status=self._refusals.first(400), headers=ended.reply.headers, body=ended.reply.body
            )
            self._books.note_refusal(content, refused, who or self.writer)
            return refused
        location = self._location_of(ended.resource)
        made = as_created(first, ended, location, None)
        is_known, seen = False, None
        try:
            url = self.url_of(made)
            is_known = self._context.writes.at(self._addresses.absolute(url)) is not None
            seen = await self.send("GET", url, who=reader)
        except (NoReply, Inconclusive, Prevented):
            pass  # the checks that need the resource say why
        if seen is not None and seen.accepted:
            made = self._with_location(as_created(first, ended, location, seen))
            made = replace(made, representation=seen.representation)
        if not is_known or made.representation is not None:  # else it is a replay, of what is deleted by now
            self._books.note_created(made, who or self.writer, content)
        return made

    def _location_of(self, resource: str) -> str:
        """The URL or path of what a status resource names by its URL or id."""
        if not resource or "/" in resource:
            return resource
        template = self._context.target.read_path
        if template:
            return self._context.path(template, id=resource)
        return self._addresses.url_of_id(resource).removeprefix(self._context.target.base_url.rstrip("/"))

    async def read(
        self,
        url: str,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        may_be_lost: bool = False,
        paced: bool = True,
        until: Callable[[Reply], bool] | None = None,
        hold: Together | None = None,
    ) -> Reply:
        """Send a GET; again, while it does not show the last write and ``deadlines.read_s`` allows that.

        Args:
            until: what alone shows the last write, where several were on their way at once and their order is known.
            hold: send it only when all requests of a race are there.

        Raises:
            Prevented: the sender's own resource is not found, though its create was accepted, unless ``may_be_lost``;
                or the reply to its read is no representation of it.
        """
        asked_at = time.time()
        reply = await self.send("GET", url, who=who, headers=headers, paced=paced, hold=hold)
        written = self._context.writes.at(self._addresses.absolute(url))
        while (
            written is not None
            and not (until(reply) if until else shows(reply, written.states()) and is_of_last_write(reply, written))
            and asked_at < written.last_write_at + self.deadlines.read_s
        ):
            await asyncio.sleep(_READ_AGAIN_S)
            asked_at = time.time()  # what was asked in time says nothing, however late its answer comes
            reply = await self.send("GET", url, who=who, headers=headers, paced=paced)
        if written is not None:
            self._context.writes.note_read(written, reply)
        if (
            written is not None
            and None not in written.states()
            and (who or self.writer).identity == written.who.identity
        ):
            is_lost = reply.status in {404, 410}
            self._context.writes.read(written, is_lost=is_lost)
            if is_lost and not may_be_lost:
                raise Prevented(READS_MATCH_WRITES, f"an accepted create is not found: {reply.status} at {url}")
        is_asked = self._check_id not in {"", READS_MATCH_WRITES} and not reply.redirects_to
        if written is not None and headers is None and is_asked:
            require_representation(
                reply, url, written, who or self.writer, writes=self._context.writes, contract=self.contract
            )
        return reply

    async def read_collection(self, *, who: Principal | None = None) -> Reply:
        """Send a GET to the create path."""
        return await self.send(
            "GET", self._context.path(self._addresses.collection_path()), who=who, is_collection=True
        )

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
        self,
        url: str,
        *,
        who: Principal | None = None,
        headers: Mapping[str, str] | None = None,
        hold: Together | None = None,
    ) -> Reply:
        """Send a DELETE."""
        return await self._change("DELETE", url, who, headers or {}, hold=hold)

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

    def id_in(self, created: Reply) -> str | None:
        """The id of what a create made; ``None`` where its reply has none."""
        return self._addresses.id_in(created)

    def url_of(self, created: Reply) -> str:
        """The URL of a created resource at ``base_url``.

        It is the profile's ``read_path``, else the path and query of its Location, else its id below the path.

        Raises:
            Prevented: the Location or the id cannot be used, as another check reports.
            Inconclusive: the reply has neither a Location nor an id.
        """
        return self._addresses.url_of(created)

    def note_raw_create(self, raw: RawCreate) -> None:
        """Enter a create that was sent in raw bytes into the ledger, as if ``create`` had sent it."""
        if raw.reply is None:
            self._books.note_unanswered(raw.content, raw.who)
            return
        reply = Reply(
            raw.reply.status, dict(raw.reply.headers), raw.reply.body, raw.exchange, raw.sent_at, raw.received_at
        )
        if reply.status == 202 and self._context.target.accepted is not None:
            self._books.note_unanswered(raw.content, raw.who)
        elif reply.accepted:
            is_created = reply.status == self._context.target.created_status
            made = replace(reply, status=201) if is_created else reply
            self._books.note_created(self._with_location(made), raw.who, raw.content)
        else:
            self._books.note_refusal(raw.content, reply, raw.who)

    def _require_its_place(self, method: str, url: str, reply: Reply) -> None:
        """Raise Prevented when a resource of the run was asked for, and the answer is a redirect (RFC 9110 §15.4)."""
        written = self._context.writes.at(self._addresses.absolute(url))
        if reply.redirects_to and written is not None and self._check_id != LOCATION_ANSWERS:
            raise Prevented(
                LOCATION_ANSWERS,
                f"{method} of a resource {redirect_text(reply.status, reply.redirects_to, written.id)}",
            )

    def _require_own_answer(self, reply: Reply) -> None:
        """Raise Prevented when a create was redirected, or met a limit that the profile does not declare."""
        if reply.redirects_to:
            place = shown_location(reply.redirects_to)
            raise Prevented(CREATE_IS_201, f"creates are answered with {reply.status} to {place}; see target.path")
        if reply.status == 429 and self.limits is None:
            raise Prevented(CREATE_IS_201, "creates are limited (429), and the profile declares no [limits]")

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
        if who is not None and who.identity == self.writer.identity:
            who = self.writer  # the token of the create may have ended meanwhile
        try:
            seen = await self.read(url, who=who)
        except NoReply:
            return reply
        if not seen.accepted or seen.representation is None:
            return reply
        return replace(reply, representation={**seen.representation, **(reply.representation or {})})
