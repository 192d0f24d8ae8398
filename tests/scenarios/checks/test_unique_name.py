"""A target that looks for a name first and takes it then is accused; one that does both at once is not."""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Any

import pytest

from createflow.scenarios.checks.business.business_logic.concurrent_writes import one_of_many_creates_of_a_name_wins
from createflow.scenarios.outcome import Expectation, Inconclusive
from createflow.scenarios.target.reply import Reply
from tests.scenarios.checks.memory_target import Copy, MemoryTarget, reply

pytestmark = pytest.mark.anyio


@dataclass
class Names(MemoryTarget):
    """Has no name twice, if it is asked ``looks`` times apart from the insert."""

    looks_first: bool = False
    one_by_one: bool = False
    conflict: int = 409

    async def create(self, body: Any = None, **_: Any) -> Reply:
        """Look, and insert."""
        sent_at = time.perf_counter()
        if self.looks_first and self._taken(body):
            return self._timed(reply(self.conflict), sent_at)
        if not self.one_by_one:
            await asyncio.sleep(0)
        if not self.looks_first and self._taken(body):
            return self._timed(reply(self.conflict), sent_at)
        return self._timed(await MemoryTarget.create(self, body), sent_at)

    def _taken(self, body: Any) -> bool:
        return body is not None and any(row["name"] == body["name"] for row in self.rows.values())

    def _timed(self, answer: Reply, sent_at: float) -> Reply:
        return replace(answer, sent_at=sent_at, received_at=time.perf_counter())


@dataclass
class Doubled(Copy):
    """A table in which every name is twice."""

    async def by_name(self, name: str) -> list[dict[str, Any]]:
        """Twice."""
        return [{"name": name}] * 2


async def _run(target: Names, primary: Copy | None = None) -> None:
    await one_of_many_creates_of_a_name_wins.function(target=target, primary=primary)


async def test_a_target_that_has_no_name_twice_passes() -> None:
    """However many ask at once; what its table shows counts as well."""
    await _run(Names())
    with pytest.raises(Expectation, match="one row of a name"):
        await _run(Names(), Doubled(lambda _: None))


async def test_a_target_that_looks_first_is_accused() -> None:
    """All of them find the name free."""
    with pytest.raises(Expectation, match="one create of a name accepted; seen 8"):
        await _run(Names(looks_first=True))


async def test_another_refusal_than_409_is_accused() -> None:
    """The database's own error, passed on."""
    with pytest.raises(Expectation, match="expected 409"):
        await _run(Names(conflict=500))


async def test_creates_that_never_met_prove_nothing() -> None:
    """One after the other, the name is free or it is not."""
    with pytest.raises(Inconclusive, match="overlapped"):
        await _run(Names(one_by_one=True))
