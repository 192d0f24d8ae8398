"""Valkey: buckets of the rate limiter and the cache. Nothing in it is the truth, so nothing in it is persisted."""

from pathlib import Path

from createflow.reference_server.adapters import engine_admin
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.options import Secrets
from createflow.reference_server.stack.ports import HOST
from createflow.reference_server.stack.sockets import socket_in
from createflow.reference_server.stack.state import State

_SOCKET = "valkey.sock"


def url(user: str, password: str, port: int) -> str:
    """A client's address."""
    return f"redis://{user}:{password}@{HOST}:{port}/0"


def local_url(user: str, password: str, directory: Path, port: int) -> str:
    """The address of a client that runs as the same user."""
    socket = socket_in(directory, _SOCKET)
    return f"unix://{user}:{password}@{socket}?db=0" if socket else url(user, password, port)


def component(state: State, directory: Path, secrets: Secrets, port: int) -> Component:
    """The engine, with a user that may do everything and one that may only look."""
    program = str(binaries.require(binaries.VALKEY))
    configuration = directory / "valkey.conf"
    socket = socket_in(directory, _SOCKET)
    local = f"unixsocket {socket}\nunixsocketperm 700\n" if socket else ""
    state.write_secret(
        configuration,
        f"""\
bind {HOST}
port {port}
{local}dir {directory}
save ""
appendonly no
maxmemory 256mb
maxmemory-policy volatile-ttl
user default off
user app on >{secrets.valkey_app} ~* &* +@all
user probe on >{secrets.valkey_probe} ~* +@read +@connection
""",
    )
    address = url("app", secrets.valkey_app, port)
    return Component(
        name="valkey",
        port=port,
        argv=lambda: [program, str(configuration)],
        cwd=directory,
        ready=lambda: engine_admin.valkey_answers(address),
        note="rate limit, cache",
    )
