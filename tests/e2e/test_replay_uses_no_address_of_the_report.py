"""``createflow replay`` of a report that somebody else wrote sends requests only where the user says."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from createflow.cli.exit_code import ExitCode
from createflow.scenarios.reports.saved import to_json
from createflow.schemas.flow import Step
from createflow.schemas.report import Exchange, Finding, Outcome, ProfilePlace, RunReport
from tests.e2e.malformed_run import Ended, run_against
from tests.scenarios.malformed_server import reply
from tests.scenarios.reports.conformance.made_report import report, result
from tests.scenarios.stranger import stranger

PROFILE = '[target]\nbase_url = "{url}"\ntimeout_s = 2\n[auth]\nkind = "static"\nwriter_env = "WRITER"\n'
TOKEN = "a-token-that-must-not-leak"


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a listener that the user does not name, and what it received."""
    ready, end = threading.Event(), threading.Event()
    found: list[tuple[str, list[bytes]]] = []

    async def listen() -> None:
        async with stranger() as (port, received):
            found.append((f"http://127.0.0.1:{port}", received))
            ready.set()
            await asyncio.to_thread(end.wait, 120)

    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    assert ready.wait(30)
    yield found[0]
    end.set()
    thread.join(30)


def hostile_report(address: str, **changes: object) -> RunReport:
    """One that names the address wherever a report can hold one."""
    url = f"{address}/api/resources"
    exchange = Exchange(
        method="POST",
        url=url,
        request_headers={"host": address.removeprefix("http://"), "authorization": "Bearer $TOKEN"},
        status=302,
        response_headers={"location": url, "link": f'<{url}>; rel="next"'},
        curl=f"curl -i -X POST {url} -H 'authorization: Bearer $TOKEN'",
    )
    finding = Finding(
        promised="p", expected=url, seen=url, source=url, exchanges=(exchange,), curl=exchange.curl, replay_id=url
    )
    failed = result("location_is_ours", Outcome.FAILED, step=Step.RESPONSE)
    made = report(
        failed.model_copy(update={"finding": finding}),
        left_behind=(f"{url}/1", f"{url}/2"),
        place=ProfilePlace(file="createflow.toml", lines={"target": 1}),
    )
    return made.model_copy(update={"target": url, **changes})


def replay(folder: Path, saved: RunReport, *options: str, habit: Callable[[bytes], bytes] | None = None) -> Ended:
    """Replay the report beside a profile of another target."""
    (folder / "saved.json").write_text(to_json(saved), encoding="utf-8")
    answers = habit or (lambda _: reply("200 OK"))
    return run_against(answers, PROFILE, folder, "saved.json", *options, command="replay", WRITER=TOKEN)


def test_addresses_inside_the_report_are_not_used(tmp_path: Path, elsewhere: tuple[str, list[bytes]]) -> None:
    """The profile's target gets the requests; exchanges, curl lines and leftovers are text."""
    address, received = elsewhere
    asked: list[bytes] = []

    def note(request: bytes) -> bytes:
        asked.append(request)
        return reply("200 OK")

    ended = replay(tmp_path, hostile_report(address), habit=note)
    assert received == []
    assert any(request.startswith(b"POST") for request in asked), ended.err
    assert TOKEN not in ended.out + ended.err


@pytest.mark.parametrize("options", [(), ("--allow-commands",)], ids=["plain", "commands allowed"])
def test_an_address_as_its_source_is_refused(
    tmp_path: Path, elsewhere: tuple[str, list[bytes]], options: tuple[str, ...]
) -> None:
    """It has to be named on the command line."""
    address, received = elsewhere
    ended = replay(tmp_path, hostile_report(address, profile=f"--url {address}/api/resources", place=None), *options)
    assert ended.code == ExitCode.USAGE
    assert "requests go only to addresses that you name" in ended.err
    assert received == []


@pytest.mark.parametrize("name", ["{outside}", "../outside/createflow.toml", "link.toml", "/dev/stdin"])
def test_a_profile_outside_the_folder_is_refused(tmp_path: Path, elsewhere: tuple[str, list[bytes]], name: str) -> None:
    """Also through a link: the report would choose the target, and whose token it gets."""
    address, received = elsewhere
    outside, folder = tmp_path / "outside" / "createflow.toml", tmp_path / "inside"
    outside.parent.mkdir()
    folder.mkdir()
    outside.write_text(PROFILE.replace("{url}", address))
    (folder / "link.toml").symlink_to(outside)
    ended = replay(folder, hostile_report(address, profile=name.format(outside=outside)))
    assert ended.code == ExitCode.USAGE
    assert "the report names a profile outside this folder" in ended.err
    assert received == []
