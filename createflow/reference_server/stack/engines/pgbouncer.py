"""PgBouncer in transaction mode, when it is there: it has no wheel."""

import re
import shutil
import signal
import subprocess
from pathlib import Path

from createflow.reference_server.adapters import engine_admin
from createflow.reference_server.stack.account import Account
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.engines.postgres import DATABASE, PRIMARY
from createflow.reference_server.stack.options import Secrets
from createflow.reference_server.stack.ports import HOST
from createflow.reference_server.stack.state import State

_TRACKS_PREPARED_SINCE = (1, 22)
"""The first release that psycopg's documentation accepts for prepared statements in transaction mode."""


def tracks_prepared_statements(program: Path) -> bool:
    """Whether this PgBouncer lets clients use prepared statements in transaction mode."""
    shown = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    match = re.search(r"PgBouncer (\d+)\.(\d+)", shown)
    return match is not None and (int(match[1]), int(match[2])) >= _TRACKS_PREPARED_SINCE


def dsn(secrets: Secrets, port: int) -> str:
    """The application's connection string through the pooler."""
    return f"postgresql://createflow_app:{secrets.postgres_app}@{HOST}:{port}/{DATABASE}"


def component(
    state: State,
    directory: Path,
    program: Path,
    *,
    account: Account | None,
    secrets: Secrets,
    port: int,
    primary_port: int,
) -> Component:
    """The pooler before the primary. Refuses to run as root, as PostgreSQL does."""
    configuration = directory / "pgbouncer.ini"
    users = state.write_secret(directory / "userlist.txt", f'"createflow_app" "{secrets.postgres_app}"\n')
    prepared = "max_prepared_statements = 200" if tracks_prepared_statements(program) else ""
    state.write_secret(
        configuration,
        f"""\
[databases]
{DATABASE} = host={HOST} port={primary_port} dbname={DATABASE}

[pgbouncer]
listen_addr = {HOST}
listen_port = {port}
unix_socket_dir =
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
    if account is not None:
        for path in (directory, users, configuration):
            shutil.chown(path, account.uid, account.gid)
    address = dsn(secrets, port)
    return Component(
        name="pgbouncer",
        port=port,
        argv=lambda: [str(program), str(configuration)],
        cwd=directory,
        needs=(PRIMARY,),
        ready=lambda: engine_admin.postgres_answers(address),
        account=account,
        stop_signal=signal.SIGINT,
        note="transaction mode",
    )
