"""One outage of everything behind the balancer but the primary, shared by the checks that ask what survives it.

The services and the broker are killed while creates are on their way. The cache does not answer meanwhile and the
replicas lag: nothing but the primary knows what was written last. Each of it where the profile says how.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from createflow.scenarios.bodies.markers import nonce
from createflow.scenarios.harness.in_flight import Sent, creating
from createflow.scenarios.harness.recovery import wait_for_recovery
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.target.http_client import NoReply
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.target.probes import Faults
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.write_record import WriteRecord, Written
from createflow.schemas.profile import FaultName
from createflow.schemas.profile_target import Target

_EACH = 6
_KILLED: tuple[FaultName, ...] = ("events_down", "service_down")
"""The broker first: what the services have committed by then is on its way to it."""
_KEY = "idempotency-key"


@dataclass(slots=True)
class Survivors:
    """What was written before the kill."""

    changed: list[Written] = field(default_factory=list)
    """Resources that were read, so that a cache may hold them, and then updated."""
    reads: list[tuple[Written, Reply]] = field(default_factory=list)
    """The first read of each of them after the kill."""
    keyed: list[tuple[Reply, Reply]] = field(default_factory=list)
    """Creates with an Idempotency-Key: the reply before the kill, and that to the same request after it."""
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    """What they sent."""
    in_flight: list[Sent] = field(default_factory=list)
    """The creates that were sent until the kill."""


class Outage:
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
        """What was written before the kill, and what was answered after it.

        Raises:
            Inconclusive: ordinary creates are not accepted, before or after it.
        """
        async with self._lock:
            if self._survivors is None:
                self._survivors = await self._restarted(self._target_of("outage"), faults)
        return self._survivors

    async def _restarted(self, target: HttpTarget, faults: Faults) -> Survivors:
        found = Survivors()
        keys: list[str] = []
        if self._promised.idempotency:
            found.bodies = [target.contract.document() for _ in range(_EACH)]
            keys = [nonce() for _ in found.bodies]
        first = await _keyed(target, found.bodies, keys)
        count = _EACH if self._promised.update else 0
        made = await asyncio.gather(*(target.create() for _ in range(count)))
        if not all(reply.accepted for reply in (*first, *made)):
            raise Inconclusive("an ordinary create was not accepted")
        await asyncio.gather(*(target.read(target.url_of(reply), may_be_lost=True) for reply in made))
        async with AsyncExitStack() as outage:
            with suppress(NotDeclared):
                await outage.enter_async_context(faults.injected("replica_lags"))
            updated = await asyncio.gather(*(self._updated(target, reply) for reply in made))
            found.changed = [one for one in updated if one is not None]
            async with creating(target) as found.in_flight:
                async with AsyncExitStack() as killed:
                    for name in _KILLED:
                        with suppress(NotDeclared):
                            await killed.enter_async_context(faults.injected(name))
                # Beside the creates that the kill has left without a reply: some targets answer them late.
                last, has_recovered = await wait_for_recovery(target, within_s=self._recovery_s)
                if not has_recovered:
                    raise Inconclusive(f"no create is accepted after the outage: {last}")
                reads = await asyncio.gather(*(target.read(one.url, may_be_lost=True) for one in found.changed))
            found.reads = list(zip(found.changed, reads, strict=True))
        again = await asyncio.gather(
            *(self._again(target, body, key) for body, key in zip(found.bodies, keys, strict=True))
        )
        found.keyed = [(one, other) for one, other in zip(first, again, strict=True) if other is not None]
        return found

    async def _again(self, target: HttpTarget, body: Mapping[str, Any], key: str) -> Reply | None:
        """The reply to the repeated create. Some instance may still be busy with the outage, so it is sent until then.

        A client would do the same, and none of its attempts may create another resource.
        """

        async def attempt() -> Reply | None:
            try:
                return await target.create(body, headers={_KEY: key})
            except NoReply:
                return None

        reply, _ = await eventually(
            attempt, lambda last: last is not None and last.status < 500, within_s=self._recovery_s
        )
        return reply

    async def _updated(self, target: HttpTarget, made: Reply) -> Written | None:
        shown = (made.document or {}).get(target.contract.fields.id)
        written = self._record.resources.get(str(shown))
        if written is None or not written.url:
            return None  # the checks of Location say why
        condition = made.if_match if self._promised.conditional_updates else {}
        reply = await target.update(written.url, target.contract.document(), headers=condition)
        return written if reply.accepted else None


async def _keyed(target: HttpTarget, bodies: list[Mapping[str, Any]], keys: list[str]) -> list[Reply]:
    pairs = zip(bodies, keys, strict=True)
    return await asyncio.gather(*(target.create(body, headers={_KEY: key}) for body, key in pairs))
