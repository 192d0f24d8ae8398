"""Valkey: the rate limiter's buckets and the cache. Both can be lost, so nothing is persisted."""

from pathlib import Path

from createflow.reference_server.adapters import engine_admin
from createflow.reference_server.joining.join_file import JOINED
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.credentials import JoinPasswords, Passwords
from createflow.reference_server.stack.endpoints import HOST, socket_in
from createflow.reference_server.stack.state import State

_SOCKET = "valkey.sock"


def url(user: str, password: str, port: int) -> str:
    """Return a client's address over TCP."""
    return f"redis://{user}:{password}@{HOST}:{port}/0"


def socket_file(directory: Path) -> Path | None:
    """The engine's Unix socket, if there is one."""
    return socket_in(directory, _SOCKET)


def local_url(user: str, password: str, directory: Path, port: int) -> str:
    """Return the address over the Unix socket if there is one; for clients of the same user."""
    socket = socket_file(directory)
    return f"unix://{user}:{password}@{socket}?db=0" if socket else url(user, password, port)


def declare(
    state: State, directory: Path, passwords: Passwords, port: int, *, joined: JoinPasswords | None = None
) -> Component:
    """Declare the engine, with a user that may do everything and one that may only read.

    Args:
        joined: passwords of who joins from elsewhere: a user of each kind, for its keys and commands alone.
    """
    program = str(binaries.require(binaries.VALKEY))
    configuration = directory / "valkey.conf"
    socket = socket_file(directory)
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
user app on >{passwords.valkey_app} ~* &* +@all
user probe on >{passwords.valkey_probe} ~* +@read +@connection
{"" if joined is None else _users_of_joined(joined)}""",
    )
    address = url("app", passwords.valkey_app, port)
    return Component(
        name="valkey",
        port=port,
        argv=lambda: [program, str(configuration)],
        cwd=directory,
        check_ready=lambda: engine_admin.valkey_stores(address),
        note="rate limit, cache",
    )


def _users_of_joined(joined: JoinPasswords) -> str:
    """A script may do no more than the user who runs it."""
    session = "+hello +ping +time +client|setinfo +script|load +evalsha"
    copies = "~createflow:resource:* +hmget +hget +hset +pexpire"
    buckets = "~createflow:rate:*"
    probe = "~createflow:ready:* +get +set"
    return f"""\
user {JOINED["gateway"]} on >{joined.valkey_gateway} {session} {buckets} {probe}
user {JOINED["service"]} on >{joined.valkey_service} {session} {copies}
user {JOINED["worker"]} on >{joined.valkey_worker} {session} {copies} {probe}
"""
