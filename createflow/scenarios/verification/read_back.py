"""Reads creates back through the API, where no sink can be searched: the only look that every target allows.

It shows that a write is there and what it shows. It says nothing of stores, events and audit trail, and it cannot find
writes that nobody was told of.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable

from createflow.scenarios.load.plan.created import CreatedRow
from createflow.scenarios.outcome import NotDeclared, Prevented
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.http_client import HttpConnection, NoReply
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.target.principal import ANONYMOUS, Principal
from createflow.scenarios.target.setup_and_cleanup import patiently, resource_named
from createflow.scenarios.verification.copy_comparison import CopyComparison
from createflow.scenarios.verification.observed import Observed, ResourceIds
from createflow.schemas.error import UserError
from createflow.schemas.load_finding import READ_BACK
from createflow.schemas.profile import Deadlines

MOST_READS = 3_000
"""Of the creates of a run; of more, a sample. A defect of one write in a thousand is in it with 95 %."""
_AT_ONCE = 16
_WITHIN_S = 60.0
"""For all first reads. What was not read by then is told as not looked at."""
_MAX_UNANSWERED = 3 * _AT_ONCE
"""Reads in a row without a reply, after which the target is not asked again."""
_GONE = frozenset({404, 410})
_UNSEEN = "what is in the stores, double writes and writes that nobody was told of: this reads through the API only"


class ReadBackSink:
    """The target itself, as its clients see it: a GET of each create by who sent it.

    Args:
        connection: to the target.
        rows: what the replies to the creates named.
        writers: arrival ``k`` was sent by number ``k % len(writers)``. Empty for an endpoint without authentication.
        ids: the resource of each arrival; filled in here.
        comparison: with what was sent; ``None`` to look for presence only.
        deadlines: how old a read may be.
        is_sample: only some creates are among the rows.
        unnamed: creates whose reply names no resource that can be read.
    """

    name = READ_BACK
    things = "resources"

    def __init__(
        self,
        connection: HttpConnection,
        rows: Iterable[CreatedRow],
        writers: tuple[Principal, ...],
        *,
        ids: ResourceIds,
        comparison: CopyComparison | None,
        deadlines: Deadlines,
        is_sample: bool,
        unnamed: int = 0,
    ) -> None:
        self.deadline_s = max(deadlines.read_s, deadlines.replica_s, deadlines.cache_s)
        self.is_sample = is_sample
        self._unnamed = unnamed
        self._connection = connection
        self._contract = Contract(connection.context.target, awaited=connection.context.variables)
        self._writers = writers
        self._comparison = comparison
        self._ids = ids
        self._observed = Observed(ids.writes)
        self._rows = {row.k: row for row in rows if row.k < len(self._observed.counts)}
        self._untold: dict[int, str] = {}
        """By arrival, why nothing can be said about it."""
        self._tried: set[int] = set()
        self._unanswered = 0
        self._until_s: float | None = None
        for row in self._rows.values():
            ids.of_arrival[row.k] = row.id or None

    @property
    def limitation(self) -> str:
        """What reading back cannot show, and what could not be read."""
        reasons = Counter(self._untold.values())
        if self._unnamed:
            reasons["their replies name no resource on the target"] += self._unnamed
        unread = [f"{count:,} creates ({reason})" for reason, count in reasons.most_common(3)]
        return "; ".join([_UNSEEN, *unread])

    async def read(self) -> Observed:
        """Read what was not there before, or not as it was sent.

        Raises:
            NotDeclared: no reply named a resource, or no read says anything.
        """
        if not self._rows:
            raise NotDeclared("no reply to a create named a resource that can be read")
        observed = self._observed
        altered = observed.altered.to_bytes(len(observed.counts), "little")
        waiting = iter([k for k in self._rows if not observed.counts[k] or altered[k]])
        self._until_s = self._until_s or time.monotonic() + _WITHIN_S

        async def read_some() -> None:
            for k in waiting:
                observed.look_again(k)
                self._untold.pop(k, None)
                await self._read_one(observed, k)

        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(read_some())
        if len(self._untold) == len(self._rows):
            reason, _ = Counter(self._untold.values()).most_common(1)[0]
            raise NotDeclared(f"reads of what was created say nothing: {reason}")
        told = bytearray(len(observed.counts))
        for k in self._rows.keys() - self._untold.keys():
            told[k] = 1
        observed.unsearchable = int.from_bytes(told.translate(bytes([1, 0]) + bytes(254)), "little")
        return observed

    async def close(self) -> None:
        """Do nothing: the connection is the run's."""

    async def _read_one(self, observed: Observed, k: int) -> None:
        who = self._writers[k % len(self._writers)] if self._writers else ANONYMOUS
        url, is_guessed = self._url(k, who)
        if k not in self._tried and time.monotonic() > (self._until_s or 0.0):
            self._untold[k] = f"not read within {_WITHIN_S:g} s"
        elif self._unanswered >= _MAX_UNANSWERED:
            self._untold[k] = "the target did not answer"
        elif not url:
            self._untold[k] = "no URL to read"
        else:
            self._tried.add(k)
            await self._look(observed, k, HttpTarget(self._connection, self._contract, who), url, is_guessed=is_guessed)

    async def _look(self, observed: Observed, k: int, target: HttpTarget, url: str, *, is_guessed: bool) -> None:
        try:
            reply = await patiently(lambda: target.send("GET", url))
        except (NoReply, Prevented, UserError) as error:
            self._unanswered += isinstance(error, NoReply)
            self._untold[k] = "no reply" if isinstance(error, NoReply) else "their URL cannot be used"
            return
        self._unanswered = 0
        if reply.accepted:
            observed.add(k)
            if self._comparison is not None and reply.representation is not None:
                self._comparison.representation(observed, k, reply.representation)
        elif reply.status not in _GONE or is_guessed:
            self._untold[k] = f"answered {reply.status}"

    def _url(self, k: int, who: Principal) -> tuple[str, bool]:
        """Where arrival ``k`` is read, and whether that is only likely."""
        row, context = self._rows[k], self._connection.context
        try:
            named = resource_named(context, row.path, row.id, who)
        except UserError:
            return "", False
        if named is not None:
            return named.url, named.is_guessed
        return (context.target.base_url.rstrip("/") + row.path if row.path else ""), True


ReadBack = Callable[[ResourceIds, CopyComparison | None], ReadBackSink]
"""Makes the sink of one verification."""
