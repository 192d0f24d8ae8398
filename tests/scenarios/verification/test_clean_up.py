"""Removing what a load created."""

from collections.abc import AsyncIterator

import httpx
import pytest

from createflow.scenarios.load.plan.created import CreatedRow
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.run_context import Created, RunContext
from createflow.scenarios.text.secret_mask import Mask
from createflow.scenarios.verification.clean_up import clean_up, resource_of
from tests.scenarios.verification.stub_api import PROFILE, StubApi

pytestmark = pytest.mark.anyio
WRITERS = [Principal(f"load-{number}", f"token-{number}") for number in range(3)]


@pytest.fixture
async def api() -> AsyncIterator[StubApi]:
    """Answers every request of its connection."""
    stub = StubApi()
    stub.connection = HttpConnection(RunContext(PROFILE, "ab12", Mask()))
    await stub.connection.close()
    stub.plug_into(stub.connection)
    yield stub
    await stub.connection.close()


def created(api: StubApi, count: int) -> list[CreatedRow]:
    """This many resources, as their replies named them."""
    for k in range(count):
        api.things[f"t{k}"] = {"id": f"t{k}", "name": f"load ab12 {k}"}
    return [CreatedRow(k, f"/things/t{k}", f"t{k}") for k in range(count)]


async def test_each_resource_is_removed_by_its_principal(api: StubApi) -> None:
    """Also what the run created besides the load."""
    api.things |= {"s": {}, "p": {}}
    own = [Created(f"/things/{one}", Principal("sampler", f"token-{one}"), one) for one in "sp"]
    seen: list[int] = []
    removed = await clean_up(
        api.connection,
        created=created(api, 20),
        writers=WRITERS,
        own=own,
        within_s=30,
        on_removed=seen.append,
    )
    assert (removed, api.things, seen) == (22, {}, list(range(1, 23)))
    by_path = {path: who for _, path, who in api.by_whom}
    assert by_path["/things/t4"] == "Bearer token-1"
    assert by_path["/things/s"] == "Bearer token-s"


async def test_resources_that_stay_are_not_counted(api: StubApi) -> None:
    """A refused removal leaves the resource; one that does not exist any more counts as removed."""
    resources = created(api, 6)
    del api.things["t5"]
    api.answers["DELETE"] = lambda path: httpx.Response(500 if path.endswith(("t1", "t3")) else 404)
    removed = await clean_up(api.connection, created=resources, writers=WRITERS, within_s=30)
    assert removed == 4


@pytest.mark.parametrize(
    ("status", "headers", "tries"),
    [
        (503, {"retry-after": "0"}, 2),
        (409, {"retry-after": "0"}, 2),
        (429, {"retry-after": "0"}, 2),
        (503, {}, 1),
        (409, {}, 1),
        (500, {"retry-after": "0"}, 1),
    ],
)
async def test_a_removal_that_is_put_off_is_tried_again(
    api: StubApi, status: int, headers: dict[str, str], tries: int
) -> None:
    """Only what the target itself calls temporary, by a Retry-After."""
    busy = [httpx.Response(status, headers=headers)]
    api.answers["DELETE"] = lambda _: busy.pop() if busy else httpx.Response(204)
    removed = await clean_up(api.connection, created=created(api, 1), writers=WRITERS, within_s=30)
    assert (removed, len(api.by_whom)) == (tries - 1, tries)


async def test_a_token_that_has_ended_leaves_nothing(api: StubApi) -> None:
    """What a check created with a token of its own is removed with the ordinary token of the same subject."""
    api.things["s"] = {}
    brief = Principal("sampler", "ordinary").holding("ended").holding("ended too")
    api.answers["DELETE"] = lambda _: httpx.Response(204 if api.by_whom[-1][2] == "Bearer ordinary" else 401)
    own = [Created("/things/s", brief, "s")]
    assert await clean_up(api.connection, created=[], writers=WRITERS, own=own, within_s=30) == 1
    assert [who for _, _, who in api.by_whom] == ["Bearer ended too", "Bearer ordinary"]


async def test_a_target_that_is_always_busy_is_not_asked_for_ever(api: StubApi) -> None:
    """Three times, and then the resource stays."""
    api.answers["DELETE"] = lambda _: httpx.Response(503, headers={"retry-after": "0"})
    assert await clean_up(api.connection, created=created(api, 1), writers=WRITERS, within_s=30) == 0
    assert len(api.by_whom) == 3


async def test_an_endpoint_without_authentication_needs_no_writer(api: StubApi) -> None:
    """The request has no credentials."""
    removed = await clean_up(api.connection, created=created(api, 1), writers=(), within_s=30)
    assert (removed, api.by_whom) == (1, [("DELETE", "/things/t0", "")])


@pytest.mark.parametrize(
    ("row", "url"),
    [
        (("/things/7", "7"), "/things/7"),
        (("/things/7", ""), "/things/7"),
        (("", "7"), "/things/7"),
        (("/things/8", "7"), "/things/7"),
        (("/things", ""), None),
        (("/", ""), None),
        (("/things/../users/1", ""), None),
        (("/things/%2e%2e/users", ""), None),
        (("", ""), None),
    ],
)
async def test_a_201_says_what_may_be_deleted(api: StubApi, row: tuple[str, str], url: str | None) -> None:
    """One resource, and that of the id where there is one; otherwise nothing."""
    found = resource_of(api.connection, CreatedRow(0, *row), WRITERS[0])
    assert (found and found.url) == (url and f"http://stub.test{url}")


async def test_nothing_is_deleted_without_the_profile(api: StubApi) -> None:
    """Whoever asks for it."""
    api.connection.context.target = api.connection.context.target.model_copy(update={"cleanup": False})
    assert await clean_up(api.connection, created=created(api, 3), writers=WRITERS, within_s=30) == 0
    assert api.by_whom == []
