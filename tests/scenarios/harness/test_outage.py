"""One outage serves every check that asks what survives it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from createflow.scenarios.harness.outage import Outage
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.target.principal import ANONYMOUS
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.write_record import WriteRecord, Written
from createflow.schemas.profile_target import Target
from tests.scenarios.checks.memory_target import MemoryTarget, reply

pytestmark = pytest.mark.anyio


@dataclass
class _Faults:
    """Notes what is injected and healed, and what each request was answered meanwhile."""

    declared: set[str]
    log: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def injected(self, *names: str) -> AsyncIterator[None]:
        (name,) = names
        if name not in self.declared:
            raise NotDeclared(name)
        self.log.append(f"+{name}")
        yield
        self.log.append(f"-{name}")


def _outage(faults: _Faults, *, refused: bool = False, busy: int = 0) -> Outage:
    record = WriteRecord("run")
    refusals = iter(range(busy))

    def note(method: str, url: str, honest: Reply) -> Reply:
        faults.log.append(method)
        if method == "POST" and honest.document is not None:
            shown = honest.document
            record.resources[shown["id"]] = Written(shown["id"], f"/r/{shown['id']}", ANONYMOUS, {}, shown, honest, "c")
        after = "-service_down" in faults.log
        is_last = "-replica_lags" in faults.log and method == "POST" and next(refusals, None) is not None
        return reply(503) if (refused and after and url) or is_last else honest

    promised = Target.model_validate({"base_url": "http://x", "update": True, "idempotency": True})
    target = cast("HttpTarget", MemoryTarget(bend=note))
    return Outage(record, lambda _: target, promised=promised, recovery_s=0.05)


async def test_the_services_are_killed_once_and_in_the_outage_of_the_cache() -> None:
    """The updates are made in it, and the reads too: only the primary knows what was written last."""
    faults = _Faults({"service_down", "replica_lags", "events_down"})
    outage = _outage(faults)
    first, second = await asyncio.gather(*(outage.survivors(faults) for _ in range(2)))  # type: ignore[arg-type]
    assert first is second
    told = [entry for entry in faults.log if entry[0] in "+-"]
    assert told == ["+replica_lags", "+events_down", "+service_down", "-service_down", "-events_down", "-replica_lags"]
    during = faults.log[faults.log.index("+replica_lags") : faults.log.index("-replica_lags")]
    assert during.count("PUT") == len(first.changed) == len(first.reads) == during.count("GET")
    assert len(first.keyed) == len(first.bodies)
    assert first.changed
    assert len(first.in_flight) >= 16
    assert all(one.is_accepted for one in first.in_flight)


async def test_a_restart_is_enough() -> None:
    """Not every profile says how replicas lag."""
    faults = _Faults({"service_down"})
    found = await _outage(faults).survivors(faults)  # type: ignore[arg-type]
    assert found.reads


async def test_without_a_recovery_nothing_is_known() -> None:
    """Another check reports that creates are refused."""
    faults = _Faults({"service_down"})
    with pytest.raises(Inconclusive, match="after the outage: answered with 503"):
        await _outage(faults, refused=True).survivors(faults)  # type: ignore[arg-type]


async def test_a_repeated_create_that_meets_a_busy_instance_is_sent_again() -> None:
    """Each key has an answer that says something."""
    faults = _Faults({"service_down", "replica_lags"})
    found = await _outage(faults, busy=4).survivors(faults)  # type: ignore[arg-type]
    assert [again.status for _, again in found.keyed] == [201] * len(found.bodies)
