"""A service, a worker and a gateway join a running stack from another network namespace, each with one command."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import nats
import psutil
import psycopg
import pytest
import trustme

from createflow.cli.exit_code import ExitCode
from createflow.reference_server.joining.join_file import KINDS
from tests.joined_process import JoinedProcess, joined
from tests.steady_load import SteadyLoad, steady_load
from tests.up_stack import UpCommand, stack_status, start_up_command, stop_up_command, wait_a_little

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("namespace")]

SHARE = 20
"""Requests that each process must have got before it leaves."""
LIMIT_S = 60.0
PROBE = Path(__file__).with_name("namespace_probe.py")


class Namespace:
    """A network of its own, connected to this one by a pair of interfaces."""

    def __init__(self) -> None:
        number = os.getpid() % 60_000
        self.name = f"createflow-{number}"
        self._link = f"cf{number}"
        self.address = f"10.231.{number // 250}.{number % 250 + 1}"
        """Of this side. Each process of the tests has another."""
        self.inner = f"10.232.{number // 250}.{number % 250 + 1}"

    def make(self) -> None:
        """Make the namespace and connect it."""
        for command in (
            f"netns add {self.name}",
            f"link add {self._link}a type veth peer name {self._link}b netns {self.name}",
            f"addr add {self.address} peer {self.inner} dev {self._link}a",
            f"link set {self._link}a up",
            f"-n {self.name} addr add {self.inner} peer {self.address} dev {self._link}b",
            f"-n {self.name} link set {self._link}b up",
            f"-n {self.name} link set lo up",
        ):
            subprocess.run(["ip", *command.split()], check=True, capture_output=True, timeout=30)

    def remove(self) -> None:
        """Remove it, whatever there is of it."""
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True, timeout=30)
        subprocess.run(["ip", "link", "del", f"{self._link}a"], check=False, capture_output=True, timeout=30)

    @property
    def inside(self) -> tuple[str, ...]:
        """What to put before a command that is to run there."""
        return ("ip", "netns", "exec", self.name)


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    """The other machine."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("a network namespace needs root and the program ip")
    namespace = Namespace()
    try:
        try:
            namespace.make()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespace here: {error.stderr.decode().strip()}")
        yield namespace
    finally:
        namespace.remove()


@pytest.fixture(scope="module")
def up(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpCommand]:
    """A stack that lets others join at its side of the pair."""
    directory = tmp_path_factory.mktemp("namespace")
    up = start_up_command(directory, "--replicas", "1", "--listen", namespace.address)
    yield up
    assert stop_up_command(up) == 0


def copied(up: UpCommand, kind: str, folder: Path) -> Path:
    """The join file, brought to the other machine."""
    return Path(shutil.copy(up.state / "join" / f"{kind}.json", folder / f"{kind}.json"))


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Until it holds."""
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline, what
        wait_a_little()


def worker_of_the_stack(up: UpCommand) -> psutil.Process:
    """The process of its own worker."""
    shown = stack_status(up)
    row = next(line.split() for line in shown.splitlines() if line.startswith("worker-1"))
    return psutil.Process(int(next(word for word in row if word.isdigit())))


def test_each_kind_joins_takes_its_share_and_leaves_without_one_failed_request(
    up: UpCommand, namespace: Namespace, tmp_path: Path
) -> None:
    """Under load all the time. Each write is published once and indexed, whoever relayed it."""
    with steady_load(up.profile) as load, ExitStack() as scope:
        members = {
            kind: scope.enter_context(joined(kind, copied(up, kind, tmp_path), tmp_path, inside=namespace.inside))
            for kind in KINDS
        }
        for member in members.values():
            member.says("has joined")
        service, worker, gateway = (members[kind] for kind in ("service", "worker", "gateway"))
        wait_until(lambda: len(service.requests()) >= SHARE, "the service takes no share")
        wait_until(lambda: len(gateway.requests()) >= SHARE, "the gateway takes no share")
        wait_until(lambda: worker.metric("indexed_total") > 0, "the worker takes no share")
        hand_over(up, worker)
        before = len(load.replies)
        assert {kind: member.leave() for kind, member in members.items()} == dict.fromkeys(KINDS, 0)
        wait_until(lambda: len(load.replies) >= before + 2 * SHARE, "nothing goes on after they have left")
    assert load.failed == []
    assert {one["status"] for one in (*service.requests(), *gateway.requests())} == {201}
    assert_each_is_published_once_and_indexed(up, load)


def hand_over(up: UpCommand, worker: JoinedProcess) -> None:
    """The stack's own worker ends, and comes back: meanwhile the one elsewhere leads, and goes on leading."""
    assert worker.metric("outbox_relayed_total") == 0
    worker_of_the_stack(up).send_signal(signal.SIGTERM)
    wait_until(lambda: worker.metric("outbox_relayed_total") >= SHARE, "nobody leads")


def assert_each_is_published_once_and_indexed(up: UpCommand, load: SteadyLoad) -> None:
    """As many rows, events and documents as there were 201, and of the same resources."""
    expected = Counter(load.created)
    assert max(expected.values()) == 1
    sinks = up.profile.sinks
    assert sinks.primary is not None
    assert sinks.search is not None
    with psycopg.connect(sinks.primary.dsn.get_secret_value()) as primary:
        rows = primary.execute("select resource_id::text from outbox").fetchall()
    assert Counter(row[0] for row in rows) == expected
    wait_until(lambda: sum(asyncio.run(events(up)).values()) >= len(expected), "an event is missing")
    assert asyncio.run(events(up)) == expected
    count = f"{sinks.search.url.get_secret_value()}/{sinks.search.index}/_count"
    wait_until(
        lambda: bool(httpx.get(count, trust_env=False).json()["count"] == len(expected)), "a document is missing"
    )


async def events(up: UpCommand) -> Counter[str]:
    """How many events of each resource are in the stream."""
    section = up.profile.sinks.events
    assert section is not None
    client = await nats.connect(section.url.get_secret_value())
    try:
        stream = client.jetstream()
        total = (await stream.stream_info(section.stream)).state.messages
        reader = await stream.subscribe(section.subject, stream=section.stream, ordered_consumer=True)
        return Counter([json.loads((await reader.next_msg(timeout=10)).data)["subject"] for _ in range(total)])
    finally:
        await client.close()


def listening_at(address: str) -> list[int]:
    """The ports of this side that can be reached from the other one."""
    everywhere = {address, "0.0.0.0", "::"}  # noqa: S104 - it is compared, not bound
    return sorted(
        {
            connection.laddr.port
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr.ip in everywhere
        }
    )


def of_the_stack(up: UpCommand, ports: list[int]) -> list[int]:
    """Those that the stack has opened; the machine may have others."""
    owners = {process.pid for process in psutil.Process(up.process.pid).children(recursive=True)} | {up.process.pid}
    mine = {
        connection.laddr.port
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.pid in owners
    }
    return [port for port in ports if port in mine]


def test_every_port_that_is_reached_from_there_refuses_plain_text_and_strangers(
    up: UpCommand, namespace: Namespace, tmp_path: Path
) -> None:
    """All ports that listen there, also the gateway's, and not only those that a list names."""
    ports = of_the_stack(up, listening_at(namespace.address))
    files = {kind: json.loads((up.state / "join" / f"{kind}.json").read_text()) for kind in KINDS}
    text = json.dumps(files)
    named = {int(port) for port in re.findall(rf"{re.escape(namespace.address)}:(\d+)", text)}
    assert set(ports) == {*named, files["gateway"]["door_port"]}
    (tmp_path / "member.pem").write_text(files["service"]["certificate"])
    stranger = trustme.CA().issue_cert("service.join.createflow.test", common_name="service")
    stranger.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "stranger.pem"))
    shutil.copy(up.state / "keys" / "ca.pem", tmp_path / "authority.pem")
    with joined(
        "gateway", copied(up, "gateway", tmp_path), tmp_path, "--port", "8444", inside=namespace.inside
    ) as gateway:
        gateway.says("has joined")
        places = [*(f"{namespace.address}:{port}" for port in ports), f"{namespace.inner}:8444"]
        probed = subprocess.run(
            [*namespace.inside, sys.executable, str(PROBE), str(tmp_path), *places],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert probed.returncode == 0, probed.stderr
        answers = json.loads(probed.stdout)
        assert len(answers) == 7 * len(places)
        control = {how: said for how, said in answers.items() if how.endswith("member.pem")}
        assert sum(said.startswith("INFO ") for said in control.values()) == 1, "NATS greets who has a certificate"
        assert {how: said for how, said in answers.items() if said and how not in control} == {}
        assert control[f"{namespace.inner}:8444 TLS member.pem"] == "", "a gateway hears the balancer alone"
        assert gateway.leave() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_credential_is_refused_from_there(
    up: UpCommand, namespace: Namespace, tmp_path: Path, kind: str
) -> None:
    """With the right certificate and a wrong password, for each engine that this kind uses."""
    file = copied(up, kind, tmp_path)
    text = file.read_text()
    urls = {key: url for key, url in json.loads(text)["settings"].items() if isinstance(url, str) and "@" in url}
    assert len(urls) == {"service": 3, "worker": 3, "gateway": 2}[kind]
    with ExitStack() as scope:
        tried = []
        for name, url in urls.items():
            folder = tmp_path / name
            folder.mkdir()
            wrong = folder / "join.json"
            wrong.write_text(text.replace(url, url.replace("@", "x@")))
            tried.append(scope.enter_context(joined(kind, wrong, folder, inside=namespace.inside)))
        for one in tried:
            assert one.process.wait(LIMIT_S) == ExitCode.USAGE, one.told.read_text()
            assert "refuses the credentials of this join file" in one.told.read_text()
