"""Removing what a load created."""

from typing import Any

import httpx
import pytest

from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.run_context import Created
from createflow.scenarios.text.secret_mask import Mask
from createflow.scenarios.verification import clean_up as module
from tests.scenarios.verification.stub_api import PROFILE, StubApi

pytestmark = pytest.mark.anyio
WRITERS = [Principal(f"load-{number}", f"token-{number}") for number in range(3)]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> StubApi:
    """Answers every connection that the clean-up opens."""
    stub = StubApi()

    def plugged(*arguments: Any) -> HttpConnection:
        connection = HttpConnection(*arguments)
        stub.plug_into(connection)
        return connection

    monkeypatch.setattr(module, "HttpConnection", plugged)
    return stub


def created(api: StubApi, count: int) -> list[tuple[str, int]]:
    """This many resources, with their arrivals."""
    for k in range(count):
        api.things[f"t{k}"] = {"id": f"t{k}", "name": f"load ab12 {k}"}
    return [(f"t{k}", k) for k in range(count)]


async def test_each_resource_is_removed_by_its_principal(api: StubApi) -> None:
    """Also the sampler's; the preflight's by the first writer."""
    api.things |= {"s": {}, "p": {}}
    resources = [*created(api, 20), ("p", -1)]
    sampled = [Created("/things/s", Principal("sampler", "token-s"), "s")]
    seen: list[int] = []
    removed = await module.clean_up(
        PROFILE,
        Mask(),
        "ab12",
        created=resources,
        writers=WRITERS,
        sampled=sampled,
        within_s=30,
        on_removed=seen.append,
    )
    assert (removed, api.things, seen) == (22, {}, list(range(1, 23)))
    by_path = {path: who for _, path, who in api.by_whom}
    assert by_path["/things/t4"] == "Bearer token-1"
    assert by_path["/things/p"] == "Bearer token-0"
    assert by_path["/things/s"] == "Bearer token-s"


async def test_resources_that_stay_are_not_counted(api: StubApi) -> None:
    """A refused removal leaves the resource; one that does not exist any more counts as removed."""
    resources = created(api, 6)
    del api.things["t5"]
    api.answers["DELETE"] = lambda path: httpx.Response(500 if path.endswith(("t1", "t3")) else 404)
    removed = await module.clean_up(PROFILE, Mask(), "ab12", created=resources, writers=WRITERS, within_s=30)
    assert removed == 4


async def test_an_endpoint_without_authentication_needs_no_writer(api: StubApi) -> None:
    """The request has no credentials."""
    removed = await module.clean_up(PROFILE, Mask(), "ab12", created=created(api, 1), writers=(), within_s=30)
    assert (removed, api.by_whom) == (1, [("DELETE", "/things/t0", "")])
