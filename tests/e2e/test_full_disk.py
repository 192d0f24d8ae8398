"""A disk is full for 40 s and then free again: nothing acknowledged is lost, and everybody is told meanwhile.

Needs root, to mount a small file system. What was seen is told in docs/reference.md.
"""

import asyncio
import contextlib
import json
import os
import shutil
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jwt
import nats
import nats.errors
import psycopg
import pytest

from createflow.reference_server.process.settings import Settings
from createflow.reference_server.stack import control
from createflow.schemas.profile import Profile
from createflow.schemas.profile_auth import JwtAuth
from tests.up_stack import UpCommand, start_up_command, stop_up_command

pytestmark = [pytest.mark.stack, pytest.mark.thorough, pytest.mark.xdist_group("full disk")]

FULL_S = 40.0
WHOLE_AGAIN_S = 30.0
RESUMED_S = 5.0
PAUSE_S = 0.05
_needs_mount = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mount") is None, reason="only root may mount a small file system"
)


@contextlib.contextmanager
def small_disk(place: Path, mebibytes: int) -> Iterator[None]:
    """A file system of this size at this place."""
    options = f"size={mebibytes}m,mode=711"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(file: Path) -> None:
    """Take all the room that is left."""
    for size in (1 << 20, 1 << 12, 1):
        with contextlib.suppress(OSError), file.open("ab", buffering=0) as out:
            while True:
                out.write(b"\0" * size)


@dataclass
class Client:
    """Creates one resource after the other, and remembers what was answered."""

    profile: Profile
    acknowledged: set[str] = field(default_factory=set)
    replies: list[tuple[float, int]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until it is over."""
        target, auth = self.profile.target, self.profile.auth
        assert isinstance(auth, JwtAuth)
        assert target.ca_file is not None
        now = int(time.time())
        claims = {"iss": auth.issuer, "aud": auth.audience, "sub": "writer", "roles": ["writer"]}
        token = jwt.encode(
            {**claims, "iat": now, "exp": now + 3600, "jti": "full-disk"},
            Path(auth.key_file).read_text(),
            algorithm="EdDSA",
            headers={"typ": "at+jwt", "kid": auth.key_id},
        )
        trust = ssl.create_default_context(cafile=target.ca_file)
        with httpx.Client(base_url=target.base_url, verify=trust, trust_env=False, timeout=15) as http:
            number = 0
            while not self.over.is_set():
                number += 1
                body = {"name": f"create {number}", "description": "x" * 1000}
                reply = http.post(target.path, json=body, headers={"authorization": f"Bearer {token}"})
                self.replies.append((time.monotonic(), reply.status_code))
                if reply.status_code == 201:
                    self.acknowledged.add(reply.json()["id"])
                self.over.wait(PAUSE_S)

    def statuses_since(self, begin: float) -> Counter[int]:
        """How often each status was answered."""
        return Counter(status for at, status in self.replies if at >= begin)

    def first_201_after(self, begin: float) -> float:
        """How many seconds after this time; infinite if there was none."""
        return min((at - begin for at, status in self.replies if at > begin and status == 201), default=float("inf"))


@contextlib.contextmanager
def creating(up: UpCommand) -> Iterator[Client]:
    """A client that creates beside the block."""
    client = Client(up.profile)
    thread = threading.Thread(target=client.run)
    thread.start()
    try:
        yield client
    finally:
        client.over.set()
        thread.join()


def command(up: UpCommand, verb: str, component: str = "") -> dict[str, str]:
    """Carry out a command of ``createflow stack``; the states in its reply."""
    reply = asyncio.run(control.send_command(up.state / "control.sock", verb, component))
    return {row["name"]: row["status"] for row in reply["rows"]}


def operations(up: UpCommand, instance: str, path: str) -> httpx.Response:
    """Ask a process itself."""
    port = Settings.load(up.state / "run" / instance / "settings.json").port
    return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=10)


def metric(up: UpCommand, instance: str, name: str) -> float:
    """Return a number of the process's metrics."""
    lines = operations(up, instance, "/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[-1])


def until(holds: Callable[[], bool], within_s: float, what: str) -> float:
    """Wait until it holds; how long it took."""
    begin = time.monotonic()
    while not holds():
        assert time.monotonic() - begin < within_s, what
        time.sleep(0.1)
    return time.monotonic() - begin


def ids_of_rows(profile: Profile) -> set[str]:
    """What is in the table."""
    assert profile.sinks.primary is not None
    with psycopg.connect(_text(profile.sinks.primary.dsn)) as connection:
        return {row[0] for row in connection.execute("select id::text from resources")}


def events(profile: Profile) -> Counter[str]:
    """How many events there are of each resource."""

    async def read() -> Counter[str]:
        sink = profile.sinks.events
        assert sink is not None
        client = await nats.connect(_text(sink.url))
        found: Counter[str] = Counter()
        try:
            stream = client.jetstream()
            subscription = await stream.subscribe(sink.created_subject, stream=sink.stream, ordered_consumer=True)
            with contextlib.suppress(nats.errors.TimeoutError):
                while True:
                    found[json.loads((await subscription.next_msg(timeout=2)).data)["subject"]] += 1
        finally:
            await client.close()
        return found

    return asyncio.run(read())


def documents(profile: Profile, ids: set[str]) -> set[str]:
    """Which of these the index has."""
    sink = profile.sinks.search
    assert sink is not None
    with httpx.Client(base_url=_text(sink.url), trust_env=False) as http:
        return {one for one in ids if http.get(f"/{sink.index}/_doc/{one}").status_code == 200}


def _text(value: Any) -> str:
    return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


def fill_and_free(up: UpCommand, client: Client, filler: Path, told: Callable[[], bool]) -> float:
    """Keep the disk full for a while; ``told`` must hold from a few seconds on. Returns when it was freed."""
    begin = time.monotonic()
    fill(filler)
    until(told, 15.0, "nobody tells that the disk is full")
    while time.monotonic() - begin < FULL_S:
        fill(filler)
        assert told(), command(up, "status")
        assert all(operations(up, name, "/healthz").is_success for name in ("gateway-1", "service-1", "worker-1"))
        client.over.wait(2.0)
    filler.unlink()
    return time.monotonic()


def becomes_whole(up: UpCommand, client: Client, freed: float) -> set[str]:
    """Wait until 30 s after the disk was free; everything must be ready. Returns what was acknowledged until now."""
    until(lambda: set(command(up, "status").values()) == {"ready"}, WHOLE_AGAIN_S, str(command(up, "status")))
    while time.monotonic() < freed + WHOLE_AGAIN_S:
        client.over.wait(0.1)
    return set(client.acknowledged)


def all_is_there(up: UpCommand, before: set[str]) -> None:
    """Every row, event and document is there, each event once. Nothing is created any more, or this would not end."""
    assert ids_of_rows(up.profile) >= before
    found = events(up.profile)
    assert not before - set(found)
    assert not [one for one, count in found.items() if count != 1]
    assert documents(up.profile, before) == before
    until(lambda: metric(up, "worker-1", "outbox_lag_seconds") < 2.0, 10.0, "the lag stays")
    assert metric(up, "worker-1", "index_lag_seconds") == 0.0


@_needs_mount
def test_a_full_disk_of_the_whole_stack_loses_nothing(tmp_path: Path) -> None:
    """Creates are refused in order meanwhile, although no log line can be written; then they go on within seconds."""
    for place in (tmp_path, *tmp_path.parents[:2]):
        place.chmod(0o711)
    state = tmp_path / "state"
    state.mkdir(mode=0o711)
    with small_disk(state, 900):
        up = start_up_command(tmp_path, state=state)
        try:
            with creating(up) as client:
                until(lambda: len(client.acknowledged) > 20, 30.0, "no creates")

                def told() -> bool:
                    states = command(up, "status")
                    # The worker is as it must be if no event waits: nothing could be committed.
                    return {states[name] for name in ("postgres-primary", "nats", "service-1")} == {"not ready"}

                begin = time.monotonic()
                freed = fill_and_free(up, client, state / "run" / "filler", told)
                refused = client.statuses_since(begin)
                assert set(refused) <= {201, 500, 503, 504}
                assert refused[503] > refused[504] + refused[500], "a reply that waits for a log line is a 504"
                until(lambda: client.first_201_after(freed) < RESUMED_S, RESUMED_S + 1, "no create goes through")
                before = becomes_whole(up, client, freed)
            all_is_there(up, before)
        finally:
            assert stop_up_command(up) == 0


@_needs_mount
def test_a_full_disk_of_the_broker_stops_no_create_and_loses_no_event(tmp_path: Path) -> None:
    """The events wait in the outbox; the stack starts the broker again, which refuses events for good otherwise."""
    for place in (tmp_path, *tmp_path.parents[:2]):
        place.chmod(0o711)
    up = start_up_command(tmp_path)
    try:
        store = up.state / "run" / "nats" / "jetstream"
        command(up, "kill", "nats")
        shutil.move(store, tmp_path / "moved")
        store.mkdir()
        with small_disk(store, 40):
            shutil.copytree(tmp_path / "moved", store, dirs_exist_ok=True)
            command(up, "start", "nats")
            try:
                with creating(up) as client:
                    until(lambda: len(client.acknowledged) > 20, 30.0, "no creates")

                    def told() -> bool:
                        states = command(up, "status")
                        # The lag is the age of the oldest event that is not published, so it grows with the time.
                        lag_s = metric(up, "worker-1", "outbox_lag_seconds")
                        is_told = lag_s > 0.7 * (time.monotonic() - begin) - 8
                        return is_told and states["nats"] == states["worker-1"] == "not ready"

                    begin = time.monotonic()
                    freed = fill_and_free(up, client, store / "filler", told)
                    assert client.statuses_since(begin)[201] > 0.9 * client.statuses_since(begin).total()
                    before = becomes_whole(up, client, freed)
                all_is_there(up, before)
                assert "nats ended with a restart" in up.output.read_text()
            finally:
                command(up, "kill", "nats")  # before its disk goes away
    finally:
        assert stop_up_command(up) == 0


@pytest.mark.parametrize("down_s", [3.0, 20.0])
def test_creates_go_on_within_five_seconds_after_the_primary_is_back(down_s: float, tmp_path: Path) -> None:
    """Neither the pooler, nor the pool, nor the circuit breaker waits longer, however long it was away."""
    for place in (tmp_path, *tmp_path.parents[:2]):
        place.chmod(0o711)
    up = start_up_command(tmp_path)
    try:
        with creating(up) as client:
            until(lambda: len(client.acknowledged) > 20, 30.0, "no creates")
            command(up, "kill", "postgres-primary")
            client.over.wait(down_s)
            command(up, "start", "postgres-primary")
            back = time.monotonic()
            until(lambda: client.first_201_after(back) < RESUMED_S, RESUMED_S + 1, "no create goes through")
            assert ids_of_rows(up.profile) >= client.acknowledged
    finally:
        assert stop_up_command(up) == 0
