"""Enters each create, update and delete into the record of the run, and what was created into the clean-up."""

import time

from createflow.scenarios.outcome import Prevented
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.ledger.addresses import Addresses
from createflow.scenarios.target.location import shown_location
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.received import is_too_deep
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.representation import LOCATION
from createflow.scenarios.target.run_context import Created, RunContext
from createflow.scenarios.target.write_record import Change, Changed, Written

CHANGES = {"PUT": Change.UPDATE, "PATCH": Change.UPDATE, "DELETE": Change.DELETE}
_WITHOUT_EFFECT = frozenset({500, 503, *range(400, 500)} - {408})
"""A request that was answered so has no effect. After another refusal it may have one: a gateway that lost sight of
the request answers 502 or 504, and a server that no longer waited for all of it 408."""


class Bookkeeping:
    """Of what one check sends."""

    def __init__(self, contract: Contract, context: RunContext, addresses: Addresses, check_id: str) -> None:
        self._contract = contract
        self._context = context
        self._addresses = addresses
        self._check_id = check_id

    def note_unanswered(self, content: bytes, who: Principal) -> None:
        """Enter a create that may have been carried out."""
        self._context.writes.not_answered(content, self._name_in(content), who)

    def note_change(self, method: str, url: str, content: bytes | None, reply: Reply | None, who: Principal) -> None:
        """Keep what an update or delete did, for the looks at the end."""
        if reply is not None and reply.status in _WITHOUT_EFFECT:
            self.note_refusal(content or b"", reply, who)
            return
        answer = reply if reply is not None and reply.accepted else None
        sent = self._contract.shown(self._contract.wire_format.sent(content or b""))
        now = time.time()
        sent_at, received_at = (answer.sent_at, answer.received_at) if answer is not None else (now, now)
        changed = Changed(CHANGES[method], sent, answer, sent_at, received_at, who.subject)
        self._context.writes.changed(self._addresses.absolute(url), changed, content or b"")

    def note_refusal(self, content: bytes, reply: Reply, who: Principal) -> None:
        """Enter a create or update that was refused, or of which the reply does not say whether it was."""
        if reply.status in _WITHOUT_EFFECT:
            self._context.writes.refused(content, self._name_in(content), reply, self._check_id, who)
        else:
            self.note_unanswered(content, who)

    def note_created(self, reply: Reply, who: Principal, content: bytes) -> None:
        """Keep what an accepted create says was created, for the clean-up and the looks at the end."""
        resource_id, location = self._addresses.id_in(reply), reply.headers.get("location", "")
        if resource_id is not None:
            try:
                url = self._addresses.url_of(reply)
            except Prevented:
                url = ""
            written = Written(
                id=resource_id,
                url=url,
                who=who,
                sent=self._contract.shown(self._contract.wire_format.sent(content)),
                shown=reply.document or {},
                reply=reply,
                check_id=self._check_id,
            )
            self._context.writes.created(written, content)
        elif is_too_deep(reply.body):
            # Our bound, for what a check sent: nobody can tell what it shows.
            self.note_unanswered(content, who)
        elif self._contract.wire_format.sent(content) is not None:
            # What is no object may be accepted as something without an id: the check that sent it judges that.
            self._context.writes.nameless.append(reply)
        if not location and resource_id is None:
            self.note_unanswered(content, who)
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
            created.url = self._addresses.url_of(reply)
        except Prevented as problem:
            self._guess(created, str(problem))
            return
        if location and not self._context.target.read_path and not self._addresses.names(created):
            self._guess(created, f"the Location {shown_location(location)} does not name the resource")

    def _guess(self, created: Created, problem: str) -> None:
        """Give a resource whose Location cannot be used the URL of its id, if it has one."""
        if created.id and self._contract.fields.id != LOCATION:
            created.url, created.is_guessed = self._addresses.url_of_id(created.id), True
        else:
            created.kept_because = problem

    def _name_in(self, content: bytes) -> str | None:
        name = (self._contract.wire_format.sent(content) or {}).get(self._contract.fields.name)
        return name if isinstance(name, str) else None
