"""Copies of what a run wrote: what each store must show of a resource, and from when on."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.expect import expect
from createflow.scenarios.sinks import copy_problem
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import Cache, Primary, Row
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.write_record import WriteRecord, Written
from createflow.scenarios.text.printable import cut

_AT_ONCE = 8
_MOST = 500
_NO_VALUES: tuple[Any, ...] = (None, "", [], {})

Problem = Callable[[Written], Awaitable[str]]
"""What is wrong with the copy of a resource; empty when nothing is."""


async def settled(written: Iterable[Written], problem: Problem, *, within_s: float) -> list[tuple[Written, str]]:
    """What is wrong with each copy, once it is right or so long after the last write that it must be."""
    left = iter(written)
    ended: list[tuple[Written, str]] = []

    async def looker() -> None:
        for one in left:
            remaining_s = max(one.last_write_at + within_s - time.time(), 0.0)
            found, _ = await eventually(partial(problem, one), lambda text: not text, within_s=remaining_s)
            ended.append((one, found))

    await all_of(looker() for _ in range(_AT_ONCE))
    return ended


async def all_of(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run them at once until each has ended, and then raise the first error: nothing goes on after the check."""
    for result in await asyncio.gather(*coroutines, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


async def compare_all(written: Iterable[Written], problem: Problem, comparison: Comparison, *, within_s: float) -> None:
    """Compare the copy of each resource, as ``settled`` finds it."""
    for one, found in await settled(written, problem, within_s=within_s):
        _add(comparison, one, found)


def _add(comparison: Comparison, one: Written, found: str) -> None:
    replies = [one.reply, *(changed.reply for changed in one.changes if changed.reply is not None)]
    comparison.add(f"id {cut(one.id)} {found}" if found else "", replies[0], *replies[1:][-1:])


@dataclass(slots=True)
class JsonCopies:
    """The copies of resources in a store that holds JSON: indexed documents, cached values.

    Such a store need not hold every field. A field that it holds of one resource it must hold of every other; where our
    own contract is not promised, one without a value may be left out.

    Args:
        read: the copy of a resource by id; ``None`` when there is none.
        absent: the problem when there is none; empty when that is allowed.
        primary: whose own faults are not the store's, where it is configured.
        contract: of the target.
        whole: each copy has every field.
    """

    read: Callable[[str], Awaitable[Row | None]]
    absent: str
    primary: Primary | None
    contract: Contract
    whole: bool = False
    is_read: bool = False
    """Reads are served from it."""
    seen: int = 0
    """How many copies there were."""
    _held: set[str] = field(default_factory=set)
    _last: dict[str, Row | None] = field(default_factory=dict)

    async def compare(self, written: Sequence[Written], comparison: Comparison, *, within_s: float) -> None:
        """Compare each copy once it is right, or so long after the last write that it must be."""
        first = await settled(written, self._problem, within_s=within_s)
        # Only now it is known which fields the store holds.
        again = await settled([one for one, found in first if not found], self._lack, within_s=within_s)
        for one, found in [*(ended for ended in first if ended[1]), *again]:
            _add(comparison, one, found)

    async def _problem(self, one: Written) -> str:
        copy = self._last[one.id] = await self.read(one.id)
        if copy is not None:
            self.seen += 1
            self._held |= copy.keys()
        found = json_problem(one, copy, self.absent, self.contract, whole=self.whole)
        if found and copy is not None and self.is_read and one.states() != [None]:
            found += before_last_write(one, copy) or copy_problem.AS_CACHED
        return await unless_primarys_fault(found, one, self.primary, self.contract)

    async def _lack(self, one: Written) -> str:
        """Which field it has not, though others have."""
        states = [state for state in one.states() if state is not None]
        if len(states) != 1:
            return ""
        copy = self._last.pop(one.id) if one.id in self._last else await self.read(one.id)
        if copy is None:
            return ""
        may_lack = () if self.contract.is_promised else _NO_VALUES
        wanted = [name for name, value in states[0].items() if name in self._held and value not in may_lack]
        lacking = [name for name in wanted if name not in copy]
        return f"has no {lacking[0]}, which others have" if lacking else ""


async def compare_spread(
    record: WriteRecord,
    compare: Callable[[list[Written]], Awaitable[None]],
    comparison: Comparison,
    *,
    most: int = _MOST,
) -> None:
    """Compare at most so many of a run's resources, and say in the power how many of all they are.

    Those that were changed come first, and the others evenly over the whole run.
    """
    certain = record.certain()
    changed = [one for one in certain if one.changes][:most]
    others = [one for one in certain if not one.changes]
    step = -(-len(others) // max(most - len(changed), 1)) or 1
    looked = [*changed, *others[::step]]
    await compare(looked)
    if len(looked) < len(certain):
        comparison.note(f"{len(looked)} of the run's {len(certain)} resources were looked at")


async def expect_caught_up(target: Target, cache: Cache, written: Written) -> None:
    """Require that the cache holds no older version of a resource some time after it answers again.

    The resource is not read before: that would fill the cache.
    """

    async def problem() -> str:
        return json_problem(written, await cache.value(written.id), "", target.contract)

    found, _ = await eventually(problem, lambda text: not text, within_s=target.deadlines.recovery_s)
    expect(not found, "what was last written in the cache after its outage, or no value", f"id {written.id} {found}")


def row_problem(written: Written, rows: Sequence[Row], contract: Contract) -> str:
    """What is wrong with the rows of a resource."""
    states = written.states()
    if not rows:
        return "" if None in states else "has no row"
    if len(rows) > 1:
        return f"has {len(rows)} rows"
    if states == [None]:
        return "still has a row after its delete"
    return _nearest(
        [copy_problem.row_state_problem(state, rows[0], contract.fields.name) for state in states if state is not None]
    )


def json_problem(written: Written, copy: Row | None, absent: str, contract: Contract, *, whole: bool = False) -> str:
    """What is wrong with a copy that is JSON: an indexed document, a cached value.

    Args:
        written: the resource.
        copy: what the store shows; ``None`` for nothing.
        absent: the problem when it shows nothing; empty when that is allowed.
        contract: of the target.
        whole: it must show every field.
    """
    states = written.states()
    if copy is None:
        return "" if None in states else absent
    if states == [None]:
        return "is still there after its delete"
    return _nearest([json_state_problem(state, copy, contract, whole=whole) for state in states if state is not None])


def json_state_problem(state: Mapping[str, Any], copy: Row, contract: Contract, *, whole: bool = False) -> str:
    """In which fields a copy that is JSON differs from a state; a store need not hold every field, unless ``whole``."""
    return copy_problem.json_state_problem(state, copy, contract.fields.name, whole=whole)


async def unless_primarys_fault(found: str, written: Written, primary: Primary | None, contract: Contract) -> str:
    """The problem with a copy, unless the primary's own row is wrong: then the checks of the primary report it.

    Args:
        found: the problem; empty for none.
        written: the resource.
        primary: to look up the row, where it is configured.
        contract: of the target.
    """
    if not found or primary is None:
        return found
    return "" if row_problem(written, await primary.by_id(written.id), contract) else found


async def unless_never_written(found: str, written: Written, primary: Primary | None) -> str:
    """What is wrong with the trace of a create, unless the primary has no row of it: then there was none to trace."""
    is_there = not found or primary is None or None in written.states() or await primary.by_id(written.id)
    return found if is_there else ""


def before_last_write(written: Written, copy: Row | None) -> str:
    """What a problem ends with when the copy is that before the last write; empty when it is not."""
    return copy_problem.BEFORE_LAST_WRITE if copy and written.is_before_last_write(copy) else ""


def is_storable(text: str) -> bool:
    """Whether databases can be asked for a text: one with NUL or half of a surrogate pair is none to them."""
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text)


def _nearest(problems: list[str]) -> str:
    return "" if "" in problems else min(problems, key=len)
