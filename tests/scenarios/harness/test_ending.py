"""A run that is ended early leaves the rest to its guardian, and says so."""

import asyncio
import time
from pathlib import Path

import pytest

from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.guardian.client import Guarding
from createflow.scenarios.harness.guardian.records import Record, take_left_records
from createflow.scenarios.target.probes import Target
from createflow.schemas.flow import Step
from createflow.schemas.profile import Profile
from createflow.schemas.report import RunReport
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.scenarios.malformed_server import Habit, malformed_server, reply
from tests.up_stack import wait_a_little

LIMIT_S = 30.0
TEARDOWN = ({"method": "DELETE", "path": "/tenants/1"}, {"method": "DELETE", "path": "/tenants/2"})


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


async def creates(target: Target) -> None:
    """Three resources."""
    for _ in range(3):
        await target.create()


class Api:
    """Answers creates, and deletes as told."""

    def __init__(self, *, hangs_at: int = 0, refuses: str = "") -> None:
        self.made = 0
        self.deletes: list[str] = []
        self._hangs_at, self._refuses = hangs_at, refuses

    def __call__(self, request: bytes) -> bytes | None:
        """The reply to a request; None: it hangs."""
        method, path = request.split()[:2]
        if method == b"DELETE":
            self.deletes.append(path.decode())
            if len(self.deletes) == self._hangs_at:
                return None
            refused = bool(self._refuses) and path.decode().endswith(self._refuses)
            return reply("403 Forbidden") if refused else reply("204 No Content", b"")
        if method == b"POST":
            self.made += 1
            body = f'{{"id": "{self.made}", "name": "x"}}'.encode()
            return reply("201 Created", body, headers=f"location: /api/resources/{self.made}\r\n")
        return reply("200 OK")


async def run(habit: Habit, hurry: asyncio.Event, *, is_target_ours: bool = False) -> tuple[RunReport, list[Record]]:
    """The report, and what the guardian told when it had ended."""
    declared = check(step=Step.RESPONSE, source="contract: x", catches=())(creates)
    async with malformed_server(habit) as url:
        profile = Profile.model_validate({"target": {"base_url": url, "cleanup": True}, "teardown": TEARDOWN})
        report = await conformance(
            profile, [declared], source="test", progress=QuietProgress(), hurry=hurry,
            guarding=Guarding(is_target_ours=is_target_ours),
        )  # fmt: skip
        return report, await asyncio.to_thread(records, is_told=bool(report.left_to_guardian))


def records(*, is_told: bool) -> list[Record]:
    """What is told when the guardian has ended."""
    deadline = time.monotonic() + LIMIT_S
    while not (found := list(take_left_records())) and is_told:
        assert time.monotonic() < deadline, "the guardian did not end"
        wait_a_little()
    return found


@pytest.mark.anyio
async def test_a_run_that_is_hurried_leaves_all_to_its_guardian() -> None:
    """It removes the resources, and only then what they needed."""
    api, hurry = Api(), asyncio.Event()
    hurry.set()
    report, (record,) = await run(api, hurry)
    assert report.left_behind == ()
    assert report.left_to_guardian == ("3 created resources", "the tear-down requests")
    assert sorted(api.deletes[:3]) == [f"/api/resources/{number}" for number in (1, 2, 3)]
    assert api.deletes[3:] == ["/tenants/1", "/tenants/2"]
    assert (record.is_handed_over, record.has_ended) == (True, True)
    assert (record.created, record.removed, record.left_behind) == (3, 3, [])


@pytest.mark.anyio
async def test_what_was_done_is_not_done_again() -> None:
    """The second tear-down request hangs when the user ends the run: the guardian sends that one."""
    api, hurry = Api(hangs_at=5), asyncio.Event()

    def habit(request: bytes) -> bytes | None:
        answer = api(request)
        if answer is None:
            hurry.set()
        return answer

    report, (record,) = await run(habit, hurry)
    assert (report.left_behind, report.left_to_guardian) == ((), ("the tear-down requests",))
    assert api.deletes[3:] == ["/tenants/1", "/tenants/2", "/tenants/2"]
    assert (record.created, record.removed, record.left_behind) == (3, 3, [])


@pytest.mark.anyio
async def test_what_the_target_keeps_is_listed_and_not_left_to_anybody() -> None:
    """It would refuse the guardian too."""
    api = Api(refuses="/resources/2")
    report, found = await run(api, asyncio.Event())
    assert [url.rpartition("/")[2] for url in report.left_behind] == ["2"]
    assert (report.left_to_guardian, found) == ((), [])
    assert len(api.deletes) == 5


@pytest.mark.anyio
async def test_a_target_that_ends_with_the_run_has_no_guardian_to_leave_it_to() -> None:
    """What is still there is listed."""
    hurry = asyncio.Event()
    hurry.set()
    report, found = await run(Api(), hurry, is_target_ours=True)
    assert [url.rpartition("/")[2] for url in report.left_behind[:-1]] == ["1", "2", "3"]
    assert report.left_behind[-1] == "the user ended the run before its tear-down"
    assert (report.left_to_guardian, found) == ((), [])


@pytest.mark.anyio
async def test_a_signal_during_the_clean_up_costs_no_report() -> None:
    """The run had come to its end when the user lost patience: it is cut short like that of any interrupted run."""
    api = Api(hangs_at=1)
    task: asyncio.Task[tuple[RunReport, list[Record]]]

    def habit(request: bytes) -> bytes | None:
        answer = api(request)
        if answer is None:
            task.cancel()
        return answer

    task = asyncio.create_task(run(habit, asyncio.Event()))
    report, (record,) = await task
    assert report.interrupted
    assert [result.outcome.value for result in report.results] == ["passed"]
    assert report.left_to_guardian == ("1 created resource", "the tear-down requests")
    assert (record.created, record.removed, record.left_behind) == (3, 3, [])
