"""What a worker of another machine removes when its master was killed. The master may be anybody's."""

from typing import Any

import pytest

from createflow.scenarios.load.fleet.orphans import Orphans
from createflow.scenarios.load.plan.messages import MessageRefused
from tests.scenarios.malformed_server import malformed_server, reply

ROWS = {"index": 0, "created": [[0, "/api/resources/a", "a"], [1, "/api/resources/b", "b"]], "beyond": 0, "late": True}


def how(base_url: str, **changed: Any) -> dict[str, Any]:
    """The message that comes before the rows."""
    removes = {"run_id": "r", "variables": {"run_id": "r"}, "credentials": [["authorization", "Bearer t"]]}
    return {"removes": {**removes, "target": {"base_url": base_url, "cleanup": True}, **changed}}


@pytest.mark.anyio
async def test_the_last_resources_are_removed() -> None:
    """With the credentials of the run."""
    asked: list[bytes] = []

    def habit(request: bytes) -> bytes:
        asked.append(request)
        return reply("204 No Content", b"")

    orphans = Orphans()
    async with malformed_server(habit) as url:
        orphans.take(how(url))
        orphans.take(ROWS)
        assert await orphans.remove() == "removed 2 of the last 2 resources that this worker created"
    assert sorted(request.split()[1] for request in asked) == [b"/api/resources/a", b"/api/resources/b"]
    assert all(b"bearer t" in request.lower() for request in asked)


@pytest.mark.anyio
async def test_nothing_is_removed_that_was_not_to_be() -> None:
    """A load without ``--clean-up`` says nothing about it, and neither does one that created nothing."""
    without_how, without_rows = Orphans(), Orphans()
    without_how.take(ROWS)
    without_rows.take(how("http://127.0.0.1:9"))
    assert (await without_how.remove(), await without_rows.remove()) == ("", "")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "changed",
    [
        {"target": None},
        {"target": {"base_url": "file:///etc"}},
        {"target": {"base_url": "http://127.0.0.1:9", "unknown": 1}},
        {"variables": []},
        {"credentials": 7},
        {"credentials": [["a"]]},
    ],
    ids=["no target", "no origin", "unknown key", "variables", "no list", "no pair"],
)
async def test_what_a_master_must_not_say_removes_nothing(changed: dict[str, Any]) -> None:
    """It costs neither the worker nor its exit status."""
    orphans = Orphans()
    orphans.take(how("http://127.0.0.1:9", **changed))
    orphans.take(ROWS)
    assert await orphans.remove() == "the master did not say how to remove what this worker created"


def test_rows_that_are_none_are_refused() -> None:
    """As everywhere else."""
    with pytest.raises(MessageRefused):
        Orphans().take({**ROWS, "created": [["x"]]})
