"""In every mode of a load nothing is sent to an origin that the profile does not name, and nothing else is deleted."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import cycle

import pytest

from createflow.scenarios.benchmark.run import benchmark
from createflow.scenarios.load.capacity import max_rate
from createflow.schemas.load_report import LoadReport
from createflow.schemas.profile import Profile
from tests.scenarios.benchmark.load_modes import MODES, options
from tests.scenarios.malformed_server import malformed_server, profile_of, reply
from tests.scenarios.stranger import LOCATIONS, stranger

REDIRECTS = ("301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect")


class Misleading:
    """A target whose replies to creates name a stranger, and whose other replies redirect to it.

    Args:
        port: of the stranger.
        cases: the kinds of Locations, used in turn; "own" is one on the target.
    """

    def __init__(self, port: int, *cases: str) -> None:
        self._port = port
        self._cases = cycle(cases)
        self._redirects = cycle(REDIRECTS)
        self._count = 0
        self.methods = Counter[str]()
        self.created: set[str] = set()
        self.deleted: list[str] = []

    def answer(self, request: bytes) -> bytes:
        """The reply to one request."""
        method, path, _ = request.decode("latin-1").split(" ", 2)
        self.methods[method] += 1
        if method == "POST":
            self._count += 1
            resource_id = f"r{self._count}"
            self.created.add(f"/api/resources/{resource_id}")
            form = {"own": "/api/resources/{id}", **LOCATIONS}[next(self._cases)]
            location = form.format(port=self._port, own="me", id=resource_id)
            body = json.dumps({"id": resource_id, "name": "x"}).encode()
            return reply("201 Created", body, headers=f"location: {location}\r\n")
        if method == "DELETE":
            self.deleted.append(path)
            return reply("204 No Content", b"")
        return reply(next(self._redirects), b"", headers=f"location: http://127.0.0.1:{self._port}/x\r\n")


def _profile(url: str, **sections: object) -> Profile:
    document = profile_of(url, auth={"kind": "static", "writer_env": "WRITER"}, **sections).model_dump()
    return Profile.model_validate(document | {"target": document["target"] | {"cleanup": True, "update": True}})


@pytest.fixture
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRITER", "a-token-that-must-not-leak")
    monkeypatch.setattr(max_rate, "_MIN_HOLD_S", 0.5)
    monkeypatch.setattr(max_rate, "_PRECISION_RATIO", 0.9)


@pytest.mark.anyio
@pytest.mark.usefixtures("_token")
@pytest.mark.parametrize(
    "mode",
    [
        pytest.param(mode, marks=pytest.mark.thorough if mode == "the search for the highest rate" else ())
        for mode in MODES
    ],
)
async def test_no_mode_sends_anything_to_a_stranger(mode: str) -> None:
    """Locations of every kind in turn, and redirects; what was created is deleted at the target, and only that."""
    run, asked = MODES[mode]
    async with stranger() as (port, received):
        target = Misleading(port, "own", *LOCATIONS)
        async with malformed_server(target.answer) as url:
            report = await run(_profile(url), asked)
    assert received == []
    assert isinstance(report, LoadReport)
    assert target.methods["GET"] > 0
    assert target.methods["PUT"] > 0
    assert set(target.deleted) == target.created
    assert len(target.deleted) == len(target.created)


@pytest.mark.anyio
@pytest.mark.usefixtures("_token")
@pytest.mark.many(one_in=3)
@pytest.mark.parametrize("case", LOCATIONS)
async def test_a_location_elsewhere_is_a_note_of_the_load(case: str) -> None:
    """Reads have no resource then, which is said, and not the target's path."""
    async with stranger() as (port, received):
        target = Misleading(port, case)
        async with malformed_server(target.answer) as url:
            report = await benchmark(_profile(url), options(duration_s=0.3, warmup_s=0.0))
    assert received == []
    assert target.methods["GET"] == 0
    assert any("Location that was not used" in note for note in report.notes)
    assert set(target.deleted) == target.created


@pytest.mark.anyio
@pytest.mark.usefixtures("_token")
async def test_verification_reads_no_stranger() -> None:
    """A search index that redirects, and the sampler's reads of its own writes."""
    async with stranger() as (port, received):
        target = Misleading(port, "own", *LOCATIONS)
        moved = reply("307 Temporary Redirect", b"", headers=f"location: http://127.0.0.1:{port}/x\r\n")
        async with malformed_server(target.answer) as url, malformed_server(lambda _: moved) as index:
            search = {"url": index, "index": "things", "name_keyword": "name"}
            profile = _profile(url, sinks={"search": search})
            report = await benchmark(profile, options(verify=True, duration_s=1.0))
    assert received == []
    assert report.verification is not None
    assert [bool(sink.error) for sink in report.verification.sinks] == [True]
    assert set(target.deleted) == target.created


@pytest.mark.anyio
@pytest.mark.usefixtures("_token")
@pytest.mark.parametrize(("clean_up", "cleanup"), [(False, True), (True, False)])
async def test_nothing_is_deleted_unless_both_ask_for_it(clean_up: bool, cleanup: bool) -> None:  # noqa: FBT001
    """The profile allows it, and the user requests it."""
    target = Misleading(9, "own")
    async with malformed_server(target.answer) as url:
        document = _profile(url).model_dump()
        profile = Profile.model_validate(document | {"target": document["target"] | {"cleanup": cleanup}})
        await benchmark(profile, options(clean_up=clean_up, duration_s=0.3, mix="create=1"))
    assert target.created
    assert target.deleted == []


@pytest.mark.anyio
@pytest.mark.usefixtures("_token")
async def test_only_a_201_names_what_is_deleted() -> None:
    """A 200 may be about a resource that was there before."""
    numbers: Iterator[int] = iter(range(10_000))
    deleted: list[bytes] = []

    def answer(request: bytes) -> bytes:
        if request.startswith(b"DELETE"):
            deleted.append(request.split()[1])
            return reply("204 No Content", b"")
        number = next(numbers)
        status = "201 Created" if number % 2 else "200 OK"
        location = f"location: /api/resources/r{number}\r\n"
        return reply(status, b'{"id": "r%d"}' % number, headers=location)

    async with malformed_server(answer) as url:
        await benchmark(_profile(url), options(duration_s=0.5, mix="create=1"))
    assert deleted
    assert all(int(path.rpartition(b"r")[2]) % 2 for path in deleted)
