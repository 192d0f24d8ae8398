"""Requests that arrive together are sent together, and no answer is lost."""

import asyncio
from collections.abc import Callable

import anyio
import pytest

from createflow.reference_server.domain.batcher import Batcher

pytestmark = pytest.mark.anyio


class Carrier:
    """Records each batch; answers ten times the number, or an error for a negative one."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.discarded: list[int] = []

    async def carry(self, items: list[int]) -> list[int | Exception]:
        """Answer one batch."""
        self.batches.append(items)
        await self.open.wait()
        return [item * 10 if item >= 0 else ValueError(item) for item in items]

    async def discard(self, answer: int) -> None:
        """Record an answer that is taken back."""
        self.discarded.append(answer)


async def test_requests_of_one_turn_share_a_batch_up_to_its_limit() -> None:
    """Each gets its own answer."""
    carrier = Carrier()
    batcher = Batcher(carrier.carry, batch_max=3)
    answers = await asyncio.gather(*(batcher.submit(number) for number in range(4)))
    assert answers == [0, 10, 20, 30]
    assert carrier.batches == [[0, 1, 2], [3]]


async def test_requests_during_a_batch_form_the_next_one() -> None:
    """It is sent when the first has ended."""
    carrier = Carrier()
    carrier.open.clear()
    batcher = Batcher(carrier.carry)
    tasks = [asyncio.create_task(batcher.submit(0))]
    while not carrier.batches:
        await asyncio.sleep(0)
    tasks += [asyncio.create_task(batcher.submit(number)) for number in (1, 2)]
    await anyio.wait_all_tasks_blocked()
    carrier.open.set()
    assert await asyncio.gather(*tasks) == [0, 10, 20]
    assert carrier.batches == [[0], [1, 2]]


async def test_requests_within_the_interval_form_a_batch_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one does not wait."""
    carrier = Carrier()
    batcher = Batcher(carrier.carry, in_flight_max=2, interval_s=60.0)
    assert await batcher.submit(0) == 0
    timers: list[tuple[float, Callable[[], None]]] = []
    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", lambda *timer: timers.append(timer))
    tasks = [asyncio.create_task(batcher.submit(number)) for number in (1, 2)]
    await anyio.wait_all_tasks_blocked()
    assert carrier.batches == [[0]]
    ((wait_s, start),) = timers
    assert 0 < wait_s <= 60.0
    start()
    assert await asyncio.gather(*tasks) == [10, 20]
    assert carrier.batches == [[0], [1, 2]]


async def test_an_error_reaches_the_one_it_is_for() -> None:
    """The others have their answers."""
    carrier = Carrier()
    batcher = Batcher(carrier.carry)
    answers = await asyncio.gather(*(batcher.submit(number) for number in (1, -1, 2)), return_exceptions=True)
    assert (answers[0], answers[2]) == (10, 20)
    assert isinstance(answers[1], ValueError)


async def test_a_failed_batch_fails_for_all_and_the_next_one_is_sent() -> None:
    """No request waits for ever."""

    async def fail(_items: list[int]) -> list[int | Exception]:
        raise OSError("no way")

    batcher = Batcher(fail)
    for _ in range(2):
        answers = await asyncio.gather(batcher.submit(1), batcher.submit(2), return_exceptions=True)
        assert [type(answer) for answer in answers] == [OSError, OSError]


async def test_the_answer_to_a_cancelled_request_is_discarded() -> None:
    """For example, a connection must not be lost when its receiver is cancelled."""
    carrier = Carrier()
    carrier.open.clear()
    batcher = Batcher(carrier.carry, discard=carrier.discard)
    task = asyncio.create_task(batcher.submit(1))
    while not carrier.batches:
        await asyncio.sleep(0)
    task.cancel()
    carrier.open.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    while not carrier.discarded:
        await asyncio.sleep(0)
    assert carrier.discarded == [10]


@pytest.mark.parametrize("answered", [0, 1, 4])
async def test_a_wrong_number_of_answers_is_an_error_of_each_request(answered: int) -> None:
    """Nobody knows whose they are; they are taken back, and the next batch is sent."""
    carrier = Carrier()
    numbers = list(range(answered))

    async def miscount(items: list[int]) -> list[int]:
        return numbers if len(items) == 3 else items

    batcher = Batcher(miscount, discard=carrier.discard)
    found = await asyncio.gather(*(batcher.submit(number) for number in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [RuntimeError] * 3
    assert carrier.discarded == numbers
    assert await batcher.submit(7) == 7
