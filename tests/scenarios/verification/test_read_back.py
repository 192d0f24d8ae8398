"""Reading creates back through the API, where no sink can be searched."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from createflow.scenarios.load.plan.created import CreatedRow
from createflow.scenarios.load.plan.write_log import Writes, is_in_sample
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.text.secret_mask import Mask
from createflow.scenarios.text.trace_context import trace_id_of
from createflow.scenarios.verification.copy_comparison import CopyComparison
from createflow.scenarios.verification.observed import ResourceIds
from createflow.scenarios.verification.read_back import ReadBackSink
from createflow.scenarios.verification.reconciliation import Reconciliation
from createflow.scenarios.verification.sent_writes import SentWrites
from createflow.schemas.load_finding import SinkVerdict, Verification
from tests.fake_clock import FakeClock
from tests.scenarios.verification.fakes import writes_of
from tests.scenarios.verification.stub_api import PROFILE, StubApi

pytestmark = pytest.mark.anyio
WRITERS = (Principal("u0", "token-0"), Principal("u1", "token-1"))
COUNT = 20
BODY = '{"name":"load ab12 %d"}'


@pytest.fixture
async def api() -> AsyncIterator[StubApi]:
    """A target that keeps what this run created."""
    stub = StubApi()
    stub.connection = HttpConnection(RunContext(PROFILE, "ab12", Mask()))
    await stub.connection.close()
    stub.plug_into(stub.connection)
    stub.things = {f"t{k}": {"id": f"t{k}", "name": f"load ab12 {k}"} for k in range(COUNT)}
    yield stub
    await stub.connection.close()


def rows(*, of: Callable[[int], bool] = lambda _: True) -> list[CreatedRow]:
    """What the replies named."""
    return [CreatedRow(k, f"/things/t{k}", f"t{k}") for k in range(COUNT) if of(k)]


async def verified(
    api: StubApi, created: list[CreatedRow], *, writes: Writes | None = None, is_sample: bool = False
) -> Verification:
    """The verification of a run without sinks."""

    def make(ids: ResourceIds, comparison: CopyComparison | None) -> ReadBackSink:
        return ReadBackSink(
            api.connection,
            created,
            WRITERS,
            ids=ids,
            comparison=comparison,
            deadlines=PROFILE.deadlines,
            is_sample=is_sample,
        )

    sent = SentWrites([BODY], PROFILE.target, subjects=[who.subject or "" for who in WRITERS])
    reconciliation = Reconciliation(PROFILE, Mask(), "ab12", clock=FakeClock())
    found = await reconciliation.verify(writes or writes_of("a" * COUNT, "m" * COUNT), sent=sent, read_back=make)
    assert found is not None
    return found


def only(found: Verification) -> SinkVerdict:
    """The verdict on the API."""
    (sink,) = found.sinks
    assert sink.sink == "read-back"
    return sink


async def test_each_create_is_read_by_its_writer_and_compared(api: StubApi) -> None:
    """What that shows, and what it cannot show, is told."""
    found = await verified(api, rows())
    assert (found.accepted, found.verified, found.verified_measured, found.is_sample) == (COUNT, COUNT, COUNT, False)
    assert (only(found).found, only(found).compared) == (COUNT, COUNT)
    assert "reads through the API only" in only(found).unasked
    assert {(path, who) for method, path, who in api.by_whom if method == "GET"} == {
        (f"/things/t{k}", f"Bearer token-{k % 2}") for k in range(COUNT)
    }


async def test_a_tenth_that_is_gone_is_missing(api: StubApi) -> None:
    """By its number, and only after the deadline of reads."""
    del api.things["t3"], api.things["t13"]
    found = only(await verified(api, rows()))
    assert (found.found, found.missing) == (COUNT - 2, 2)
    trace = trace_id_of("ab12", 3)
    assert f"arrival 3 (load ab12 3, id t3, trace {trace}) is missing in read-back" in found.examples


async def test_what_is_shown_otherwise_is_altered(api: StubApi) -> None:
    """Another value, or the resource of another create."""
    api.things["t4"]["name"] = "load ab12 5"
    api.things["t6"] = dict(api.things["t7"])
    found = only(await verified(api, rows()))
    assert (found.altered, found.missing) == (2, 0)


async def test_a_representation_without_what_was_sent_is_only_there(api: StubApi) -> None:
    """Nothing is said about values that no read shows."""
    api.answers["GET"] = lambda path: httpx.Response(200, json={"id": path.rpartition("/")[2]})
    found = only(await verified(api, rows()))
    assert (found.found, found.altered, found.compared) == (COUNT, 0, 0)


@pytest.mark.parametrize("status", [403, 405, 500])
async def test_reads_that_say_nothing_are_no_verdict(api: StubApi, status: int) -> None:
    """No read operation, no right to read, no service."""
    api.answers["GET"] = lambda _: httpx.Response(status)
    found = await verified(api, rows())
    assert f"answered {status}" in only(found).error
    assert found.verified == 0


@pytest.mark.parametrize("status", [404, 410])
async def test_where_no_read_ever_works_nothing_is_missing(api: StubApi, status: int) -> None:
    """A target without reads may answer so, and one that lost everything: nobody can tell."""
    api.answers["GET"] = lambda _: httpx.Response(status)
    found = await verified(api, rows())
    assert "no create of the run can be read" in only(found).error
    assert only(found).missing == 0


async def test_nothing_named_is_nothing_verified(api: StubApi) -> None:
    """No id and no Location in any reply."""
    assert "no reply to a create named a resource" in only(await verified(api, [])).error


async def test_a_read_that_is_put_off_is_made_again(api: StubApi) -> None:
    """A 503 or 429 with Retry-After is the target's own word for later."""
    busy = iter([429, 503] * 5)

    def answer(path: str) -> httpx.Response:
        if (status := next(busy, None)) is not None:
            return httpx.Response(status, headers={"retry-after": "0"})
        return httpx.Response(200, json=api.things[path.rpartition("/")[2]])

    api.answers["GET"] = answer
    found = only(await verified(api, rows()))
    assert (found.found, found.missing, found.error) == (COUNT, 0, "")


async def test_only_a_sample_says_so_and_accuses_nobody_of_the_rest(api: StubApi) -> None:
    """What was not looked at is neither there nor missing."""
    for k in range(COUNT):
        if k % 2:
            del api.things[f"t{k}"]
    found = await verified(api, rows(of=lambda k: not k % 2), is_sample=True)
    assert found.is_sample
    assert (only(found).found, only(found).missing) == (COUNT // 2, 0)


def test_a_sample_meets_every_regular_pattern() -> None:
    """Of each tenth, each hundredth and the rest alike."""
    for step, first in ((1, 0), (10, 3), (100, 7), (7, 0), (64, 5)):
        numbers = range(first, 100_000, step)
        share = sum(is_in_sample(k, 0.05) for k in numbers) / len(numbers)
        assert share == pytest.approx(0.05, rel=0.1)
    assert all(is_in_sample(k, 1.0) for k in range(1000))
    assert not any(is_in_sample(k, 0.0) for k in range(1000))
