"""Valkey: buckets of the rate limiter and the cache. Nothing in it is the truth, so nothing in it is persisted."""

from pathlib import Path

from createflow.reference_server.adapters import engine_admin
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.options import Secrets
from createflow.reference_server.stack.ports import HOST
from createflow.reference_server.stack.state import State


def url(user: str, password: str, port: int) -> str:
    """A client's address."""
    return f"redis://{user}:{password}@{HOST}:{port}/0"


def component(state: State, directory: Path, secrets: Secrets, port: int) -> Component:
    """The engine, with a user that may do everything and one that may only look."""
    program = str(binaries.require(binaries.VALKEY))
    configuration = directory / "valkey.conf"
    state.write_secret(
        configuration,
        f"""\
bind {HOST}
port {port}
dir {directory}
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
