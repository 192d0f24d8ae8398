"""PgBouncer in transaction mode, if it is installed: there is no wheel of it."""

import re
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

from createflow.reference_server.adapters import engine_admin
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.credentials import JoinPasswords, Passwords
from createflow.reference_server.stack.endpoints import HOST, socket_in
from createflow.reference_server.stack.engines.postgres import DATABASE, PRIMARY, ROLES, Cluster
from createflow.reference_server.stack.os_user import OsUser
from createflow.reference_server.stack.state import State

_TRACKS_PREPARED_SINCE = (1, 22)
"""The first release that psycopg's documentation accepts for prepared statements in transaction mode."""


def tracks_prepared_statements(program: Path) -> bool:
    """Whether this PgBouncer lets clients use prepared statements in transaction mode."""
    shown = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    match = re.search(r"PgBouncer (\d+)\.(\d+)", shown)
    return match is not None and (int(match[1]), int(match[2])) >= _TRACKS_PREPARED_SINCE


def dsn(passwords: Passwords, port: int) -> str:
    """Return the application's connection string through the pooler, over TCP."""
    return f"postgresql://createflow_app:{passwords.postgres_app}@{HOST}:{port}/{DATABASE}"


def local_dsn(passwords: Passwords, directory: Path, port: int) -> str:
    """Return the same over the Unix socket if there is one; for clients of the same user, or root."""
    if not _has_socket(directory, port):
        return dsn(passwords, port)
    host = quote(str(directory), safe="")
    return f"postgresql://createflow_app:{passwords.postgres_app}@/{DATABASE}?host={host}&port={port}"


def socket_file(directory: Path, port: int) -> Path | None:
    """The pooler's Unix socket, if there is one."""
    return socket_in(directory, f".s.PGSQL.{port}")


def _has_socket(directory: Path, port: int) -> bool:
    return socket_file(directory, port) is not None


def declare(
    state: State,
    directory: Path,
    program: Path,
    *,
    user: OsUser | None,
    passwords: Passwords,
    port: int,
    cluster: Cluster,
    joined: JoinPasswords | None = None,
) -> Component:
    """Declare the pooler in front of the primary. Like PostgreSQL, it refuses to run as root.

    Args:
        joined: passwords of who joins from elsewhere; the services among them come this way.
    """
    configuration = directory / "pgbouncer.ini"
    known = f'"createflow_app" "{passwords.postgres_app}"\n'
    if joined is not None:
        known += f'"{ROLES["service"]}" "{joined.postgres_service}"\n'
    users = state.write_secret(directory / "userlist.txt", known)
    prepared = "max_prepared_statements = 200" if tracks_prepared_statements(program) else ""
    state.write_secret(
        configuration,
        f"""\
[databases]
{DATABASE} = host={cluster.host} port={cluster.primary_port} dbname={DATABASE}

[pgbouncer]
listen_addr = {HOST}
listen_port = {port}
unix_socket_dir = {directory if _has_socket(directory, port) else ""}
unix_socket_mode = 0700
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 16
max_client_conn = 400
query_wait_timeout = 2
server_connect_timeout = 2
server_login_retry = 0.2
ignore_startup_parameters = extra_float_digits,options
log_connections = 0
log_disconnections = 0
{prepared}
""",
    )
    if user is not None:
        for path in (directory, users, configuration):
            shutil.chown(path, user.uid, user.gid)
    address = dsn(passwords, port)
    return Component(
        name="pgbouncer",
        port=port,
        argv=lambda: [str(program), str(configuration)],
        cwd=directory,
        needs=(PRIMARY,),
        check_ready=lambda: engine_admin.postgres_commits(address),
        user=user,
        stop_signal=signal.SIGINT,
        note="transaction mode",
    )
