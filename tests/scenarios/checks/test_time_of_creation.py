"""The time of every create is compared, with the target's clock and with the other creates."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from createflow.scenarios.checks.api.response.reply import created_at_is_now
from createflow.scenarios.outcome import Expectation
from createflow.scenarios.target.reply import Reply
from tests.scenarios.checks.all_writes import SmallRun
from tests.scenarios.checks.memory_target import MemoryTarget

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()


class Clocked(MemoryTarget):
    """Shows when it created; ``off_s`` is by how much its clock is wrong, and ``dates`` whether it sends Date."""

    off_s = 0.0
    dates = True

    async def create(self, body: Mapping[str, Any] | None = None, **_: Any) -> Reply:
        """At NOW by the tester's clock."""
        sent = {**(body or self.contract.document()), "created_at": text(NOW + self.off_s)}
        made = await MemoryTarget.create(self, sent)
        return dated(made, NOW + self.off_s if self.dates else None)


def text(moment: float) -> str:
    """As RFC 3339 has it."""
    return datetime.fromtimestamp(moment, UTC).isoformat()


def dated(reply: Reply, moment: float | None) -> Reply:
    """The reply as received at NOW."""
    headers = {} if moment is None else {"date": format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True)}
    return replace(reply, headers={**reply.headers, **headers}, received_at=NOW)


def run_of(*times: tuple[float, float | None]) -> SmallRun:
    """Resources with these times of creation and Dates, by how far they are from NOW."""
    run = SmallRun()
    for written, (made_s, date_s) in zip(run.record.resources.values(), times, strict=False):
        written.shown = {**written.shown, "created_at": text(NOW + made_s)}
        written.reply = dated(written.reply, None if date_s is None else NOW + date_s)
    for written in [*run.record.resources.values()][len(times) :]:
        written.shown = {"id": written.id}
    return run


@pytest.mark.parametrize(
    ("off_s", "times"),
    [
        (0.0, [(0.0, 0.0), (-1.0, 0.0)]),
        (3600.0, [(3600.0, 3600.0), (3599.5, 3600.0)]),
        (0.0, [(0.0, -4.0)]),
    ],
    ids=["right", "another clock than ours", "a Date of a busy server, some seconds old"],
)
async def test_a_clock_of_its_own_is_right(off_s: float, times: list[tuple[float, float | None]]) -> None:
    """Also where it differs from ours."""
    target = Clocked()
    target.off_s = off_s
    assert await created_at_is_now.function(target=target, sample=run_of(*times))


@pytest.mark.parametrize("dates", [True, False], ids=["with Date", "without Date"])
@pytest.mark.parametrize("off_s", [-12.0, 12.0, -7200.0])
async def test_one_create_with_the_time_of_another_clock_is_told(off_s: float, dates: bool) -> None:  # noqa: FBT001
    """As one of several servers may have."""
    target = Clocked()
    target.dates = dates
    date_s = 0.0 if dates else None
    with pytest.raises(Expectation) as accused:
        await created_at_is_now.function(target=target, sample=run_of((0.0, date_s), (off_s, date_s)))
    assert accused.value.seen.startswith("1 of 3 creates")
