"""Lays out one stack: ports, secrets, settings, components, and the profile that describes it."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from createflow.reference_server.process.settings import Settings
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.account import reachable_directory, unprivileged_account
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.engines import haproxy, nats, pgbouncer, processes, search, valkey
from createflow.reference_server.stack.engines.postgres import PRIMARY, Cluster
from createflow.reference_server.stack.keys import AUDIENCE, ISSUER, make_issuer
from createflow.reference_server.stack.options import Secrets, StackOptions
from createflow.reference_server.stack.ports import HOST, Ports
from createflow.reference_server.stack.profile_writer import describe
from createflow.reference_server.stack.sockets import socket_in
from createflow.reference_server.stack.state import State
from createflow.reference_server.stack.tls import make_certificates

SEARCH_INDEX = "resources"


@dataclass(frozen=True, slots=True)
class Layout:
    """A stack that is ready to be started."""

    components: list[Component]
    profile: str
    """Text of the profile."""
    base_url: str
    admin_dsn: str
    """The primary's superuser; for provoking real database errors."""
    remarks: tuple[str, ...]
    """What a user should know, a line each."""


class _Builder:
    """Collects the parts of one stack, so that each can be made in a few lines."""

    def __init__(self, state: State, options: StackOptions, ports: Ports) -> None:
        self.state = state
        self.options = options
        self.ports = ports
        self.secrets = Secrets()
        self.account = unprivileged_account()
        self.issuer = make_issuer(state)
        self.certificates = make_certificates(state)
        self.components: list[Component] = []
        self.remarks: list[str] = []
        self.search_url = options.search_url

    def directory(self, name: str) -> Path:
        path = self.state.run / name
        path.mkdir(mode=0o711)
        return path

    def add_engines(self) -> None:
        self.cluster = Cluster(
            data=reachable_directory(self.state.run, "data", self.account),
            account=self.account,
            secrets=self.secrets,
            ports=tuple(self.ports.reserve() for _ in range(1 + self.options.replicas)),
            schema=_schema(),
        )
        self.components += self.cluster.components()
        self.valkey_port = self.ports.reserve()
        self.valkey_directory = self.directory("valkey")
        self.components.append(valkey.component(self.state, self.valkey_directory, self.secrets, self.valkey_port))
        self.nats_port = self.ports.reserve()
        self.components.append(
            nats.component(self.state, self.directory("nats"), self.secrets, self.nats_port, self.ports.reserve())
        )
        if not self.search_url:
            port = self.ports.reserve()
            self.components.append(search.component(self.directory("search"), port))
            self.search_url = search.url(port)
        self.add_pooler()

    def add_pooler(self) -> None:
        self.app_dsn = self.cluster.local_dsn("createflow_app", self.secrets.postgres_app)
        self.prepared_statements = True
        self.write_needs: tuple[str, ...] = (PRIMARY,)
        program = binaries.find(binaries.PGBOUNCER)
        if program is None:
            self.remarks.append("PgBouncer is not installed (apt-get install pgbouncer): services pool for themselves")
            return
        if not self.options.pgbouncer:
            self.remarks.append("PgBouncer is left out as asked: services pool for themselves")
            return
        port = self.ports.reserve()
        directory = reachable_directory(self.state.run, "pgbouncer", self.account)
        self.components.append(
            pgbouncer.component(
                self.state,
                directory,
                program,
                account=self.account,
                secrets=self.secrets,
                port=port,
                cluster=self.cluster,
            )
        )
        self.app_dsn = pgbouncer.local_dsn(self.secrets, directory, port)
        self.prepared_statements = pgbouncer.tracks_prepared_statements(program)
        self.write_needs = ("pgbouncer",)
        self.remarks.append("PgBouncer is in the path of every write, in transaction mode")

    def add_processes(self) -> None:
        replicas = tuple(f"postgres-replica-{n}" for n in range(1, self.options.replicas + 1))
        search_need = () if self.options.search_url else ("search",)
        for number in range(1, self.options.services + 1):
            self.add_process("service", number, (*self.write_needs, *replicas, "valkey", "nats"))
        self.add_process("worker", 1, (PRIMARY, "nats", *search_need))
        services = tuple(f"service-{n}" for n in range(1, self.options.services + 1))
        self.gateways = {}
        for number in range(1, self.options.gateways + 1):
            settings = self.add_process("gateway", number, ("valkey", "nats", *services))
            address = f"unix@{settings.http_socket}" if settings.http_socket else f"{HOST}:{settings.port}"
            self.gateways[settings.instance] = address
        self.port = self.ports.reserve(self.options.port)
        self.components.append(
            haproxy.component(
                self.state,
                self.directory("haproxy"),
                self.certificates,
                port=self.port,
                admin_port=self.ports.reserve(),
                gateways=self.gateways,
            )
        )

    def add_process(self, kind: str, number: int, needs: tuple[str, ...]) -> Settings:
        name = f"{kind}-{number}"
        directory = self.directory(name)
        settings = Settings(
            instance=name,
            host=HOST,
            port=self.ports.reserve(),
            http_socket=str(socket_in(directory, "http.sock") or "") if kind == "gateway" else "",
            nats_url=nats.url(kind, getattr(self.secrets, f"nats_{kind}"), self.nats_port),
            valkey_url=valkey.local_url("app", self.secrets.valkey_app, self.valkey_directory, self.valkey_port),
            primary_dsn=self.app_dsn,
            direct_dsn=self.cluster.local_dsn("createflow_app", self.secrets.postgres_app),
            replica_dsns=tuple(
                self.cluster.local_dsn("createflow_app", self.secrets.postgres_app, node)
                for node in range(1, self.options.replicas + 1)
            ),
            search_url=self.search_url,
            search_index=SEARCH_INDEX,
            jwks_file=str(self.issuer.jwks_file),
            issuer=ISSUER,
            audience=AUDIENCE,
            prepared_statements=self.prepared_statements,
            gateways=self.options.gateways,
            rate_per_s=self.options.rate_per_s,
            burst=self.options.burst,
        )
        self.components.append(processes.component(kind, directory, settings, needs=needs))
        return settings


def lay_out(state: State, options: StackOptions, ports: Ports) -> Layout:
    """Decide on everything before anything runs.

    Raises:
        UserError: an engine is not installed, or a port is taken.
    """
    builder = _Builder(state, options, ports)
    builder.add_engines()
    builder.add_processes()
    base_url = f"https://localhost:{builder.port}"
    secrets, cluster = builder.secrets, builder.cluster
    profile = describe(
        base_url=base_url,
        ca_file=builder.certificates.ca_file,
        issuer=builder.issuer,
        options=options,
        probe_dsns=[
            cluster.dsn("createflow_probe", secrets.postgres_probe, node) for node in range(1 + options.replicas)
        ],
        cache_url=valkey.url("probe", secrets.valkey_probe, builder.valkey_port),
        events_url=nats.url("probe", secrets.nats_probe, builder.nats_port),
        search=(builder.search_url, SEARCH_INDEX),
        state_directory=state.root,
    )
    return Layout(builder.components, profile, base_url, cluster.admin_dsn, tuple(builder.remarks))


def _schema() -> str:
    return files("createflow.reference_server").joinpath("sql", "schema.sql").read_text(encoding="utf-8")
