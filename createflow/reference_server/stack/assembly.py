"""Plans one stack before anything runs: ports, credentials, settings, components, and the profile."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from createflow.reference_server.adapters.postgres_group_commit import UNIQUE_NAME
from createflow.reference_server.gateway import openapi
from createflow.reference_server.joining.join_file import KINDS
from createflow.reference_server.process.settings import Settings, seed_of_defects
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.credentials import (
    AUDIENCE,
    CERTIFICATE_DAYS,
    ISSUER,
    Passwords,
    make_certificates,
    make_issuer,
)
from createflow.reference_server.stack.door import Door
from createflow.reference_server.stack.endpoints import HOST, Ports, answers_200, socket_in
from createflow.reference_server.stack.engines import haproxy, nats, pgbouncer, search, valkey
from createflow.reference_server.stack.engines.postgres import PRIMARY, Cluster
from createflow.reference_server.stack.joins import SERVICES_MAX, Joins
from createflow.reference_server.stack.options import StackOptions
from createflow.reference_server.stack.os_user import reachable_directory, unprivileged_user
from createflow.reference_server.stack.profile_writer import write_profile
from createflow.reference_server.stack.state import State
from createflow.schemas.error import UserError

SEARCH_INDEX = "resources"


@dataclass(frozen=True, slots=True)
class StackPlan:
    """A stack that is ready to be started."""

    components: list[Component]
    profile: str
    """The profile as TOML."""
    base_url: str
    admin_dsn: str
    """Connection string of the primary's superuser; for injecting database errors."""
    replica_admin_dsns: tuple[str, ...]
    """The same of each replica; for letting them fall behind."""
    search: tuple[str, str]
    """URL and index of the search engine; for letting it refuse documents."""
    notes: tuple[str, ...]
    """What the user should know, one line each."""
    defects: tuple[str, ...]
    """Names of the seeded defects."""
    write_join_files: Callable[[], None] | None = None
    """Writes what others need to join; None where nobody may."""
    door: Door | None = None
    """Where gateways that join are told to the balancer."""


class _Planner:
    """Collects the components of one stack."""

    def __init__(self, state: State, options: StackOptions, ports: Ports) -> None:
        self.state = state
        self.options = options
        self.ports = ports
        self.seed = seed_of_defects(options.defects)
        self.passwords = Passwords()
        self.user = unprivileged_user()
        self.issuer = make_issuer(state)
        self.certificates = make_certificates(state, self.seed.change_certificate_days(CERTIFICATE_DAYS))
        self.joins = Joins(state, options.listen, ports, self.certificates) if options.listen else None
        self.joined = None if self.joins is None else self.joins.passwords
        self.components: list[Component] = []
        self.notes: list[str] = []
        self.search_url = options.search_url

    def directory(self, name: str) -> Path:
        path = self.state.run / name
        path.mkdir(mode=0o711)
        return path

    def add_engines(self) -> None:
        self.cluster = Cluster(
            data=reachable_directory(self.state.run, "data", self.user),
            user=self.user,
            passwords=self.passwords,
            ports=tuple(self.ports.reserve() for _ in range(1 + self.options.replicas)),
            schema=self.seed.change_schema(_schema(self.options)),
            change_last_replica=self.seed.change_last_replica,
            joined=self.joined,
        )
        self.components += self.cluster.components()
        self.valkey_port = self.ports.reserve()
        self.valkey_directory = self.directory("valkey")
        self.components.append(
            valkey.declare(self.state, self.valkey_directory, self.passwords, self.valkey_port, joined=self.joined)
        )
        self.nats_port = self.ports.reserve()
        self.broker = nats.declare(
            self.state,
            self.directory("nats"),
            self.passwords,
            self.nats_port,
            self.ports.reserve(),
            joined=self.joined,
        )
        self.components.append(self.broker)
        if not self.search_url:
            port = self.ports.reserve()
            self.components.append(search.declare(self.directory("search"), port, SEARCH_INDEX))
            self.search_url = search.url(port)
        self.add_pooler()
        if self.joins is not None:
            self.open_to_others(self.joins)

    def open_to_others(self, joins: Joins) -> None:
        """Let others reach the engines, each kind what it needs."""
        joins.open("nats", f"{HOST}:{self.nats_port}", KINDS)
        joins.open("valkey", _backend(valkey.socket_file(self.valkey_directory), self.valkey_port), KINDS)
        direct = ("worker",) if self.pooler else ("worker", "service")
        joins.open("primary", _backend(self.cluster.socket_file(0), self.cluster.port(0)), direct)
        if self.pooler:
            directory, port = self.pooler
            joins.open("pooler", _backend(pgbouncer.socket_file(directory, port), port), ("service",))
        for node in range(1, self.options.replicas + 1):
            backend = _backend(self.cluster.socket_file(node), self.cluster.port(node))
            joins.open(f"replica-{node}", backend, ("service",))
        if not self.options.search_url:
            joins.open("search", urlsplit(self.search_url).netloc, ("service", "worker"), speaks_http=True)
        joins.open("door", f"unix@{self.door_socket()}", ("gateway",))
        self.components.append(
            joins.component(
                self.directory("join-proxy"),
                monitor_port=self.ports.reserve(),
                index=SEARCH_INDEX,
                needs=tuple(component.name for component in self.components),
            )
        )

    def door_socket(self) -> Path:
        """Where the stack hears of gateways that join.

        Raises:
            UserError: the path is too long for a socket.
        """
        path = socket_in(self.state.run, "door.sock")
        if path is None or socket_in(self.state.run / "haproxy", "control.sock") is None:
            raise UserError(
                f"the path {self.state.root} is too long for --listen", hint="choose a shorter: --state DIR"
            )
        return path

    def add_pooler(self) -> None:
        self.pooler: tuple[Path, int] | None = None
        self.app_dsn = self.cluster.local_dsn("createflow_app", self.passwords.postgres_app)
        self.prepared_statements = True
        self.write_needs: tuple[str, ...] = (PRIMARY,)
        program = binaries.find(binaries.PGBOUNCER)
        if program is None:
            self.notes.append("PgBouncer is not installed (apt-get install pgbouncer): services use their own pools")
            return
        if not self.options.pgbouncer:
            self.notes.append("PgBouncer is left out as requested: services use their own pools")
            return
        port = self.ports.reserve()
        directory = reachable_directory(self.state.run, "pgbouncer", self.user)
        self.components.append(
            pgbouncer.declare(
                self.state,
                directory,
                program,
                user=self.user,
                passwords=self.passwords,
                port=port,
                cluster=self.cluster,
                joined=self.joined,
            )
        )
        self.pooler = (directory, port)
        self.app_dsn = pgbouncer.local_dsn(self.passwords, directory, port)
        self.prepared_statements = pgbouncer.tracks_prepared_statements(program)
        self.write_needs = ("pgbouncer",)
        self.notes.append("PgBouncer is in the path of every write, in transaction mode")

    def add_processes(self) -> None:
        replicas = tuple(f"postgres-replica-{n}" for n in range(1, self.options.replicas + 1))
        search_need = () if self.options.search_url else ("search",)
        for number in range(1, self.options.services + 1):
            self.add_process("service", number, (*self.write_needs, *replicas, "valkey", "nats"))
        workers = [
            self.add_process("worker", number, (PRIMARY, "nats", *search_need))
            for number in range(1, self.options.workers + 1)
        ]
        nats.believe_the_relays(self.broker, [worker.port for worker in workers])
        self.common = workers[0]
        services = tuple(f"service-{n}" for n in range(1, self.options.services + 1))
        self.gateways = {}
        for number in range(1, self.options.gateways + 1):
            settings = self.add_process("gateway", number, ("valkey", "nats", *services))
            address = f"unix@{settings.http_socket}" if settings.http_socket else f"{HOST}:{settings.port}"
            self.gateways[settings.instance] = address
        self.port = self.ports.reserve(self.options.port)
        directory = self.directory("haproxy")
        joining, self.door = None, None
        if self.joins is not None:
            control = directory / "control.sock"
            joining = self.joins.places(control)
            self.door = Door(self.door_socket(), control, self.issuer.jwks_file)
        self.components.append(
            haproxy.declare(
                self.state,
                directory,
                self.certificates,
                port=self.port,
                admin_port=self.ports.reserve(),
                gateways=self.gateways,
                joining=joining,
                change_configuration=self.seed.change_balancer,
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
            nats_url=nats.url(kind, getattr(self.passwords, f"nats_{kind}"), self.nats_port),
            valkey_url=valkey.local_url("app", self.passwords.valkey_app, self.valkey_directory, self.valkey_port),
            primary_dsn=self.app_dsn,
            direct_dsn=self.cluster.local_dsn("createflow_app", self.passwords.postgres_app),
            replica_dsns=tuple(
                self.cluster.local_dsn("createflow_app", self.passwords.postgres_app, node)
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
            private=self.options.private,
            conditional_updates=self.options.conditional_updates,
            services=self.options.services if self.joins is None else SERVICES_MAX,
            capacity_per_s=self.options.service_capacity_per_s,
            keep_s=self.options.keep_s,
            defects=self.options.defects,
        )
        settings_file = directory / "settings.json"
        settings.save(settings_file)
        self.components.append(
            Component(
                name=name,
                port=settings.port,
                argv=lambda: [sys.executable, "-m", "createflow.reference_server", kind, str(settings_file)],
                cwd=directory,
                check_ready=lambda: answers_200(f"http://{HOST}:{settings.port}/readyz"),
                needs=needs,
                starts_early=True,
                grace_s=10.0,
                niceness=5 if kind == "worker" else 0,
            )
        )
        return settings


def plan_stack(state: State, options: StackOptions, ports: Ports) -> StackPlan:
    """Plan a stack: reserve its ports, make its credentials, write its settings.

    Raises:
        UserError: an engine is not installed, a port is taken, or a seeded defect has no such name.
    """
    planner = _Planner(state, options, ports)
    planner.add_engines()
    planner.add_processes()
    common = planner.common
    base_url = f"https://localhost:{planner.port}"
    passwords, cluster = planner.passwords, planner.cluster
    openapi_file = state.run / "openapi.json"
    openapi_file.write_bytes(openapi.text())
    profile = write_profile(
        base_url=base_url,
        ca_file=planner.certificates.ca_file,
        issuer=planner.issuer,
        options=options,
        probe_dsns=[
            cluster.dsn("createflow_probe", passwords.postgres_probe, node) for node in range(1 + options.replicas)
        ],
        cache_url=valkey.url("probe", passwords.valkey_probe, planner.valkey_port),
        events_url=nats.url("probe", passwords.nats_probe, planner.nats_port),
        search=(planner.search_url, SEARCH_INDEX),
        openapi_file=openapi_file,
        state_directory=state.root,
    )
    return StackPlan(
        planner.components,
        profile,
        base_url,
        cluster.admin_dsn,
        cluster.replica_admin_dsns,
        (planner.search_url, SEARCH_INDEX),
        tuple(planner.notes),
        options.defects,
        partial(planner.joins.write_files, common, planner.issuer.jwks_file.read_text(encoding="utf-8"))
        if planner.joins is not None
        else None,
        planner.door,
    )


def _backend(socket_file: Path | None, port: int) -> str:
    """How HAProxy reaches an engine on this machine."""
    return f"unix@{socket_file}" if socket_file else f"{HOST}:{port}"


def _schema(options: StackOptions) -> str:
    script = files("createflow.reference_server").joinpath("sql", "schema.sql").read_text(encoding="utf-8")
    if options.listen:
        script += files("createflow.reference_server").joinpath("sql", "joined_roles.sql").read_text(encoding="utf-8")
    if not options.unique_names:
        return script
    # Of private resources, a name that another has taken must not be told.
    columns = "created_by, name" if options.private else "name"
    return f"{script}\nCREATE UNIQUE INDEX {UNIQUE_NAME} ON resources ({columns}) WHERE deleted_at IS NULL;\n"
