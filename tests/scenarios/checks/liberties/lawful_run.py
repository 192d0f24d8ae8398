"""Runs checks against a lawful service, with the profile that its maker would write."""

import base64
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness.check import Check
from createflow.schemas.profile import Profile
from createflow.schemas.profile_auth import Auth
from createflow.schemas.report import RunReport
from tests.scenarios.checks.liberties.front import ENVIRONMENT, PRINCIPALS, Front, FrontService, openapi
from tests.scenarios.checks.liberties.habits import Habits
from tests.scenarios.checks.liberties.service import AUDIENCE, ISSUER, LawfulService
from tests.scenarios.checks.liberties.wire import Answer, Request, serving
from tests.scenarios.conformance.quiet_progress import QuietProgress
from tests.scenarios.target.http_2_server import http_2_server

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "\\S"},
        "description": {"type": "string", "maxLength": 2000, "default": ""},
        "metadata": {"type": "object", "default": {}},
    },
}
_TARGET = {
    "timeout_s": 30.0,
    "update": True,
    "delete": True,
    "versions": True,
    "idempotency": True,
    "owned": True,
    "max_body_bytes": 1_000_000,
}
_DEADLINES = dict.fromkeys(("replica_s", "cache_s", "event_s", "index_s", "audit_s", "recovery_s"), 0.1)


async def run(
    habits: Habits,
    checks: Sequence[Check],
    *,
    sections: Mapping[str, Any] | None = None,
    schema: Mapping[str, Any] | None = None,
    front: Mapping[str, Any] | None = None,
    bend: Callable[[Request, Answer], Answer] = lambda _, answer: answer,
) -> RunReport:
    """The report of the checks.

    Args:
        habits: of the service.
        checks: to be run.
        sections: of the profile, merged into those of the contract.
        schema: of the create body.
        front: the fields of ``Front`` that differ.
        bend: what becomes of an answer, for a service that is not lawful.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = Ed25519PrivateKey.generate()
        given = dict(sections or {})
        used_schema = dict(schema or SCHEMA)
        document: dict[str, Any] = {
            "target": {"base_url": "http://127.0.0.1:9", **_TARGET, **given.pop("target", {})},
            "auth": _auth(given.pop("auth", {}), key, folder),
            "deadlines": _DEADLINES | given.pop("deadlines", {}),
            **given,
        }
        _write_files(document["target"], used_schema, folder)
        profile = Profile.model_validate(document)
        verifies = _verifying_key(profile.auth, key)
        service = LawfulService(profile, habits, verifies, used_schema)
        before = FrontService(Front(**front or {}), profile, service.answer, key, used_schema)

        async def answer(request: Request) -> Answer:
            return bend(request, await before.answer(request))

        speaks = http_2_server(answer) if profile.target.http == "2" else serving(habits, answer)
        async with speaks as url:
            document["target"]["base_url"] = url
            if profile.auth.kind == "session":
                document["auth"]["login_url"] = url + "/login"
            if profile.auth.kind.startswith("oauth2"):
                document["auth"]["token_url"] = url + "/token"
            if profile.auth.kind == "command":
                named = [name for name in PRINCIPALS if name in document["auth"]]
                document["auth"].update({name: ["echo", before.minted(name.upper())] for name in named})
            with pytest.MonkeyPatch.context() as environment:
                for variable, value in ENVIRONMENT.items():
                    environment.setenv(variable, value)
                profile = Profile.model_validate(document)
                return await conformance(profile, checks, source="test", progress=QuietProgress(), seed=1)


def _verifying_key(auth: Auth, key: Ed25519PrivateKey) -> Ed25519PublicKey | bytes | None:
    """What the service verifies tokens with."""
    if auth.kind == "none":
        return None
    if auth.kind == "jwt" and auth.secret_env is not None:
        secret = ENVIRONMENT[auth.secret_env]
        return base64.b64decode(secret) if auth.secret_encoding == "base64" else secret.encode()
    return key.public_key()


def _auth(given: Mapping[str, Any], key: Ed25519PrivateKey, folder: Path) -> dict[str, Any]:
    """The section for the kind that is given; a JWT of the contract unless another is."""
    if given.get("kind", "jwt") != "jwt":
        return dict(given)
    tokens = {"issuer": ISSUER, "audience": AUDIENCE, **given}
    if "secret_env" in given:
        return tokens
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    return {"kind": "jwt", "key_file": str(folder / "key.pem"), **tokens}


def _write_files(target: dict[str, Any], schema: Mapping[str, Any], folder: Path) -> None:
    """Put the contents of files that the section names into files; the schema has one unless another says it."""
    contents: dict[str, Any] = {"openapi_file": openapi(schema), "body_file": target.get("body_file")}
    named = contents.keys() & target.keys()
    if "body_file" not in target and "body" not in target:
        contents["schema_file"] = schema
        named.add("schema_file")
    for name in named:
        (folder / name).write_text(json.dumps(contents[name]))
        target[name] = str(folder / name)
