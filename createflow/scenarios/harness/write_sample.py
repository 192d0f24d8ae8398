"""The sample of a run: ordinary creates, updates and deletes, enough of them to see a defect that hits one in ten.

All checks of one run share it, so that each of them sees many writes for the price of few.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from createflow.scenarios.bodies.markers import nonce
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.target.http_client import NoReply
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.run_context import Together
from createflow.scenarios.target.write_record import WriteRecord, Written
from createflow.schemas.profile import Limits
from createflow.schemas.profile_target import Target

_EACH = 44
"""So many of each group: a defect of one write in ten is among them with 99 %, ln(1 - 0.99) / ln(1 - 0.1)."""
_AT_ONCE = 8
_WITHIN_S = 5.0
"""So much of the promised rate is used, and afterwards no new write is begun."""
_USED_RATIO = 0.8
_REQUESTS_OF_ONE = 3
_REQUEST_ID = "x-request-id"
_KEY = "idempotency-key"
_OFTEN = 2
"""So many resources are updated often: two, because one request id may also hide the second of two creates."""
_UPDATES = 11
"""Of each of them: version 12 is smaller than version 9 to who compares them as texts."""
_RACES = 6
_RACERS = 4
"""Updates of one version at once, of which one succeeds."""
_CHANGED_FIRST = 3
"""One in so many is updated before its delete."""
_ONE_FIELD, _SPACED, _ORDINARY, _EQUAL = range(4)
"""What an update of four changes: one field, all fields with spaces around the name, all fields, nothing."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A create that was sent twice with one Idempotency-Key."""

    replies: tuple[Reply, Reply]
    is_at_once: bool
    """Neither was answered before the other was sent."""
    body: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


@dataclass(slots=True)
class _Writes:
    created: list[Written] = field(default_factory=list)
    updated: list[Written] = field(default_factory=list)
    deleted: list[Written] = field(default_factory=list)
    often: list[Written] = field(default_factory=list)
    raced: list[Written] = field(default_factory=list)
    repeated: list[Repeated] = field(default_factory=list)
    read_at_once: list[tuple[Written, Reply]] = field(default_factory=list)
    answers: list[tuple[str, Reply]] = field(default_factory=list)
    """Of ordinary creates, updates and deletes, with what was asked for."""
    unexpected: dict[str, str] = field(default_factory=dict)
    """The first answer to an ordinary create, update or delete that was not accepted, by what was asked for."""
    unanswered: NoReply | None = None
    """The first ordinary write without a reply."""


class WriteSample:
    """Made when the first check asks for it.

    Args:
        record: of the run; the sample's writes are in it as well.
        target_of: a target with a writer of its own, by the name of a group of writes.
        limits: the promised rate of one subject.
        promised: what else than creates the target has.
    """

    def __init__(
        self,
        record: WriteRecord,
        target_of: Callable[[str], HttpTarget],
        *,
        limits: Limits | None,
        promised: Target,
    ) -> None:
        self._record = record
        self._target_of = target_of
        self._limits = limits
        self._id_field = promised.fields.id
        declared = {
            "updated": promised.update,
            "deleted": promised.delete,
            "repeated": promised.idempotency,
            "often": promised.update,
            "raced": promised.update and promised.versions,
        }
        self._groups = ["created", *(group for group, is_declared in declared.items() if is_declared)]
        self._updates = promised.update
        self._versions = promised.versions
        self._varies = True
        is_key = promised.idempotency_header.lower() == _REQUEST_ID
        self._one_request: dict[str, str] = {} if is_key else {_REQUEST_ID: str(uuid.uuid4())}
        self._lock = asyncio.Lock()
        self._writes: _Writes | None = None

    async def created(self) -> list[Written]:
        """Resources that were created and not changed.

        Raises:
            Inconclusive: ordinary creates are not accepted; other checks test that.
            NoReply: none was answered.
        """
        return (await self._made()).created

    async def updated(self) -> list[Written]:
        """Resources that were created and then updated once. Raises Inconclusive as ``created`` does."""
        return _some((await self._made()), "updated")

    async def updated_often(self) -> list[Written]:
        """Resources that were updated many times, one after the other or at once. Raises Inconclusive as ``created``.

        There may be none.
        """
        writes = await self._made()
        return [*writes.often, *writes.raced]

    async def deleted(self) -> list[Written]:
        """Resources that were created and then deleted. Raises Inconclusive as ``created`` does."""
        return _some((await self._made()), "deleted")

    async def repeated(self) -> list[Repeated]:
        """Creates that were sent twice with one Idempotency-Key. Raises Inconclusive as ``created`` does."""
        return (await self._made()).repeated

    async def read_at_once(self) -> list[tuple[Written, Reply]]:
        """The reads that were sent as soon as a create, update or delete was answered, with what was written.

        Raises:
            Inconclusive: as ``created`` does.
        """
        return (await self._made()).read_at_once

    async def answers(self) -> list[tuple[str, Reply]]:
        """Each ordinary create, update and delete that its sender may make, with its answer.

        Raises:
            NoReply: none was answered.
        """
        try:
            writes = await self._made()
        except Inconclusive:
            writes = self._writes or _Writes()
        return writes.answers

    async def all(self) -> list[Written]:
        """All resources of it. Raises Inconclusive as ``created`` does."""
        writes = await self._made()
        repeated = (self._written(replies) for one in writes.repeated for replies in one.replies)
        once = {one.id: one for one in repeated if one is not None}
        often = [*writes.often, *writes.raced]
        return [*writes.created, *writes.updated, *writes.deleted, *often, *once.values()]

    async def _made(self) -> _Writes:
        async with self._lock:
            if self._writes is None:
                writes = _Writes()
                await asyncio.gather(*(self._make(group, writes) for group in self._groups))
                self._writes = writes
        return _some_created(self._writes)

    async def _make(self, group: str, writes: _Writes) -> None:
        target = self._target_of(group)
        few = {"often": _OFTEN, "raced": _RACES}
        left = iter(range(min(self._size(), few.get(group, _EACH))))
        until = time.perf_counter() + 2 * _WITHIN_S
        makers = {"repeated": self._repeated, "often": self._often, "raced": self._raced}
        make = makers.get(group, self._once)

        async def sender() -> None:
            for number in left:
                if time.perf_counter() > until:
                    return
                try:
                    await make(target, group, number, writes)
                except NoReply as error:
                    writes.unanswered = writes.unanswered or error

        await asyncio.gather(*(sender() for _ in range(_AT_ONCE)))

    def _size(self) -> int:
        if self._limits is None:
            return _EACH
        allowed = self._limits.burst * _USED_RATIO + self._limits.rate_per_s * _USED_RATIO * _WITHIN_S
        return max(min(_EACH, int(allowed / _REQUESTS_OF_ONE)), 1)

    async def _once(self, target: HttpTarget, group: str, number: int, writes: _Writes) -> None:
        written = await self._created(target, number, writes)
        if written is None:
            return
        if group == "created":
            writes.created.append(written)
        elif not written.url:
            return  # the checks of Location say why
        else:
            is_update = group == "updated"
            if not is_update and self._updates and number % _CHANGED_FIRST == 1:
                # What forgets a resource at its delete may forget only one that was not changed.
                await self._updated(target, written, number)
            change = await (self._updated(target, written, number) if is_update else target.delete(written.url))
            what = "an update" if is_update else "a delete"
            writes.answers.append((what, change))
            if not change.accepted:
                writes.unexpected.setdefault(group, f"{what} was answered with {change.status}")
                return
            (writes.updated if is_update else writes.deleted).append(written)
        if written.url:
            # Without any pause: where the commit comes after the reply, there are milliseconds to see it.
            seen = await target.read(written.url, may_be_lost=True, paced=False)
            if not target.puts_off(seen):
                writes.read_at_once.append((written, seen))

    async def _created(self, target: HttpTarget, number: int, writes: _Writes) -> Written | None:
        reply = await target.create(target.contract.varied(number) if self._varies else None)
        if reply.status in {400, 422} and self._varies and not target.contract.is_default:
            self._varies = False  # a bound that the schema does not tell: other checks look for those
            reply = await target.create()
        writes.answers.append(("a create", reply))
        written = self._written(reply)
        if written is None:
            writes.unexpected.setdefault("created", f"an ordinary create was answered with {reply.status}")
        return written

    async def _repeated(self, target: HttpTarget, _: str, number: int, writes: _Writes) -> None:
        """One key, and the same body: half of them at the same time, and half one after the other.

        Between two of those there is an update each second time.
        """
        body = target.contract.varied(number) if target.contract.is_default else target.contract.document()
        headers = {_KEY: nonce()}
        is_at_once = number % 2 == 1
        if is_at_once:
            hold = Together(2)
            replies = await asyncio.gather(*(target.create(body, headers=headers, hold=hold) for _ in range(2)))
        else:
            replies = [await target.create(body, headers=headers)]
            written = self._written(replies[0])
            if number % 4 == 2 and self._updates and written is not None and written.url:
                # The reply is the first one still, and nothing of it may come back.
                await self._updated(target, written, number)
            replies.append(await target.create(body, headers=headers))
        writes.repeated.append(Repeated((replies[0], replies[1]), is_at_once, body, headers[_KEY]))

    async def _often(self, target: HttpTarget, group: str, number: int, writes: _Writes) -> None:
        """Update one resource many times. Where our own contract is promised, all of it under one request id."""
        del group, number
        headers = self._one_request if target.contract.is_default else {}
        made = await target.create(headers=headers)
        written = self._written(made)
        if written is None or not written.url:
            return  # the other groups say why
        before = made
        for turn in range(min(_UPDATES, self._size())):
            before = await self._updated(target, written, 4 * turn + _ORDINARY, before, headers)
            if not before.accepted:
                return
        writes.often.append(written)

    async def _raced(self, target: HttpTarget, _: str, number: int, writes: _Writes) -> None:
        """Update one version several times at once."""
        del number
        written = self._written(made := await target.create())
        condition = made.if_match
        if written is None or not written.url or not condition:
            return
        hold = Together(_RACERS)
        bodies = [target.contract.document() for _ in range(_RACERS)]
        await asyncio.gather(
            *(target.update(written.url, body, headers=condition, hold=hold) for body in bodies),
            return_exceptions=True,
        )
        writes.raced.append(written)

    def _written(self, reply: Reply) -> Written | None:
        shown = (reply.document or {}).get(self._id_field) if reply.accepted else None
        return self._record.resources.get(str(shown)) if shown is not None else None

    async def _updated(
        self,
        target: HttpTarget,
        written: Written,
        number: int,
        before: Reply | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        # Other values than those of the create, so that a part that is not written shows.
        body = target.contract.varied(number + 1) if target.contract.is_default else target.contract.document()
        if target.contract.is_default and written.sent is not None:
            body = _partly_changed(body, written.sent, number, target.contract.fields.name)
        current = (before or written.reply).if_match
        if self._versions and number // 4 % 2 == 1:
            headers = {**(headers or {}), **current}  # what names a version may take another way
        reply = await target.update(written.url, body, headers=headers)
        if reply.status == 428 and current:  # RFC 6585 §3: a version must be named
            reply = await target.update(written.url, body, headers={**(headers or {}), **current})
        return reply


def _partly_changed(body: dict[str, Any], sent: Mapping[str, Any], number: int, name: str) -> dict[str, Any]:
    """The body of an update that leaves some fields as they are: what it changes depends on the number."""
    kind, turn = number % 4, number // 4
    if kind == _SPACED:
        return {**body, name: f" {body[name]} "}
    if kind == _EQUAL:
        return dict(sent)
    changed = [field for field in body if body[field] != sent.get(field)]
    if kind == _ONE_FIELD and changed:
        # A version, a cache or an index may depend on one field only.
        field = changed[turn % len(changed)]
        return {**sent, field: body[field]}
    return body


def _some_created(writes: _Writes) -> _Writes:
    if writes.created:
        return writes
    if writes.unanswered is not None:
        raise writes.unanswered
    raise Inconclusive(writes.unexpected.get("created", "no ordinary create was made"))


def _some(writes: _Writes, group: str) -> list[Written]:
    found: list[Written] = getattr(writes, group)
    if not found:
        raise Inconclusive(writes.unexpected.get(group, f"no resource was {group}"))
    return found
