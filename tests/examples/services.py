"""Starts the services of ``examples/`` as their ``serve.sh`` does, each with a database of its own."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.os_user import reachable_directory, unprivileged_user
from tests.up_stack import wait_a_little

EXAMPLES = Path(__file__).parents[2] / "examples"
BROKEN = Path(__file__).parent / "broken"
START_LIMIT_S = 120.0
INSTALL_LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL for the services."""

    port: int

    def url(self, database: str) -> str:
        """Connection string of one of its databases."""
        return f"postgresql://app@127.0.0.1:{self.port}/{database}"

    def is_ready(self) -> bool:
        """Whether it has started up."""
        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def create(self, database: str) -> str:
        """Make an empty database, and return its connection string."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"')
        return self.url(database)


@contextmanager
def postgres_in(folder: Path) -> Iterator[Postgres]:
    """Start one, and stop it at the end."""
    programs = binaries.require(binaries.POSTGRES).parent
    user = unprivileged_user()
    data = reachable_directory(folder, "postgres", user)
    run_as = {} if user is None else {"user": user.uid, "group": user.gid, "extra_groups": []}
    make = [programs / "initdb", "-D", data, "-U", "app", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8"]
    subprocess.run([*make, "--no-sync"], check=True, capture_output=True, cwd=data, **run_as)
    port = free_port()
    serve = [programs / "postgres", "-D", data, "-p", str(port), "-c", "unix_socket_directories="]
    with (folder / "postgres.log").open("wb") as log:
        process = subprocess.Popen(serve, stdout=log, stderr=log, cwd=data, **run_as)
    try:
        wait_for(port, process, folder / "postgres.log")
        server = Postgres(port)
        while not server.is_ready():
            wait_a_little()
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
        if data.parent != folder.resolve():
            shutil.rmtree(data)


@dataclass(frozen=True, slots=True)
class Service:
    """A service that answers."""

    profile: Path
    environment: dict[str, str]
    """What its ``serve.sh`` tells to export."""


@contextmanager
def served(name: str, installed: Path, postgres: Postgres, folder: Path, *, defect: str = "") -> Iterator[Service]:
    """Start a service.

    Args:
        name: of its folder in ``examples/``.
        installed: the folder that ``serve.sh`` installs into.
        defect: of its broken form; empty for the honest one.
    """
    port = free_port()
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "DATABASE_URL": postgres.create(f"{name}_{defect or 'honest'}"),
        "PORT": str(port),
    }
    if defect:
        environment |= {"DEFECT": defect, "APP": APPS[name], "PYTHONPATH": str(BROKEN)}
    output = folder / "serve.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            ["bash", EXAMPLES / name / "serve.sh", installed],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    try:
        wait_for(port, process, output)
        yield Service(_profile_at(port, name, folder), _exported(output.read_text()))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


APPS = {
    "fastapi": "fastapi_broken:app",
    "django": "django_broken",
    "express": str(BROKEN / "express_broken.js"),
}
"""Where the broken form of a service is."""


def _profile_at(port: int, name: str, folder: Path) -> Path:
    """The service's own profile and the files beside it, with the port of this one."""
    for file in (EXAMPLES / name).glob("*.json"):
        shutil.copy(file, folder)
    text = (EXAMPLES / name / "createflow.toml").read_text()
    text, count = re.subn(r"(?m)^(base_url = \"http://[\w.]+):\d+", rf"\1:{port}", text)
    assert count == 1
    profile = folder / "createflow.toml"
    profile.write_text(text)
    return profile


def _exported(output: str) -> dict[str, str]:
    """The variables of the lines that begin with export."""
    lines = [line.removeprefix("export ") for line in output.splitlines() if line.startswith("export ")]
    return dict(pair.split("=", 1) for line in lines for pair in line.split())


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes], output: Path) -> None:
    """Wait until something listens on the port."""
    deadline = time.monotonic() + START_LIMIT_S + INSTALL_LIMIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"it did not start:\n{output.read_text(errors='replace')}")
            wait_a_little()
        else:
            return
