"""The join file: all that one kind of process needs to join a stack, and nothing more. ``createflow up`` writes it.

It holds passwords and a private key, so only its owner can read it. A stack makes new ones at each start.
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from createflow.reference_server.process.private_file import write_private
from createflow.reference_server.process.settings import Settings
from createflow.schemas.error import UserError

KINDS = ("service", "worker", "gateway")
JOINED: Mapping[str, str] = {kind: f"joined_{kind}" for kind in KINDS}
"""The users of NATS and Valkey, by kind."""
_VERSION = 1
_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class JoinFile:
    """Where the stack is, and what one kind of process may do there."""

    kind: str
    host: str
    """Name or address of the stack, as its certificate has it."""
    door_port: int
    """Where a gateway tells the balancer of itself."""
    authority: str
    """PEM: signs the stack's certificates."""
    certificate: str
    """PEM: private key and chain of this kind."""
    jwks: str
    """The issuer's public keys; for a gateway only."""
    settings: Settings
    """Addresses with users and passwords. What this kind does not need is empty."""

    def save(self, path: Path) -> None:
        """Write it, readable for this user only."""
        write_private(path, json.dumps({"createflow_join": _VERSION, **asdict(self)}, indent=1) + "\n")


def load(path: Path, kind: str) -> JoinFile:
    """Read the join file of a process of this kind.

    Raises:
        UserError: it cannot be read, is no join file, or is of another kind.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}",
            hint="createflow up --listen ADDRESS writes join files, into the folder join of its state directory",
        ) from None
    try:
        found = _parse(json.loads(text))
    except (ValueError, KeyError, TypeError, RecursionError, ssl.SSLError):
        raise UserError(
            f"{path} is not a join file of this version of createflow",
            hint=f"take {kind}.json of the folder join of the stack's state directory",
        ) from None
    if found.kind != kind:
        raise UserError(f"{path} is for a {found.kind}", hint=f"createflow join {found.kind} {path}")
    return found


def _parse(document: dict[str, Any]) -> JoinFile:
    """Raises ValueError, KeyError, TypeError or SSLError: it is no join file."""
    if not isinstance(document, dict):
        raise TypeError
    if document.pop("createflow_join") != _VERSION or document["kind"] not in KINDS:
        raise ValueError
    settings = document.pop("settings")
    texts = ("kind", "host", "authority", "certificate", "jwks")
    if not all(isinstance(document[name], str) for name in texts) or not isinstance(document["door_port"], int):
        raise TypeError
    _hold_to_types(settings := Settings.of(settings))
    trust = ssl.create_default_context(cadata=document["authority"])
    if not trust.get_ca_certs() or "PRIVATE KEY" not in document["certificate"]:
        raise ValueError
    return JoinFile(**document, settings=settings)


def _hold_to_types(settings: Settings) -> None:
    for one in fields(settings):
        value = getattr(settings, one.name)
        for item in value if isinstance(value, tuple) else (value,):
            expected = str if isinstance(value, tuple) else one.type
            if type(item) is not expected and (type(item), expected) != (int, float):
                raise TypeError
            if isinstance(item, str) and "://" in item and not urlsplit(item).port and one.name != "issuer":
                raise ValueError
