"""The real engines for tests of the reference's own processes: PostgreSQL, Valkey, NATS and search, no balancer."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from createflow.reference_server.process.settings import Settings
from createflow.reference_server.stack.child_process import Guardian
from createflow.reference_server.stack.credentials import AUDIENCE, ISSUER, Passwords, make_issuer, new_password
from createflow.reference_server.stack.endpoints import HOST, Ports
from createflow.reference_server.stack.engines import nats, search, valkey
from createflow.reference_server.stack.engines.postgres import Cluster
from createflow.reference_server.stack.os_user import reachable_directory, unprivileged_user
from createflow.reference_server.stack.state import State
from createflow.reference_server.stack.supervisor import Supervisor

START_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class EngineSet:
    """Running engines, and settings of processes that use them."""

    settings: Settings
    private_key: str
    """PEM of the issuer."""
    admin_dsn: str
    replica_admin_dsn: str
    nats_urls: Mapping[str, str]
    """By user: gateway, service, worker, probe, and an operator of the events who may do everything there."""
    supervisor: Supervisor
    loop: asyncio.AbstractEventLoop

    def pause(self, name: str) -> None:
        """Stop a component without ending it."""
        asyncio.run_coroutine_threadsafe(self.supervisor.pause(name), self.loop).result(10)

    def resume(self, name: str) -> None:
        """Continue a paused component."""
        asyncio.run_coroutine_threadsafe(self.supervisor.resume(name), self.loop).result(10)


@contextmanager
def running_engines(directory: Path) -> Iterator[EngineSet]:
    """Start the engines in a thread with its own event loop, because each test has another loop."""
    started: list[EngineSet] = []
    failed: list[BaseException] = []
    ready, over = threading.Event(), threading.Event()

    async def main() -> None:
        state, ports = State(directory), Ports()
        state.open()
        loop = asyncio.get_running_loop()
        try:
            engines = _plan(state, ports, loop)
            with Guardian(state):
                try:
                    await engines.supervisor.start()
                    started.append(engines)
                    ready.set()
                    await asyncio.to_thread(over.wait)
                finally:
                    await engines.supervisor.stop()
        finally:
            ports.release()
            state.close(remove=True)

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="engines")
    thread.start()
    try:
        assert ready.wait(START_LIMIT_S)
        if failed:
            raise failed[0]
        yield started[0]
    finally:
        over.set()
        thread.join(30)


def _plan(state: State, ports: Ports, loop: asyncio.AbstractEventLoop) -> EngineSet:
    passwords, user = Passwords(), unprivileged_user()
    directories = {name: state.run / name for name in ("valkey", "nats", "search")}
    for directory in directories.values():
        directory.mkdir(mode=0o711)
    cluster = Cluster(
        data=reachable_directory(state.run, "data", user),
        user=user,
        passwords=passwords,
        ports=(ports.reserve(), ports.reserve()),
        schema=files("createflow.reference_server").joinpath("sql", "schema.sql").read_text(encoding="utf-8"),
    )
    valkey_port, nats_port, search_port = ports.reserve(), ports.reserve(), ports.reserve()
    components = [
        *cluster.components(),
        valkey.declare(state, directories["valkey"], passwords, valkey_port),
        # Each test has its own prefix.
        nats.declare(state, directories["nats"], passwords, nats_port, ports.reserve(), prefix="*"),
        search.declare(directories["search"], search_port, "resources"),
    ]
    operator_password = _add_operator(directories["nats"] / "nats.conf")
    issuer = make_issuer(state)
    dsn = cluster.local_dsn("createflow_app", passwords.postgres_app)
    settings = Settings(
        instance="test",
        host=HOST,
        port=0,
        nats_url="",  # each kind of process has its own user
        valkey_url=valkey.local_url("app", passwords.valkey_app, directories["valkey"], valkey_port),
        primary_dsn=dsn,
        direct_dsn=dsn,
        replica_dsns=(cluster.local_dsn("createflow_app", passwords.postgres_app, 1),),
        search_url=search.url(search_port),
        search_index="resources",
        jwks_file=str(issuer.jwks_file),
        issuer=ISSUER,
        audience=AUDIENCE,
        pool_size=2,
        rate_per_s=1000.0,
        burst=1000,
    )
    supervisor = Supervisor(components, logs=state.logs, on_exit=print)
    users = {
        kind: nats.url(kind, getattr(passwords, f"nats_{kind}"), nats_port)
        for kind in ("gateway", "service", "worker", "probe")
    }
    users["operator"] = nats.url("operator", operator_password, nats_port)
    replica = cluster.dsn("postgres", passwords.postgres, 1)
    return EngineSet(settings, issuer.private_file.read_text(), cluster.admin_dsn, replica, users, supervisor, loop)


def _add_operator(configuration: Path) -> str:
    """Add a user who may delete streams, which no process of the reference may; return the password."""
    password, text = new_password(), configuration.read_text()
    _, events, rest = text.partition("jetstream: enabled")
    head, users, tail = rest.partition("users: [")
    text = text.partition(events)[0] + events + head + users + f' {{ user: operator, password: "{password}" }}' + tail
    configuration.write_text(text)
    return password
