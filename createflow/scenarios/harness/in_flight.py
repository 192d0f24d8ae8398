"""Creates that are on their way while a fault comes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.target.http_client import NoReply
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.reply import Reply

_SENDERS = 8
_EACH_MAX = 100
_BEFORE = 16
"""So many are accepted before the fault comes."""
_BEFORE_WITHIN_S = 5.0


@dataclass(slots=True)
class Sent:
    """A create and its reply, if one came."""

    body: Mapping[str, Any]
    reply: Reply | None

    @property
    def is_accepted(self) -> bool:
        """Whether it was answered with success."""
        return self.reply is not None and self.reply.accepted

    @property
    def replies(self) -> tuple[Reply, ...]:
        """The reply, for a report."""
        return () if self.reply is None else (self.reply,)

    @property
    def answer(self) -> str:
        """How it was answered, in words."""
        return "had no reply" if self.reply is None else f"was answered with {self.reply.status}"


@dataclass(slots=True)
class _Senders:
    target: Target
    sent: list[Sent] = field(default_factory=list)
    is_over: bool = False

    async def send(self) -> None:
        """Create until something goes wrong, or the block is over."""
        for _ in range(_EACH_MAX):
            one = Sent(self.target.contract.document(), None)
            with suppress(NoReply):
                one.reply = await self.target.create(one.body)
            self.sent.append(one)
            if self.is_over or not one.is_accepted:
                return


@asynccontextmanager
async def creating(target: Target) -> AsyncIterator[list[Sent]]:
    """Send creates, several at a time, through the whole block; the list is complete after it.

    The block begins when some have been accepted. A sender ends with the first create that is not accepted.

    Raises:
        Inconclusive: ordinary creates are not accepted.
    """
    senders = _Senders(target)
    tasks = [asyncio.create_task(senders.send()) for _ in range(_SENDERS)]

    async def accepted() -> int:
        return sum(one.is_accepted for one in senders.sent)

    try:
        count, _ = await eventually(accepted, lambda found: found >= _BEFORE, within_s=_BEFORE_WITHIN_S)
        if not count:
            raise Inconclusive("no ordinary create is accepted")
        yield senders.sent
    finally:
        senders.is_over = True
        await asyncio.gather(*tasks)
