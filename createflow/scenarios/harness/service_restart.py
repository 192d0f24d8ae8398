"""One restart of the services, with what must survive it: shared by the checks that ask for it.

The cache does not answer meanwhile and the replicas lag, where the profile says how: then nothing but the primary knows
what was written last.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.target.contract import nonce
from createflow.scenarios.target.http_client import NoReply
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.target.probes import Faults
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.write_record import WriteRecord, Written
from createflow.schemas.profile_target import Target

_EACH = 6
_ACCEPTED_IN_A_ROW = 4
"""Behind a balancer, one instance may have recovered while another still refuses."""
_KEY = "idempotency-key"


@dataclass(slots=True)
class Survivors:
    """What was written before the services were killed."""

    changed: list[Written] = field(default_factory=list)
    """Resources that were read, so that a cache may hold them, and then updated."""
    reads: list[tuple[Written, Reply]] = field(default_factory=list)
    """The first read of each of them after the restart."""
    keyed: list[tuple[Reply, Reply]] = field(default_factory=list)
    """Creates with an Idempotency-Key: the reply before the restart, and that to the same request after it."""
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    """What they sent."""


class ServiceRestart:
    """Made when the first check asks for it.

    Args:
        record: of the run.
        target_of: a target with a writer of its own, by name.
        promised: what else than creates the target has.
        recovery_s: how long creates may be refused afterwards.
    """

    def __init__(
        self,
        record: WriteRecord,
        target_of: Callable[[str], HttpTarget],
        *,
        promised: Target,
        recovery_s: float,
    ) -> None:
        self._record = record
        self._target_of = target_of
        self._promised = promised
        self._recovery_s = recovery_s
        self._lock = asyncio.Lock()
        self._survivors: Survivors | None = None

    async def survivors(self, faults: Faults) -> Survivors:
        """What was written before the restart, and what was answered after it.

        Raises:
            Inconclusive: ordinary creates are not accepted, before or after it.
            NotDeclared: the profile does not say how the services are killed.
        """
        async with self._lock:
            if self._survivors is None:
                self._survivors = await self._restarted(self._target_of("restart"), faults)
        return self._survivors

    async def _restarted(self, target: HttpTarget, faults: Faults) -> Survivors:
        found = Survivors()
        keys: list[str] = []
        if self._promised.idempotency:
            found.bodies = [target.contract.document() for _ in range(_EACH)]
            keys = [nonce() for _ in found.bodies]
        first = [await target.create(body, headers={_KEY: key}) for body, key in zip(found.bodies, keys, strict=True)]
        made = [await target.create() for _ in range(_EACH)] if self._promised.update else []
        if not all(reply.accepted for reply in (*first, *made)):
            raise Inconclusive("an ordinary create was not accepted")
        for reply in made:
            await target.read(target.url_of(reply), may_be_lost=True)
        async with AsyncExitStack() as outage:
            with suppress(NotDeclared):
                await outage.enter_async_context(faults.injected("replica_lags"))
            for reply in made:
                changed = await self._updated(target, reply)
                if changed is not None:
                    found.changed.append(changed)
            async with faults.injected("service_down"):
                pass
            await self._recovered(target)
            found.reads = [(one, await target.read(one.url, may_be_lost=True)) for one in found.changed]
        again = [await target.create(body, headers={_KEY: key}) for body, key in zip(found.bodies, keys, strict=True)]
        found.keyed = list(zip(first, again, strict=True))
        return found

    async def _updated(self, target: HttpTarget, made: Reply) -> Written | None:
        shown = (made.document or {}).get(target.contract.fields.id)
        written = self._record.resources.get(str(shown))
        if written is None or not written.url:
            return None  # the checks of Location say why
        condition = made.if_match if self._promised.conditional_updates else {}
        reply = await target.update(written.url, target.contract.document(), headers=condition)
        return written if reply.accepted else None

    async def _recovered(self, target: HttpTarget) -> None:
        async def attempt() -> str:
            for _ in range(_ACCEPTED_IN_A_ROW):
                try:
                    reply = await target.create()
                except NoReply as error:
                    return str(error)
                if not reply.accepted:
                    return f"answered with {reply.status}"
            return ""

        problem, _ = await eventually(attempt, lambda text: not text, within_s=self._recovery_s)
        if problem:
            raise Inconclusive(f"no create is accepted after the services were started again: {problem}")
