"""The sample of a run: ordinary creates, updates and deletes, enough of them to see a defect that hits one in ten.

All checks of one run share it, so that each of them sees many writes for the price of few.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.target.http_client import NoReply
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.write_record import WriteRecord, Written
from createflow.schemas.profile import Limits

_CREATED = 60
_CHANGED = 44
"""A defect of one write in ten is among so many with a probability of 99 %: ln(1 - 0.99) / ln(1 - 0.1)."""
_AT_ONCE = 12
_WITHIN_S = 5.0
"""So much of the promised rate is used, and afterwards no new write is begun."""
_USED_RATIO = 0.8


@dataclass(slots=True)
class _Writes:
    created: list[Written] = field(default_factory=list)
    updated: list[Written] = field(default_factory=list)
    deleted: list[Written] = field(default_factory=list)
    read_at_once: int = 0
    lost_at_once: list[Written] = field(default_factory=list)
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
        updates: the target has updates.
        deletes: the target has deletes.
    """

    def __init__(
        self,
        record: WriteRecord,
        target_of: Callable[[str], HttpTarget],
        *,
        limits: Limits | None,
        updates: bool,
        deletes: bool,
    ) -> None:
        self._record = record
        self._target_of = target_of
        self._limits = limits
        self._groups = ["created", *(["updated"] if updates else []), *(["deleted"] if deletes else [])]
        self._varies = True
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

    async def deleted(self) -> list[Written]:
        """Resources that were created and then deleted. Raises Inconclusive as ``created`` does."""
        return _some((await self._made()), "deleted")

    async def read_at_once(self) -> tuple[int, list[Written]]:
        """How many resources were read at once after their create, and those that were not found then.

        Raises:
            Inconclusive: as ``created`` does.
        """
        writes = await self._made()
        return writes.read_at_once, writes.lost_at_once

    async def all(self) -> list[Written]:
        """All of them. Raises Inconclusive as ``created`` does."""
        writes = await self._made()
        return [*writes.created, *writes.updated, *writes.deleted]

    async def _made(self) -> _Writes:
        async with self._lock:
            if self._writes is None:
                writes = _Writes()
                await asyncio.gather(*(self._make(group, writes) for group in self._groups))
                self._writes = writes
        return _some_created(self._writes)

    async def _make(self, group: str, writes: _Writes) -> None:
        target = self._target_of(group)
        left = iter(range(self._size(_CREATED if group == "created" else _CHANGED)))
        until = time.perf_counter() + 2 * _WITHIN_S

        async def sender() -> None:
            for number in left:
                if time.perf_counter() > until:
                    return
                await self._one(target, group, number, writes)

        await asyncio.gather(*(sender() for _ in range(_AT_ONCE)))

    def _size(self, wanted: int) -> int:
        if self._limits is None:
            return wanted
        requests = 2
        allowed = self._limits.burst * _USED_RATIO + self._limits.rate_per_s * _USED_RATIO * _WITHIN_S
        return max(min(wanted, int(allowed / requests)), 1)

    async def _one(self, target: HttpTarget, group: str, number: int, writes: _Writes) -> None:
        try:
            reply = await target.create(target.contract.varied(number) if self._varies else None)
            if reply.status in {400, 422} and self._varies and not target.contract.is_default:
                self._varies = False  # a bound that the schema does not tell: other checks look for those
                reply = await target.create()
            shown = (reply.document or {}).get(target.contract.fields.id) if reply.accepted else None
            written = self._record.resources.get(str(shown)) if shown is not None else None
            if written is None:
                writes.unexpected.setdefault("created", f"an ordinary create was answered with {reply.status}")
                return
            if group == "created":
                writes.created.append(written)
                await self._read_at_once(target, written, writes)
                return
            change = await (
                self._updated(target, written, number) if group == "updated" else target.delete(written.url)
            )
            if change.accepted:
                (writes.updated if group == "updated" else writes.deleted).append(written)
            else:
                what = "an update" if group == "updated" else "a delete"
                writes.unexpected.setdefault(group, f"{what} was answered with {change.status}")
        except NoReply as error:
            writes.unanswered = writes.unanswered or error

    @staticmethod
    async def _read_at_once(target: HttpTarget, written: Written, writes: _Writes) -> None:
        """Read without any pause: where the commit comes after the reply, there are milliseconds to see it."""
        if not written.url:
            return
        reply = await target.read(written.url, may_be_lost=True, paced=False)
        writes.read_at_once += 1
        if reply.status in {404, 410}:
            writes.lost_at_once.append(written)

    @staticmethod
    async def _updated(target: HttpTarget, written: Written, number: int) -> Reply:
        # Other values than those of the create, so that a part that is not written shows.
        body = target.contract.varied(number + 1) if target.contract.is_default else target.contract.document()
        reply = await target.update(written.url, body)
        etag = written.reply.headers.get("etag")
        if reply.status == 428 and etag is not None:  # RFC 6585 §3: a version must be named
            reply = await target.update(written.url, body, headers={"if-match": etag})
        return reply


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
